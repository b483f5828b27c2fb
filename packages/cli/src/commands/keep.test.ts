import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { describe, it } from 'node:test'
import { BENCHES, benchPath, verifierPath } from './keep.ts'

describe('what the verbs run', () => {
  it('every bench that is named is there', () => {
    for (const name of Object.keys(BENCHES)) assert.ok(existsSync(benchPath(name)), name)
  })

  it('no other name leads anywhere', () => {
    for (const name of ['', 'nonsense', 'constructor', '__proto__'])
      assert.throws(() => benchPath(name), { code: 'invalid_request' }, name)
  })

  it('the verifier is there', () => assert.ok(existsSync(verifierPath())))
})
