/**
 * The known name that a mistyped one probably means.
 * @module
 */

const MAX_LENGTH = 128

/** ` Did you mean "…"?`, or nothing where no known name is near: at most a third of it may differ. */
export function didYouMean(given: string, known: readonly string[]): string {
  if (given.length > MAX_LENGTH) return ''
  const allowed = Math.max(1, Math.floor(given.length / 3))
  const near = known
    .filter((name) => Math.abs(name.length - given.length) <= allowed)
    .map((name) => ({ name, distance: distance(given, name) }))
    .filter((one) => one.distance <= allowed)
    .sort((a, b) => a.distance - b.distance)[0]
  return near === undefined ? '' : ` Did you mean "${near.name}"?`
}

/** Levenshtein's. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (const [i, one] of [...a].entries()) {
    const next = [i + 1]
    for (const [j, other] of [...b].entries())
      next.push(Math.min((row[j] ?? 0) + (one === other ? 0 : 1), (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1))
    row = next
  }
  return row.at(-1) ?? 0
}
