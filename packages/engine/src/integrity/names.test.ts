import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { badName, nameSkeleton } from './names.ts'

const ACCEPTED = ['get_quote', 'read-file', 'a.b', 'Buy2', 'überweisen', 'удалить', '検索']

const REFUSED: Readonly<Record<string, string>> = {
  empty: '',
  'zero width': 'get\u200b_quote',
  'right to left': 'get_\u202equote',
  'line break': 'get\nquote',
  null: 'get\0quote',
  space: 'get quote',
  'Cyrillic inside Latin': 'g\u0435t_quote',
  'all lookalikes': '\u0440\u0430\u0441\u0435',
  'full width': '\uff47et_quote',
  'soft hyphen': 'get\u00adquote',
  'variation selector': 'get\ufe0fquote',
  'lone surrogate': 'get\ud800',
  long: 'a'.repeat(129),
}

test('plain names of any script are accepted', () => {
  for (const name of ACCEPTED) assert.equal(badName(name), null, name)
})

for (const [what, name] of Object.entries(REFUSED)) {
  test(`a name with ${what} is refused, with a reason that does not repeat it`, () => {
    const reason = badName(name)
    assert.ok(reason !== null)
    assert.ok(name === '' || !reason.includes(name))
  })
}

test('names that read alike share a skeleton', () => {
  for (const twin of [
    'Get-Quote',
    'getQuote',
    'get_qu0te',
    'g\u0435t_quote',
    'get\u200b_quote',
    'GET.QUOTE',
  ]) {
    assert.equal(nameSkeleton(twin), nameSkeleton('get_quote'), twin)
  }
  assert.equal(nameSkeleton('transfer_rnoney'), nameSkeleton('transfer_money'))
  assert.notEqual(nameSkeleton('get_quotes'), nameSkeleton('get_quote'))
})

test('no name makes either function throw, and a skeleton is its own skeleton', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 80 }), (name) => {
      badName(name)
      const once = nameSkeleton(name)
      assert.equal(nameSkeleton(once), nameSkeleton(nameSkeleton(once)))
    }),
  )
})
