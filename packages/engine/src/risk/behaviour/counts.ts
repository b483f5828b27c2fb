/**
 * Counts by key that fade by half with every `halfLife` events and stay below a bound. Instead of shrinking old counts,
 * new ones weigh more, so an update touches one entry. Plain data: snapshots as it is.
 *
 * Forward decay: Cormode, Shkapenyuk, Srivastava, Xu, "Forward decay", ICDE 2009.
 * @module
 */

export interface Counts {
  readonly values: Map<string, number>
  /** Sum of the values. */
  total: number
  /** What an event of weight 1 adds now. */
  unit: number
}

export interface Fading {
  /** Events after which a count is worth half; `Infinity` = never fades. */
  readonly halfLife: number
  /** Most keys kept; when passed, the weakest few are forgotten. */
  readonly limit: number
}

const RESCALE_AT = 2 ** 40
/** Of the limit, after forgetting: sorting is rare and the size steady. */
const KEPT_SHARE = 15 / 16

export function emptyCounts(): Counts {
  return { values: new Map(), total: 0, unit: 1 }
}

/** @param weight of the event, above 0; anything else changes nothing */
export function count(counts: Counts, key: string, weight: number, fading: Fading): void {
  if (!(weight > 0) || weight === Number.POSITIVE_INFINITY) return
  counts.unit *= 2 ** (weight / fading.halfLife)
  const added = counts.unit * weight
  counts.values.set(key, (counts.values.get(key) ?? 0) + added)
  counts.total += added
  if (counts.unit > RESCALE_AT) rescale(counts)
  if (counts.values.size > fading.limit) forget(counts, fading.limit)
}

/** Events of this key as they are worth now. */
export function counted(counts: Counts, key: string): number {
  return (counts.values.get(key) ?? 0) / counts.unit
}

export function countedAll(counts: Counts): number {
  return counts.total / counts.unit
}

function rescale(counts: Counts): void {
  const { unit } = counts
  for (const [key, value] of counts.values) counts.values.set(key, value / unit)
  counts.total /= unit
  counts.unit = 1
}

/** The total stays: what is forgotten was still seen, so the rest does not become more usual by it. */
function forget(counts: Counts, limit: number): void {
  const weakest = [...counts.values].sort((a, b) => a[1] - b[1])
  for (const [key] of weakest.slice(0, counts.values.size - Math.floor(limit * KEPT_SHARE)))
    counts.values.delete(key)
}
