import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import { BENCHES, benchPath, verifierPath } from './keep.ts'

describe('what the verbs run', () => {
  it('every bench that is named is there', () => {
    for (const name of Object.keys(BENCHES)) assert.ok(existsSync(benchPath(name)), name)
  })

  it('they are those of the npm scripts', () => {
    const file = path.resolve(import.meta.dirname, '../../../../package.json')
    const { scripts } = JSON.parse(readFileSync(file, 'utf8')) as { scripts: Record<string, string> }
    const named = Object.entries(scripts).filter(([name]) => name.startsWith('bench:'))
    assert.deepEqual(
      Object.entries(BENCHES).map(([name, program]) => [
        `bench:${name}`,
        `node scripts/bootstrap.mjs ${program}`,
      ]),
      named.sort(),
    )
  })

  it('no other name leads anywhere', () => {
    for (const name of ['', 'nonsense', 'constructor', '__proto__'])
      assert.throws(() => benchPath(name), { code: 'invalid_request' }, name)
  })

  it('the verifier is there', () => assert.ok(existsSync(verifierPath())))
})
