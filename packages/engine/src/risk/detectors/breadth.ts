/**
 * Far more different things read, or reached by writes, within an hour or a day than the agent ever needed, known ones
 * counted like new ones: a mass of records, or everybody in the address book. What settled several times at this time of
 * the day, or on this day of the week, is usual at that time: nightly and weekly batches. What many other agents of the
 * tenant do in one of their hours says less.
 * @module
 */
import { emptySpread, type Spread, widen } from '../behaviour/spread.ts'
import { type Population, within } from '../customs.ts'
import { clip, type Detector, type Finding, type Signal } from '../detector.ts'
import { add, type Distinct, emptyDistinct, estimate } from '../distinct.ts'

interface Window {
  /** Hours or days since the epoch. */
  number: number
  things: Distinct
}
interface Usual {
  /** Of settled calls. */
  readonly window: Window
  /** Logarithms of how many things settled windows had. */
  readonly spread: Spread
  /** Settled windows beyond the usual, with the logarithm of how many things they had; the latest ones, oldest first. */
  readonly high: [number: number, size: number][]
}
export interface BreadthState {
  /** By kind of window, whatever was decided of the calls. */
  readonly latest: Map<string, Window>
  readonly usual: Map<string, Usual>
  /** Settled windows that are over, for those the agent is compared with: kind, and power of two of the things. */
  readonly over: [kind: string, size: string][]
  /** As it was enrolled: what it does not know of the agent, the other one says. */
  readonly enrolled?: true
}

/** `turn`: windows after which the same time comes again. `memory`: windows for which a high one is remembered. */
const KINDS = [
  {
    name: 'hour',
    reads: 'reads hour',
    writes: 'writes hour',
    ms: 3_600_000,
    enough: 12,
    turn: 24,
    memory: 24 * 35,
  },
  {
    name: 'day',
    reads: 'reads day',
    writes: 'writes day',
    ms: 24 * 3_600_000,
    enough: 5,
    turn: 7,
    memory: 7 * 8,
  },
] as const
const KEPT_OVER = 16
/** Never added to. */
const NOTHING: Distinct = emptyDistinct()
/** Spread that everybody is granted, as a logarithm. */
const LEAST_SPREAD = 0.35
/** Spreads above the centre that still count as usual. */
const USUAL = 4
const KEPT_HIGH = 48
/** Settled windows as high, at about this time, that make it usual then. */
const OFTEN = 3
/** Windows by which the time may differ: work takes longer, and clocks change in summer. */
const ABOUT = { hour: 1, day: 0 } as const
/** Different things below which nothing is said. */
const SEVERAL = 8
/** Share of others' windows, in bits, that counts as chance; and what is granted for what nobody did yet. */
const PEER_CHANCE = 3
const UNSEEN_SHARE = 2 ** -8
/** Of an agent whose own windows are hardly known: others in so many groups are the measure, and it is a weak one. */
const COLD = { groups: 3, things: 32, bits: 1, confidence: 0.25 } as const
const CAP = 4

export const breadth: Detector<BreadthState> = {
  name: 'breadth',
  about: 'behaviour',
  cap: CAP,
  halfLife: 60 * 60_000,
  grows: 'level',
  empty: () => ({ latest: new Map(), usual: new Map(), over: [] }),
  score({ latest, usual, enrolled }, signal, peers) {
    const { targets = [], write, at } = signal
    if (targets.length === 0) return null
    let worst: Finding | null = null
    for (const kind of KINDS) {
      const name = nameOf(kind, write)
      const window = latest.get(name)
      // A clock that went back stays in the later window.
      const begun = window !== undefined && !(Math.floor(at / kind.ms) > window.number)
      const things = estimate(begun ? window.things : NOTHING, targets)
      if (things < SEVERAL) continue
      const own = usual.get(name)
      const known = own !== undefined && own.spread.n >= kind.enough ? own : null
      if (known === null && (enrolled === true || things < COLD.things)) continue
      const number = begun ? window.number : Math.floor(at / kind.ms)
      const found = judge(
        name,
        things,
        known === null ? null : usualAt(known, number, kind),
        kind,
        peers,
        write,
      )
      if (found !== null && found.bits > (worst?.bits ?? 0)) worst = found
    }
    return worst
  },
  attempt({ latest }, signal) {
    for (const kind of KINDS) {
      const number = Math.floor(signal.at / kind.ms)
      if (!touches(signal, number)) continue
      const name = nameOf(kind, signal.write)
      const window = latest.get(name) ?? newWindow(number)
      latest.set(name, window)
      notice(window, number, signal)
    }
  },
  looked({ latest }) {
    latest.clear()
  },
  beside: ({ usual }, { latest }) => ({ usual, latest, over: [], enrolled: true }),
  settled({ usual, over }, signal) {
    for (const kind of KINDS) {
      const number = Math.floor(signal.at / kind.ms)
      if (!touches(signal, number)) continue
      const name = nameOf(kind, signal.write)
      const own = usual.get(name) ?? { window: newWindow(number), spread: emptySpread(), high: [] }
      usual.set(name, own)
      const ended = own.window.number
      const things = notice(own.window, number, signal)
      if (things < 1) continue
      if (own.spread.n >= kind.enough && Math.log(things) > limitOf(own.spread)) {
        own.high.push([ended, Math.log(things)])
        if (own.high.length > KEPT_HIGH) own.high.shift()
      }
      widen(own.spread, Math.log(things), 1)
      if (over.length < KEPT_OVER) over.push([name, sizeOf(things)])
    }
  },
}

