import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { PatternPart } from '../source/syntax.ts'
import { likeMatcher } from './like.ts'

const parts = (pattern: string): PatternPart[] =>
  [...pattern].map((char) => (char === '*' ? { wildcard: true } : { literal: char }))

/** By the book: row i says which prefixes of the text the first i parts match. */
function reference(pattern: string, text: string): boolean {
  let row = [true, ...Array<boolean>(text.length).fill(false)]
  for (const char of pattern) {
    row = row.map((_, j) =>
      char === '*'
        ? row.slice(0, j + 1).includes(true)
        : j > 0 && row[j - 1] === true && text.charAt(j - 1) === char,
    )
  }
  return row[text.length] === true
}

test('agrees with the reference on short patterns and texts', () => {
  const chars = (unit: string[], maxLength: number) =>
    fc.array(fc.constantFrom(...unit), { maxLength }).map((all) => all.join(''))
  const seen = { true: 0, false: 0 }
  fc.assert(
    fc.property(chars(['a', 'b', '*'], 7), chars(['a', 'b'], 8), (pattern, text) => {
      const want = reference(pattern, text)
      assert.equal(likeMatcher(parts(pattern))(text), want, `${pattern} ${text}`)
      seen[`${want}`]++
    }),
    { numRuns: 3000, seed: 4 },
  )
  assert.ok(seen.true > 200 && seen.false > 200)
})

test('the ends do not share characters', () => {
  assert.equal(likeMatcher(parts('aba*aba'))('aba'), false)
  assert.equal(likeMatcher(parts('aba*aba'))('ababa'), false)
  assert.equal(likeMatcher(parts('aba*aba'))('abaaba'), true)
})

test('many wildcards over a long text look at each character a bounded number of times', () => {
  const wildcards = 200
  const text = 'a'.repeat(20_000)
  let searches = 0
  const counting = Object.assign(Object(text), {
    indexOf: (part: string, from: number) => {
      searches++
      return text.indexOf(part, from)
    },
  }) as string
  assert.equal(likeMatcher(parts(`${'*a'.repeat(wildcards)}*b*c`))(`${text}c`), false)
  assert.equal(likeMatcher(parts(`${'*a'.repeat(wildcards)}*`))(counting), true)
  assert.equal(searches, wildcards)
})
