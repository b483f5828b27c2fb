import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { test } from 'node:test'
import * as relations from './index.ts'

test('the snippets of the README run, one after the other, and print what they say', async () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const snippets = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map((match) => match[1] ?? '')
  const text = snippets.join('\n')
  const promised = [...text.matchAll(/console\.log\(.*\/\/ (.*)$/gm)].map((match) => match[1])
  const body = text.replace(/^import (\{.*\}) from '@safeconduct\/relations'$/m, 'const $1 = relations')
  const printed: unknown[][] = []
  const run = new Function(
    'relations',
    'console',
    `return (async () => {${stripTypeScriptTypes(`async () => {${body}}`).slice('async () => {'.length, -1)}})()`,
  )
  await run(relations, { log: (...values: unknown[]) => printed.push(values) })
  assert.deepEqual([snippets.length, promised.length], [3, 8])
  const wanted: unknown = promised.map((values) => new Function(`return [${values}]`)())
  assert.deepEqual(printed, wanted)
})
