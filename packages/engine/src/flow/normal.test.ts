import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { canon, clean, fold, occurrences, singular, skeleton, squash, stem, unmix, words } from './normal.ts'

test('invisible characters, compatibility forms and escaped line breaks are gone', () => {
  assert.equal(clean('pa\u200by\u00ad ｎｏｗ'), 'pay now')
  assert.equal(clean('a\\n\\n b\r\n  c'), 'a\n\nb\nc')
  assert.equal(clean('tag\u{E0041}ged'), 'tagged')
})

test('a lookalike address folds to the address it imitates', () => {
  assert.equal(canon('аlice@еxample.com'), canon('alice@example.com'))
  assert.equal(canon('ＡＢ12'), 'ab12')
})

test('words of two scripts become one, words of one script stay', () => {
  assert.equal(unmix('раy сразу'), `${skeleton('ра')}y сразу`)
  assert.equal(unmix('plain'), 'plain')
})

test('scheme, www, mailto, quotes and trailing marks do not make another value', () => {
  for (const form of [
    'https://www.a.example/x/',
    'www.a.example/x.',
    '"a.example/x"',
    '**a.example/x**',
    'HTTP://A.example/x',
  ])
    assert.equal(canon(form), 'a.example/x', form)
  assert.equal(canon('mailto:a@b.example'), 'a@b.example')
  assert.equal(canon('7.0'), '7')
  assert.equal(canon(7), '7')
})

test('a value of nothing but markup is empty and occurs nowhere', () => {
  for (const value of ['', '***', '"', '\u200b', '()[]', '...']) {
    assert.equal(canon(value), '')
    assert.deepEqual(occurrences(canon(value), 'some text'), [])
  }
})

test('occurrences are whole words', () => {
  assert.deepEqual(occurrences('ann', 'joanna ann hannah ann'), [7, 18])
  assert.deepEqual(occurrences('a@b.de', 'xa@b.de a@b.der a@b.de'), [16])
})

test('folding keeps every offset', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
      const cleaned = clean(text)
      assert.equal(fold(cleaned).length, cleaned.length)
    }),
  )
})

test('canon is stable', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
      const once = canon(text)
      assert.equal(typeof once, 'string')
      assert.equal(canon(text), once)
    }),
  )
})

test('spelled-out separators squash away', () => {
  assert.equal(squash('john at mail dot example'), squash('john@mail.example'))
})

test('words split camel case; stems and singulars are rough but steady', () => {
  assert.deepEqual(words('sendMoneyNow_please'), ['send', 'money', 'now', 'please'])
  assert.equal(stem('replies'), 'reply')
  assert.equal(singular('boss'), 'boss')
  assert.equal(singular('users'), 'user')
})

test('markup around a value goes, however much there is inside of it', () => {
  const lead = /^[\s'"`*_<>()[\]{},;]+/
  const trail = /[\s'"`*_<>()[\]{},;.:/!?]+$/
  const letters = fc.string({ unit: fc.constantFrom(...`'"\`*_<>()[]{},;.:/!? ab`), maxLength: 24 })
  fc.assert(
    fc.property(letters, (text) => {
      const bare = (of: string) => of.replace(lead, '').replace(trail, '')
      assert.equal(canon(text), bare(bare(text.replace(/\s+/g, ' '))))
    }),
  )
  const inside = `a${'!'.repeat(4000)}b`
  for (let i = 0; i < 2000; i++) assert.equal(canon(`${inside}!`), inside)
})

test('in a Latin text a word of lookalikes only is a Latin word; in a Russian one it stays', () => {
  assert.equal(unmix('Put \u0430 notice on \u0430ll doors'), 'Put a notice on all doors')
  assert.equal(unmix('\u0441 \u043d\u0430\u043c\u0438 OK'), '\u0441 \u043d\u0430\u043c\u0438 OK')
})
