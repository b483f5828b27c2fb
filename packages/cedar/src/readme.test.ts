import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { test } from 'node:test'
import * as cedar from './index.ts'

test('the snippet of the README runs and prints what it says', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const snippet = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? assert.fail('no snippet')
  const promised = [...snippet.matchAll(/console\.log\(.*\/\/ (.*)$/gm)].map((match) => match[1])
  const body = snippet.replace(/^import (\{.*\}) from '@safeconduct\/cedar'$/m, 'const $1 = cedar')
  const printed: unknown[] = []
  const run = new Function('cedar', 'console', stripTypeScriptTypes(body))
  run(cedar, { log: (value: unknown) => printed.push(value) })
  assert.equal(promised.length, 2)
  const wanted = promised.map((text) => new Function(`return ${text}`)())
  assert.deepEqual(printed, wanted)
})
