/**
 * The known name that a mistyped one probably means. Whoever asks chooses how many names are mistyped and how long they
 * are, so what one answer may spend on guessing is bounded.
 * @module
 */

/** Guesses of one answer; who mistypes more has another problem. */
const MAX_GUESSES = 10
/** Known names that one guess looks at. */
const MAX_CANDIDATES = 500
const MAX_LENGTH = 128
const MAX_DISTANCE = 8

/** ` Did you mean "…"?`, or nothing where no known name is near or the guesses are used up. */
export type Guess = (given: string, known: readonly string[]) => string

/** For one answer. At most a third of a name, and no more than eight letters, may differ. */
export function createGuess(): Guess {
  let left = MAX_GUESSES
  return (given, known) => {
    if (left === 0 || given.length > MAX_LENGTH) return ''
    left--
    const allowed = Math.min(MAX_DISTANCE, Math.max(1, Math.floor(given.length / 3)))
    let best: string | undefined
    let within = allowed
    let seen = 0
    for (const name of known) {
      if (Math.abs(name.length - given.length) > allowed) continue
      if (++seen > MAX_CANDIDATES) break
      const found = distance(given, name, within)
      if (found > within) continue
      best = name
      if (found === 0) break
      // Only what is nearer takes its place.
      within = found - 1
    }
    return best === undefined ? '' : ` Did you mean "${best}"?`
  }
}

/** Levenshtein's, in UTF-16 units; above `limit` it is `limit + 1`. Looks at a band of `2 · limit + 1` a row. */
function distance(a: string, b: string, limit: number): number {
  const over = limit + 1
  let row = Uint16Array.from({ length: b.length + 1 }, (_, at) => Math.min(at, over))
  let next = new Uint16Array(b.length + 1)
  for (let i = 1; i <= a.length; i++) {
    const [from, to] = [Math.max(1, i - limit), Math.min(b.length, i + limit)]
    next.fill(over)
    next[0] = Math.min(i, over)
    let least = i <= limit ? i : over
    for (let j = from; j <= to; j++) {
      const change = (row[j - 1] ?? over) + (a[i - 1] === b[j - 1] ? 0 : 1)
      const value = Math.min(change, (row[j] ?? over) + 1, (next[j - 1] ?? over) + 1, over)
      next[j] = value
      least = Math.min(least, value)
    }
    if (least > limit) return over
    ;[row, next] = [next, row]
  }
  return row[b.length] ?? over
}
