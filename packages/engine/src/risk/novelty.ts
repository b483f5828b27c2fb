/**
 * How surprising something new is, by how often something was new before. Shared by detectors that know what they have
 * seen; their state stays their own.
 * @module
 */
import { touch } from '../bounded.ts'
import { LEARNED } from './learning/learning.ts'

export interface Novelty {
  settled: number
  /** Settled calls that were the first of their kind: how often something new is nothing special here. */
  novel: number
}

/** Bits, or null when it is not new, or too little is known to say. */
export function surpriseOf(seen: ReadonlyMap<string, number>, counts: Novelty, key: string): number | null {
  if (counts.settled < LEARNED || seen.has(key)) return null
  return Math.log2((counts.settled + 2) / (counts.novel + 1)) / 2
}

/** Changes `seen` and `counts` in place; `seen` keeps the latest `most`. */
export function learnSeen(seen: Map<string, number>, counts: Novelty, key: string, most: number): void {
  if (!seen.has(key)) counts.novel++
  counts.settled++
  touch(seen, key, (seen.get(key) ?? 0) + 1, most)
}
