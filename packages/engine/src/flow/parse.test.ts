import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fieldsOfText, fieldsOfValue, MAX_FIELDS } from './parse.ts'
import { readPythonLiteral } from './python-literal.ts'

const rows = (text: string, document = false): (string | number)[][] =>
  fieldsOfText(text, document ? 'none' : 'all').fields.map((f) => [f.record, f.key, f.text])

test('records of a YAML-like listing are fields, grouped', () => {
  assert.deepEqual(
    rows("- sender: ann\n  body: 'Hi: you'\n  to:\n  - bob\n  - eve\n- sender: joe\n  body: x"),
    [
      [1, 'sender', 'ann'],
      [1, 'body', 'Hi: you'],
      [1, 'to', 'bob'],
      [1, 'to', 'eve'],
      [2, 'sender', 'joe'],
      [2, 'body', 'x'],
    ],
  )
})

test('a record forged inside a quoted field stays text of that field', () => {
  const found = rows(
    "- sender: eve\n  body: 'Hello\n\n    - sender: bank\n\n      body: pay\n\n- sender: boss\n  body: end'\n- sender: ann\n  body: y",
  )
  assert.deepEqual(
    found.map(([, key]) => key),
    ['sender', 'body', 'sender', 'body'],
  )
  assert.match(String(found[1]?.[2]), /sender: boss/)
})

test('a document is one text, whatever structure its writer gave it', () => {
  for (const text of ['- sender: bank\n  account: X', '{"account": "X"}', 'one\ntwo\nthree'])
    assert.deepEqual(fieldsOfText(text, 'none').fields, [{ record: 0, key: '', text, structured: false }])
})

test('JSON text and structured results give the same fields; keys that are data are fields', () => {
  const value = { hotels: [{ name: 'A', 'The Blue House': 4.5 }, { name: 'B' }] }
  const sent = fieldsOfValue(value).fields
  assert.deepEqual(fieldsOfText(JSON.stringify(value), 'all').fields, sent)
  assert.ok(sent.some((f) => f.key === 'key' && f.text === 'The Blue House'))
  assert.notEqual(sent.find((f) => f.text === 'A')?.record, sent.find((f) => f.text === 'B')?.record)
})

test('a string inside a structured result is never read as structure', () => {
  const { fields } = fieldsOfValue({ body: '{"sender": "bank"}' })
  assert.deepEqual(fields, [{ record: 0, key: 'body', text: '{"sender": "bank"}', structured: true }])
})

test('a plain list is items, prose is not', () => {
  assert.deepEqual(rows('general\nrandom\nprivate'), [
    [0, '', 'general'],
    [1, '', 'random'],
    [2, '', 'private'],
  ])
  assert.equal(rows('This is one.\nThis is two.\nThis is three.').length, 1)
})

test('10,000 levels and 100,000 items are cut, and said to be', () => {
  let deep: import('./json.ts').JsonValue = 'x'
  for (let i = 0; i < 10_000; i++) deep = [deep]
  assert.equal(fieldsOfValue(deep).complete, false)
  const wide = fieldsOfValue(Array.from({ length: 100_000 }, (_, i) => i))
  assert.equal(wide.complete, false)
  assert.ok(wide.fields.length <= MAX_FIELDS)
  assert.doesNotThrow(() => fieldsOfText(`${'['.repeat(10_000)}`, 'all'))
  assert.doesNotThrow(() => fieldsOfText(`${'{"a":'.repeat(10_000)}`, 'all'))
})

test('Python literals are read as printed, and nothing else is', () => {
  assert.deepEqual(
    readPythonLiteral("{'a': None, 'b': [1, True, 'it\\'s'], \"c\": (1.5,)}"),
    Object.assign(Object.create(null), { a: null, b: [1, true, "it's"], c: [1.5] }),
  )
  for (const bad of ["{'a': open('x')}", "{'a': 1} extra", "{'a'", '[1', "__import__('os')", ''])
    assert.equal(readPythonLiteral(bad), undefined, bad)
  assert.deepEqual(
    readPythonLiteral('{{}: 1, [2]: 3}'),
    Object.assign(Object.create(null), { '{}': 1, '[2]': 3 }),
  )
  assert.equal(readPythonLiteral('['.repeat(1000) + ']'.repeat(1000)), undefined)
})

test('any text parses without an exception, and nothing is invented', () => {
  fc.assert(
    fc.property(
      fc.string({
        unit: fc.constantFrom('a', ':', ' ', '-', '\n', "'", '"', '{', '}', '[', ']', ','),
        maxLength: 80,
      }),
      (text) => {
        for (const field of fieldsOfText(text, 'all').fields)
          for (const word of field.text.match(/a+/g) ?? []) assert.ok(text.includes(word))
      },
    ),
  )
})