/** Windows that are over and were not told of yet; told of once. */
export function takeWindows(detectors: ReadonlyMap<string, unknown>): readonly [string, string][] {
  const state = detectors.get(breadth.name) as BreadthState | undefined
  return state === undefined || state.over.length === 0 ? [] : state.over.splice(0)
}

type Kind = (typeof KINDS)[number]

function touches({ targets = [] }: Signal, number: number): boolean {
  return targets.length > 0 && Number.isFinite(number)
}

/** @returns how many things the window had that ended with this call; 0 = none ended */
function notice(window: Window, number: number, { targets = [] }: Signal): number {
  let ended = 0
  if (number > window.number) {
    ended = estimate(window.things)
    window.number = number
    window.things = emptyDistinct()
  }
  for (const thing of targets) add(window.things, thing)
  return ended
}

interface Measure {
  readonly spread: Spread
  /** Logarithms: what still counts as usual, and what is said to be. */
  readonly limit: number
  readonly said: number
}

/** What is usual for the agent in this window, by all its windows or by those at this time. */
function usualAt({ spread, high }: Usual, number: number, { name, turn, memory }: Kind): Measure {
  const sizes: number[] = []
  for (const [other, size] of high) {
    const away = (((number - other) % turn) + turn) % turn
    if (Math.min(away, turn - away) <= ABOUT[name] && number > other && number - other <= memory)
      sizes.push(size)
  }
  const often = sizes.sort((a, b) => b - a)[OFTEN - 1]
  const limit = limitOf(spread)
  const then = often === undefined ? limit : often + LEAST_SPREAD
  return then > limit
    ? { spread, limit: then, said: then - LEAST_SPREAD }
    : { spread, limit, said: spread.centre }
}

function limitOf({ centre, spread }: Spread): number {
  return centre + USUAL * (spread + LEAST_SPREAD)
}

function judge(
  name: string,
  things: number,
  usual: Measure | null,
  { name: window, enough }: Kind,
  peers: Population,
  write: boolean,
): Finding | null {
  const does = write ? 'reaches' : 'reads'
  const technique = write ? 'AML.T0053' : 'AML.T0085.001'
  const about = Math.round(things)
  if (usual === null) {
    const others = amongOthers(peers, name, things)
    if (others === null || others.groups < COLD.groups || others.bits <= 0) return null
    return {
      bits: Math.min(COLD.bits, others.bits),
      reason: `The agent is new, and ${does} about ${about} different things within the ${window}: of others' windows at most ${(others.share * 100).toFixed(1)} % had as many.`,
      confidence: COLD.confidence,
      technique,
    }
  }
  const { spread, limit, said } = usual
  const tail = (Math.log(things) - limit) / (spread.spread + LEAST_SPREAD)
  if (!(tail > 0)) return null
  // Laplace tail: its logarithm falls linearly with the distance in spreads.
  const bits = Math.min(clip(tail * Math.LOG2E, 0, CAP), amongOthers(peers, name, things)?.bits ?? CAP)
  if (bits <= 0) return null
  return {
    bits,
    reason: `The agent ${does} about ${about} different things within the ${window}, and usually about ${Math.round(Math.exp(said))}.`,
    confidence: spread.n / (spread.n + enough),
    technique,
  }
}

/** How rare as many things are in others' windows; null = nothing is known of others. */
function amongOthers(
  peers: Population,
  name: string,
  things: number,
): { bits: number; share: number; groups: number } | null {
  const { breadths } = peers
  if (breadths === undefined || breadths.groups === 0) return null
  let share = 0
  let groups = 0
  for (let size = Number(sizeOf(things)); size <= MOST_SIZE; size++) {
    const found = within(breadths, name, String(size))
    share += found.share
    groups = found.whole > 0 ? found.groups : 0
  }
  if (groups === 0) return null
  const bits = -Math.log2(Math.min(1, share + UNSEEN_SHARE)) - PEER_CHANCE
  return { bits: clip(bits, 0, CAP), share: Math.min(1, share + UNSEEN_SHARE), groups }
}

const MOST_SIZE = 16

function sizeOf(things: number): string {
  return String(clip(Math.round(Math.log2(Math.max(1, things))), 0, MOST_SIZE))
}

function nameOf({ reads, writes }: Kind, write: boolean): string {
  return write ? writes : reads
}

function newWindow(number: number): Window {
  return { number, things: emptyDistinct() }
}
