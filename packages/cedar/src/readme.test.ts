import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { test } from 'node:test'
import * as cedar from './index.ts'

test('the snippets of the README run and print what they say', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const snippets = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, snippet = '']) => snippet)
  assert.equal(snippets.length, 3)
  for (const snippet of snippets) {
    const promised = [...snippet.matchAll(/console\.log\(.*\/\/ (.*)$/gm)].map(([, text = '']) => text)
    assert.ok(promised.length > 0)
    const body = snippet.replace(/^import (\{.*\}) from '@safeconduct\/cedar'$/m, 'const $1 = cedar')
    const printed: unknown[] = []
    const run = new Function('cedar', 'console', stripTypeScriptTypes(body))
    run(cedar, {
      log: (...values: unknown[]) => printed.push(values.length === 1 ? values[0] : values.join(' ')),
    })
    const wanted = promised.map((text) => (/^\d+ \d+$/.test(text) ? text : new Function(`return ${text}`)()))
    assert.deepEqual(printed, wanted)
  }
})
