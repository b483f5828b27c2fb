/**
 * Is a piece of a stream of symbols (tools, commands) still by the principal it is said to be by? Sum over the piece of
 * log-likelihood ratios, peers against own, smoothed and backed off:
 *
 * - own share of a symbol: fading counts, smoothed towards the background (Dirichlet prior) and a small constant;
 * - background: mean share among peers, with a floor; with nobody to compare with, the floor, and the score says so;
 * - order: the own pair against the own single symbol, backed off (Witten and Bell 1991 in form), clipped and weak;
 * - a symbol unknown to everybody costs a fixed amount;
 * - a symbol counts by `n⁻²` the n-th time it occurs in the piece: people and agents repeat themselves, and a repetition
 *   is no new evidence (burstiness: Madsen, Kauchak, Elkan, ICML 2005; likelihood ratio against a population: Freeman et
 *   al., NDSS 2016).
 *
 * Scoring reads only; `learnSequence` is the only thing that changes the state.
 * @module
 */
import { clip } from '../detector.ts'
import { type Counts, count, counted, countedAll, emptyCounts, type Fading } from './counts.ts'
import { type Background, fnv } from './peers.ts'
import { type Score, strongest } from './terms.ts'

export interface SequenceState {
  readonly singles: Counts
  /** By `<previous> <symbol>`, as `\n` joins them. */
  readonly pairs: Counts
  /** Latest symbol learned; null = none, or the stream was broken. */
  previous: string | null
}

/** Events after which a habit is worth half. */
const SINGLES: Fading = { halfLife: 2000, limit: 512 }
const PAIRS: Fading = { halfLife: 2000, limit: 384 }
/** Imagined own events for each of this many imagined symbols. */
const SMOOTH = { each: 0.05, symbols: 1000, background: 10 } as const
/** Least share that the background gives to any symbol. */
const FLOOR = 4e-4
const UNKNOWN_BITS = 2.2
const PAIR = { prior: 10, weight: 0.4, clip: 1 } as const
/** Most bits that one symbol may carry in either direction. */
const SYMBOL_BITS = 8
/** Longer names are cut and told apart by a hash: with the limits above a state stays below 64 kB. */
const MAX_SYMBOL_LENGTH = 32

export function emptySequence(): SequenceState {
  return { singles: emptyCounts(), pairs: emptyCounts(), previous: null }
}

/** @param weight of the event, 0–1: doubtful events may teach less, or nothing */
export function learnSequence(state: SequenceState, symbol: string, weight = 1): void {
  const name = short(symbol)
  const held = clip(weight, 0, 1)
  if (!(held > 0)) return
  count(state.singles, name, held, SINGLES)
  if (state.previous !== null) count(state.pairs, pair(state.previous, name), held, PAIRS)
  state.previous = name
}

/** Events that the baseline rests on, faded ones in part. */
export function experience(state: SequenceState): number {
  return countedAll(state.singles)
}

/** Bits per symbol; above 0 somebody else is likelier than the owner. The terms are those of the whole piece. */
export function scoreSequence(
  state: SequenceState,
  background: Background,
  piece: readonly string[],
  terms = 5,
): Score {
  const seen = new Map<string, Seen>()
  let bits = 0
  let previous: string | null = null
  for (const symbol of piece) {
    const name = short(symbol)
    bits += again(seen, name) ?? first(seen, name, singleBits(state, background, name))
    if (previous !== null) {
      const both = pair(previous, name)
      bits += again(seen, both) ?? first(seen, both, pairBits(state, background, previous, name, both))
    }
    previous = name
  }
  return {
    bits: piece.length === 0 ? 0 : bits / piece.length,
    terms:
      terms === 0
        ? []
        : strongest(
            [...seen].map(([name, { sum }]): [string, number] => [name.replace('\n', ' then '), sum]),
            terms,
          ),
  }
}

/** A symbol or pair of the piece: how often so far, what the first time said, and all times together. */
interface Seen {
  times: number
  readonly bits: number
  sum: number
}

function first(seen: Map<string, Seen>, name: string, bits: number): number {
  seen.set(name, { times: 1, bits, sum: bits })
  return bits
}

function again(seen: Map<string, Seen>, name: string): number | null {
  const known = seen.get(name)
  if (known === undefined) return null
  known.times++
  const weighed = known.bits / (known.times * known.times)
  known.sum += weighed
  return weighed
}

function singleBits({ singles }: SequenceState, background: Background, symbol: string): number {
  const common = background.share(symbol)
  const own = counted(singles, symbol)
  if (own === 0 && common === 0) return UNKNOWN_BITS
  const floored = Math.max(common, FLOOR)
  return clip(Math.log2(floored / ownShare(singles, own, floored)), -SYMBOL_BITS, SYMBOL_BITS)
}

function ownShare(singles: Counts, own: number, common: number): number {
  const prior = SMOOTH.each + SMOOTH.background * common
  return (own + prior) / (countedAll(singles) + SMOOTH.each * SMOOTH.symbols + SMOOTH.background)
}

/** Only between symbols that are the owner's own: what is new was counted as new already. */
function pairBits(
  { singles, pairs }: SequenceState,
  background: Background,
  before: string,
  symbol: string,
  both: string,
): number {
  const own = counted(singles, symbol)
  const context = counted(singles, before)
  if (own === 0 || context === 0) return 0
  const share = ownShare(singles, own, Math.max(background.share(symbol), FLOOR))
  const together = (counted(pairs, both) + PAIR.prior * share) / (context + PAIR.prior)
  return PAIR.weight * clip(Math.log2(share / together), -PAIR.clip, PAIR.clip)
}

/** The name under which a symbol is counted, here and among peers. */
export function short(symbol: string): string {
  if (symbol.length <= MAX_SYMBOL_LENGTH) return symbol
  return `${symbol.slice(0, MAX_SYMBOL_LENGTH - 9)}~${fnv(symbol).toString(16).padStart(8, '0')}`
}

function pair(before: string, symbol: string): string {
  return `${before}\n${symbol}`
}
