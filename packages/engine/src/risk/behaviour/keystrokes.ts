/**
 * Who is typing, from the rhythm of free text: robust Laplace log-likelihood ratio of everybody against a person, per
 * feature, each deviation clipped. Features of a key: how long it is held; press to press and release to press, by pair
 * of keys and by arriving key. No text is kept, only a centre and a spread by key and by pair; still a secret that was
 * typed often shows in which pairs are known, so a rhythm is personal data.
 *
 * Gunetti, Picardi, "Keystroke Analysis of Free Text", ACM TISSEC 8, 2005 (pairs); Killourhy, Maxion, DSN 2009 (scaled
 * deviations). Normalise by `cohort.ts` before comparing people.
 * @module
 */
import { deviation, drawn, emptySpread, type Spread, widen, widerBits } from './spread.ts'
import { type Score, strongest } from './terms.ts'

/** Times in milliseconds on any one clock. */
export interface Keystroke {
  readonly key: string
  readonly press: number
  readonly release: number
}

/** One person's rhythm, or everybody's. */
export interface Rhythm {
  readonly features: Map<string, Spread>
}

const MAX_FEATURES = 1500
const HOLD_MS = [1, 1000] as const
const PRESS_TO_PRESS_MS = 2000
/** Release to press may be negative and is near 0: logarithmic on both sides beyond this many milliseconds. */
const NEAR_MS = 50
/** Values of everybody that a person's own estimate starts from. */
const PRIOR = 4
/** Values of everybody below which a feature is not used. */
const ENOUGH = 4
const CLIP = 4
const MAX_KEY_LENGTH = 24

export function emptyRhythm(): Rhythm {
  return { features: new Map() }
}

/** @param keys in the order of their presses. @param weight 0–1: doubtful typing may teach less, or nothing */
export function learnKeystrokes(rhythm: Rhythm, keys: readonly Keystroke[], weight = 1): void {
  for (const [name, value] of featuresOf(keys)) {
    let spread = rhythm.features.get(name)
    if (spread === undefined) {
      if (rhythm.features.size >= MAX_FEATURES) continue
      spread = emptySpread()
      rhythm.features.set(name, spread)
    }
    widen(spread, value, weight)
  }
}

/** Mean bits per feature, above 0 = rather somebody else; reads only. */
export function scoreKeystrokes(
  own: Rhythm,
  everybody: Rhythm,
  keys: readonly Keystroke[],
  terms = 5,
): Score {
  const parts = new Map<string, number>()
  let bits = 0
  let n = 0
  for (const [name, value] of featuresOf(keys)) {
    const mine = own.features.get(name)
    const all = everybody.features.get(name)
    if (mine === undefined || all === undefined || all.n < ENOUGH) continue
    const expected = drawn(mine, all, PRIOR)
    const nats = deviation(expected, value, CLIP) - deviation(all, value, CLIP)
    const term = nats * Math.LOG2E + widerBits(expected, all)
    bits += term
    n++
    if (terms > 0) parts.set(name, (parts.get(name) ?? 0) + term)
  }
  return { bits: n === 0 ? 0 : bits / n, terms: strongest(parts, terms) }
}

function* featuresOf(keys: readonly Keystroke[]): Generator<readonly [string, number], void, void> {
  let last: Keystroke | null = null
  for (const { key, press, release } of keys) {
    const name = key.slice(0, MAX_KEY_LENGTH)
    const hold = release - press
    if (hold >= HOLD_MS[0] && hold <= HOLD_MS[1]) yield [`hold ${name}`, Math.log(hold)]
    if (last !== null) {
      const step = press - last.press
      if (step > 0 && step <= PRESS_TO_PRESS_MS) {
        const gap = Math.asinh((press - last.release) / NEAR_MS)
        yield [`press ${last.key} ${name}`, Math.log(step)]
        yield [`press ${name}`, Math.log(step)]
        yield [`gap ${last.key} ${name}`, gap]
        yield [`gap ${name}`, gap]
      }
    }
    last = { key: name, press, release }
  }
}
