import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '@safeconduct/protocol'
import fc from 'fast-check'
import { methodEntry } from '../integrity/catalogue.ts'
import { errandOf } from './errand-kind.ts'
import { isNear, looksOf } from './forms.ts'

const READ = methodEntry('resource')
const WRITE = {
  ...READ,
  write: true,
  roles: { ...READ.roles, args: { to: { kind: 'recipient', weight: 1, sink: true, freeText: false } } },
}

test('values are told by kind, length and characters, and their text is gone', () => {
  const { forms } = looksOf(READ, { a: 'supplier-12ab', b: 7, c: true, d: 'né', e: ['x', 'longer text!'] })
  assert.deepEqual(forms.slice(1), ['a s3ad-', 'b n', 'c b', 'd s2au', 'e s3a_k'])
  assert.equal(looksOf(READ, { a: 'other-34', b: 1, c: false, d: 'x', e: [] }).forms[0] === forms[0], false)
  assert.equal(looksOf(READ, { b: 1, a: 'q', c: false, d: 'x', e: ['y'] }).forms[0], forms[0])
  assert.ok(isNear('s3ad-', 's4ad-') && !isNear('s3ad-', 's5ad-') && !isNear('s3ad-', 's3ad'))
})

test('a read is one thing, a list its members, a write whom it reaches', () => {
  const of = (args: JsonObject, tool = READ) => looksOf(tool, args).targets
  assert.equal(of({ id: 'a', page: 1 }).length, 1)
  assert.deepEqual(of({ id: 'a' }), of({ id: 'a' }))
  assert.notDeepEqual(of({ id: 'a' }), of({ id: 'b' }))
  assert.equal(of({ ids: ['a', 'b', 'c', 'a'] }).length, 3)
  assert.equal(of({ to: 'ann', body: 'x' }, WRITE).length, 1)
  assert.deepEqual(of({ to: 'ann', body: 'x' }, WRITE), of({ to: 'ann', body: 'y' }, WRITE))
  assert.equal(of({}, WRITE).length, 0)
})

test('whatever the arguments are, what is kept is small and plain', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 9 })), (args) => {
      const { forms, targets } = looksOf(READ, args as JsonObject)
      assert.ok(forms.length <= 6 && targets.length <= 16)
      for (const form of forms) assert.match(form, /^[\w.~=-]{0,24} [\w@/-]{1,16}$/)
      for (const one of targets) assert.ok(Number.isInteger(one) && one >= 0 && one < 2 ** 32)
    }),
  )
})

test('the kind of an errand is its purpose without numbers, and what the words ask for', () => {
  const intent = {
    text: '',
    classes: ['pay', 'send'],
    nouns: [],
    follows: false,
    understood: true,
    tokenKinds: [],
  }
  const of = (purpose: string | undefined, words: typeof intent | null) => errandOf(purpose, words, READ)
  assert.equal(of(undefined, null), null)
  assert.equal(of('42 / 17', { ...intent, understood: false }), null)
  assert.deepEqual(of('Refund case 17', null), of('case 4711: REFUND', null))
  assert.equal(of('Refund', intent)?.kinds.length, 2)
  assert.deepEqual(of(undefined, intent), of(undefined, { ...intent, classes: ['send', 'pay'] }))
  assert.equal(of('Refund', null)?.does, 'mcp:resource')
})
