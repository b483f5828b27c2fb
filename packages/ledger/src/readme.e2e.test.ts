import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import * as path from 'node:path'
import { it } from 'node:test'

const root = path.resolve(import.meta.dirname, '..')

it('the snippet of the README runs and prints what its comments say', () => {
  const readme = readFileSync(path.join(root, 'README.md'), 'utf8')
  const snippet = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? assert.fail('no snippet')
  const promised = [...snippet.matchAll(/console\.log\(.*\/\/ (\w+)$/gm)].map((match) => match[1])
  assert.ok(promised.length > 0)
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    ['--conditions=safeconduct-src', '--input-type=module-typescript', '-'],
    { cwd: root, input: snippet, encoding: 'utf8' },
  )
  assert.equal(status, 0, stderr)
  assert.deepEqual(stdout.trim().split('\n'), promised)
})
