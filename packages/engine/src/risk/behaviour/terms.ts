/**
 * A score is a sum of terms in bits; the terms, strongest first, are its explanation.
 * @module
 */

/** Bits above 0 speak for somebody else, below 0 for the owner of the baseline. */
export interface Term {
  readonly name: string
  readonly bits: number
}

export interface Score {
  /** Sum of the terms by the size of what was scored, so that long and short pieces compare. */
  readonly bits: number
  readonly terms: readonly Term[]
}

/** Strongest first, whichever way they speak; equal ones by name, so that the order is the same every time. */
export function strongest(terms: Iterable<readonly [string, number]>, limit: number): Term[] {
  return [...terms]
    .map(([name, bits]) => ({ name, bits }))
    .sort((a, b) => Math.abs(b.bits) - Math.abs(a.bits) || (a.name < b.name ? -1 : 1))
    .slice(0, limit)
}
