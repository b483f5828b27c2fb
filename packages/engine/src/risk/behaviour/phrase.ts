/**
 * Who typed a fixed phrase on a touch screen: scaled distance from the own typings on a logarithmic scale, each feature
 * clipped so that none decides alone. Normalise by `cohort.ts` before comparing people.
 *
 * Killourhy, Maxion, "Comparing Anomaly-Detection Algorithms for Keystroke Dynamics", DSN 2009 (scaled Manhattan); the
 * median centre instead of the mean is from Al-Obaidi, Al-Jarrah, 2016.
 * @module
 */
import { clip } from '../detector.ts'
import { type Score, strongest } from './terms.ts'

/** Latest typings, oldest first: a phrase has few and short ones. */
export interface PhraseState {
  readonly typings: number[][]
}

const KEPT = 64
const MAX_FEATURES = 256
const CLIP = 3
/** Typings of everybody that the own spread starts from. */
const PRIOR = 5
const LEAST = 1e-9

export function emptyPhrase(): PhraseState {
  return { typings: [] }
}

/**
 * @param values of one typing, always in the same order
 * @param units below which a difference hardly counts, by feature: say 20 for milliseconds, 0.05 for a pressure
 */
export function learnPhrase(state: PhraseState, values: readonly number[], units: readonly number[]): void {
  state.typings.push(scaled(values, units))
  if (state.typings.length > KEPT) state.typings.shift()
}

/** What a distance is measured by: made once after learning. */
export interface PhraseProfile {
  readonly centre: readonly number[]
  readonly spread: readonly number[]
}

export function phraseProfile(own: PhraseState, everybody: PhraseState): PhraseProfile {
  const all = centreAndSpread(everybody.typings)
  const { centre, spread } = centreAndSpread(own.typings)
  const n = own.typings.length
  return {
    centre,
    spread: spread.map((value, i) => (n * value + PRIOR * (all.spread[i] ?? 0)) / (n + PRIOR)),
  }
}

/** Mean clipped distance in spreads, 0–3; its terms are those of the features by number. */
export function scorePhrase(
  profile: PhraseProfile,
  values: readonly number[],
  units: readonly number[],
  terms = 5,
): Score {
  const parts = scaled(values, units).map((value, i): [string, number] => [
    `feature ${i + 1}`,
    Math.min(Math.abs(value - (profile.centre[i] ?? 0)) / ((profile.spread[i] ?? 0) + LEAST), CLIP),
  ])
  let sum = 0
  for (const [, part] of parts) sum += part
  return {
    bits: parts.length === 0 ? 0 : sum / parts.length,
    terms: terms === 0 ? [] : strongest(parts, terms),
  }
}

function centreAndSpread(typings: readonly (readonly number[])[]): PhraseProfile {
  const features = typings[0]?.length ?? 0
  const centre: number[] = []
  const spread: number[] = []
  for (let i = 0; i < features; i++) {
    const column = typings.map((typing) => typing[i] ?? 0).sort((a, b) => a - b)
    const half = column.length / 2
    const middle = ((column[Math.ceil(half) - 1] ?? 0) + (column[Math.floor(half)] ?? 0)) / 2
    let sum = 0
    for (const value of column) sum += Math.abs(value - middle)
    centre.push(middle)
    spread.push(sum / column.length)
  }
  return { centre, spread }
}

function scaled(values: readonly number[], units: readonly number[]): number[] {
  return values.slice(0, MAX_FEATURES).map((value, i) => {
    const held = Number.isFinite(value) ? clip(value, -1e9, 1e9) : 0
    return Math.sign(held) * Math.log1p(Math.abs(held) / (units[i] ?? 1))
  })
}
