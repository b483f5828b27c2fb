import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Command } from 'commander'
import { many, wholeNumber } from './options.ts'

describe('options', () => {
  const said: string[] = []
  const command = () =>
    new Command('test')
      .option('--limit <n>', 'how many', wholeNumber, '20')
      .option('--scope <scope>', 'what', many, [])
      .exitOverride()
      .configureOutput({ writeErr: (text) => said.push(text) })
  const read = (...words: string[]) => command().parse(words, { from: 'user' }).opts()

  it('takes whole numbers, and names the option of what is none', () => {
    assert.deepEqual([read().limit, read('--limit', '7').limit], ['20', '7'])
    for (const bad of ['abc', '', '-1', '1.5', '1e9', ' 1', '9'.repeat(16)])
      assert.throws(() => read(`--limit=${bad}`), { code: 'commander.invalidArgument' })
    assert.match(said[0] ?? '', /--limit <n>.*abc.*no whole number/)
  })

  it('gathers what is given again', () => {
    assert.deepEqual(read('--scope', 'a', '--scope', 'b').scope, ['a', 'b'])
  })
})
