/**
 * A number far above what this agent gave to this argument before. Only for calls with side effects: a large page of
 * a listing does nothing.
 * @module
 */
import { touch } from '../../bounded.ts'
import { clip, type Detector } from '../detector.ts'

export interface SizeState {
  /** By tool and path: magnitudes of the latest clean calls, oldest first. */
  readonly seen: Map<string, number[]>
}

const KEPT_PATHS = 128
const KEPT_VALUES = 32
/** Clean values before anything is said. */
const ENOUGH = 4
/** Times the upper quartile that still count as usual. */
const USUAL = 6

export const size: Detector<SizeState> = {
  name: 'size',
  about: 'behaviour',
  cap: 5,
  halfLife: 30 * 60_000,
  grows: 'level',
  empty: () => ({ seen: new Map() }),
  score(state, signal) {
    if (!signal.write) return null
    let worst: { ratio: number; path: string } | null = null
    for (const [path, value] of signal.numbers) {
      const seen = state.seen.get(keyOf(signal.tool, path))
      if (seen === undefined || seen.length < ENOUGH) continue
      const ratio = Math.abs(value) / Math.max(upperQuartile(seen), 1e-9)
      if (ratio > USUAL && (worst === null || ratio > worst.ratio)) worst = { ratio, path }
    }
    if (worst === null) return null
    return {
      bits: clip(Math.log2(worst.ratio) - 0.25, 0, 5),
      reason: `The argument ${worst.path} is about ${Math.round(Math.min(worst.ratio, 1e6))} times what the agent usually gives.`,
      confidence: 0.8,
    }
  },
  settled(state, signal) {
    if (!signal.write) return
    for (const [path, value] of signal.numbers) {
      const key = keyOf(signal.tool, path)
      const seen = state.seen.get(key) ?? []
      seen.push(Math.abs(value))
      if (seen.length > KEPT_VALUES) seen.shift()
      touch(state.seen, key, seen, KEPT_PATHS)
    }
  },
}

function keyOf(tool: string, path: string): string {
  return `${tool} ${path}`
}

function upperQuartile(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor((sorted.length - 1) * 0.75)] ?? 0
}
