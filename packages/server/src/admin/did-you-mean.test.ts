import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { createGuess } from './did-you-mean.ts'

/** Levenshtein's, straight from its definition. */
function plainDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row.at(-1) ?? 0
}

const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '_'), minLength: 1, maxLength: 30 })

describe('did you mean', () => {
  it('names the first of the nearest within a third and eight letters, and none beyond', () => {
    fc.assert(
      fc.property(word, fc.array(word, { maxLength: 12 }), (given, known) => {
        const allowed = Math.min(8, Math.max(1, Math.floor(given.length / 3)))
        const near = known
          .map((name) => ({ name, away: plainDistance(given, name) }))
          .filter(({ away }) => away <= allowed)
          .sort((one, other) => one.away - other.away)[0]
        assert.equal(createGuess()(given, known), near === undefined ? '' : ` Did you mean "${near.name}"?`)
      }),
      { numRuns: 300 },
    )
  })

  it('looks at a bounded number of names, for a bounded number of questions', () => {
    let looked = 0
    const known = Array.from({ length: 5000 }, (_, at) => `name${String(at).padStart(6, '0')}`)
    const counted = {
      *[Symbol.iterator]() {
        for (const name of known) {
          looked++
          yield name
        }
      },
    } as unknown as readonly string[]
    const guess = createGuess()
    for (let at = 0; at < 1000; at++) guess(`eman${String(at).padStart(6, '9')}`, counted)
    assert.ok(looked > 0 && looked <= 10 * 501, `${looked} names`)
    assert.equal(createGuess()('x'.repeat(200), ['x'.repeat(200)]), '')
  })
})
