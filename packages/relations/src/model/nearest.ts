/**
 * The known name a mistyped one probably means.
 *
 * @module
 */

/** The name at the smallest edit distance, when that is at most a third of the text; undefined otherwise. */
export function nearest(text: string, known: Iterable<string>): string | undefined {
  let best: string | undefined
  let least = Math.floor(text.length / 3) + 1
  for (const name of known) {
    if (name === text || Math.abs(name.length - text.length) >= least) continue
    const distance = editDistance(text, name)
    if (distance < least) {
      least = distance
      best = name
    }
  }
  return best
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
