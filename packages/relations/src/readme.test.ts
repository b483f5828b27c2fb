import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { test } from 'node:test'
import * as relations from './index.ts'

test('the snippet of the README runs and prints what it says', async () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const snippet = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? assert.fail('no snippet')
  const promised = [...snippet.matchAll(/console\.log\(.*\/\/ (.*)$/gm)].map((match) => match[1])
  const body = snippet.replace(/^import (\{.*\}) from '@safeconduct\/relations'$/m, 'const $1 = relations')
  const printed: unknown[] = []
  const run = new Function(
    'relations',
    'console',
    `return (async () => {${stripTypeScriptTypes(`async () => {${body}}`).slice('async () => {'.length, -1)}})()`,
  )
  await run(relations, { log: (value: unknown) => printed.push(value) })
  assert.equal(promised.length, 3)
  const wanted = promised.map((text) => new Function(`return ${text}`)())
  assert.deepEqual(printed, wanted)
})
