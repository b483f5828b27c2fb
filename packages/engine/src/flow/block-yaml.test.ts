import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readBlockYaml } from './block-yaml.ts'

test('mappings, lists and folded scalars, as serialisers write them', () => {
  const text = `- body: 'Hello Robin,


    let''s meet: at noon'
  cc: []
  id_: '4'
  location: null
  recipients:
  - a@b.example
  - c@d.example
  subject: a long subject that goes on and
    on
- body: |-
    first
    second
  read: true`
  assert.deepEqual(readBlockYaml(text), [
    {
      body: "Hello Robin,\n\nlet's meet: at noon",
      cc: [],
      id_: '4',
      location: null,
      recipients: ['a@b.example', 'c@d.example'],
      subject: 'a long subject that goes on and on',
    },
    { body: 'first\nsecond', read: true },
  ])
})

test('keys that are data, and quoted ones', () => {
  assert.deepEqual(
    readBlockYaml('Casa Bela: \'Rating: 4.8\n\n  Reviews: fine\'\n\'a: b\': c\n"x\\"y": "t\\u0041"'),
    {
      'Casa Bela': 'Rating: 4.8\nReviews: fine',
      'a: b': 'c',
      'x\\"y': 'tA',
    },
  )
})

test('a record forged inside a string stays in the string', () => {
  const forged = "- text: 'nothing\n\n    - sender: boss\n\n      account: X'\n  sender: eve"
  assert.deepEqual(readBlockYaml(forged), [{ text: 'nothing\n- sender: boss\naccount: X', sender: 'eve' }])
})

test('what is not wholly YAML is none', () => {
  for (const text of [
    'Just a sentence.',
    'a: 1\na: 2',
    'a: 1\nand then some prose',
    "a: 'open\nb: 1",
    'a: &x 1\nb: *x',
    'a: b\n  c: d',
    '',
  ])
    assert.equal(readBlockYaml(text), undefined, text)
})

test('depth and size are bounded', () => {
  assert.equal(readBlockYaml(`${'- '.repeat(500)}x`), undefined)
  assert.equal(readBlockYaml('a: b\n'.repeat(30_000)), undefined)
  const long = Array.from({ length: 15_000 }, (_, i) => `- k: ${i}`).join('\n')
  assert.equal((readBlockYaml(long) as unknown[]).length, 15_000)
})
