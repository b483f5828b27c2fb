import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '@safeconduct/protocol'
import fc from 'fast-check'
import { methodEntry } from '../integrity/catalogue.ts'
import { add, emptyDistinct, estimate } from './distinct.ts'
import { errandOf } from './errand-kind.ts'
import { isNear, looksOf } from './forms.ts'

const READ = methodEntry('resource')
const WRITE = {
  ...READ,
  write: true,
  roles: { ...READ.roles, args: { to: { kind: 'recipient', weight: 1, sink: true, freeText: false } } },
}

test('values are told by kind, length and characters, and their text is gone', () => {
  const { forms } = looksOf(
    READ,
    { a: 'supplier-12ab', b: 7, c: true, d: 'né', e: ['x', 'longer text!'] },
    's',
  )
  assert.deepEqual(forms.slice(1), ['a s3ad-', 'b n', 'c b', 'd s2au', 'e s3a_k'])
  assert.equal(
    looksOf(READ, { a: 'other-34', b: 1, c: false, d: 'x', e: [] }, 's').forms[0] === forms[0],
    false,
  )
  assert.equal(looksOf(READ, { b: 1, a: 'q', c: false, d: 'x', e: ['y'] }, 's').forms[0], forms[0])
  assert.ok(isNear('s3ad-', 's4ad-') && !isNear('s3ad-', 's5ad-') && !isNear('s3ad-', 's3ad'))
})

test('a read is one thing, a list its members, a write whom it reaches', () => {
  const of = (args: JsonObject, tool = READ, salt = 's') => looksOf(tool, args, salt).targets
  assert.equal(of({ id: 'a', page: 1 }).length, 1)
  assert.deepEqual(of({ id: 'a' }), of({ id: 'a' }))
  assert.notDeepEqual(of({ id: 'a' }), of({ id: 'b' }))
  assert.notDeepEqual(of({ id: 'a' }), of({ id: 'a' }, READ, 'of another agent'))
  assert.equal(of({ ids: ['a', 'b', 'c', 'a'] }).length, 4)
  assert.equal(of({ to: 'ann', body: 'x' }, WRITE).length, 1)
  assert.deepEqual(of({ to: 'ann', body: 'x' }, WRITE), of({ to: 'ann', body: 'y' }, WRITE))
  assert.equal(of({}, WRITE).length, 0)
})

test('many different reads are many, whatever they are padded, filled or begun with', () => {
  const fill = Object.fromEntries(Array.from({ length: 600 }, (_, k) => [`k${k}`, 1]))
  const own = Array.from({ length: 600 }, (_, k) => `own-${k}`)
  const counted = (of: (i: number) => JsonObject, tool = READ, calls = 300) => {
    const sketch = emptyDistinct()
    for (let i = 0; i < calls; i++)
      for (const target of looksOf(tool, of(i), 's').targets) add(sketch, target)
    return estimate(sketch)
  }
  const reads: ((i: number) => JsonObject)[] = [
    (i) => ({ id: `customer ${i}` }),
    (i) => ({ id: `${' '.repeat(2000)}customer ${i}` }),
    (i) => ({ a: fill, id: String(i) }),
    (i) => ({ ids: [...own.slice(0, 20), `victim-${i}`] }),
    (i) => ({ ids: [...own, `victim-${i}`] }),
  ]
  for (const [k, of] of reads.entries()) assert.ok(counted(of) > 200, `read ${k}: ${counted(of)}`)
  const writes: ((i: number) => JsonObject)[] = [
    (i) => ({ a: fill, to: `somebody-${i}` }),
    (i) => ({ to: `${' '.repeat(2000)}somebody-${i}` }),
    (i) => ({ to: [...own.slice(0, 20), `somebody-${i}`] }),
    (i) => ({ to: [...own, `somebody-${i}`] }),
  ]
  for (const [k, of] of writes.entries())
    assert.ok(counted(of, WRITE) > 200, `write ${k}: ${counted(of, WRITE)}`)
  assert.ok(counted(() => ({ ids: own.slice(0, 400) }), READ, 1) > 250, 'a long list at once')
  assert.ok(counted(() => ({ ids: own.slice(0, 20) })) < 30, 'the same ones again are no more')
})

test('whatever the arguments are, what is kept is small and plain', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 9 })), (args) => {
      const { forms, targets } = looksOf(READ, args as JsonObject, 's')
      assert.ok(forms.length <= 6 && targets.length <= 128)
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

test('asked for is a change that the words name, and all that the tool changes; to read or to run is no answer', () => {
  const intent = { text: '', nouns: [], follows: false, understood: true, tokenKinds: [] }
  const asked = (classes: string[], words: string[], understood = true) =>
    errandOf(
      'Bills',
      { ...intent, classes: words, understood },
      { ...READ, roles: { ...READ.roles, classes } },
    )?.asked ?? false
  assert.equal(asked(['send'], ['read', 'send']), true)
  assert.equal(asked(['send', 'run'], ['send']), true)
  assert.equal(asked(['send'], ['read']), false)
  assert.equal(asked(['send'], ['send'], false), false)
  assert.equal(asked(['send', 'delete'], ['send']), false)
  for (const broad of ['read', 'visit', 'run']) assert.equal(asked([broad], [broad]), false)
  assert.equal(asked([], ['send']), false)
})
