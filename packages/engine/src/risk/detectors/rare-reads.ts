/**
 * Rarely used reads, more of them among the latest calls than the agent's own settled share and that of its peers explain:
 * slow collecting with long pauses. A sequential test over calls, not over time: three bets that pay when such reads
 * become 4, 10 or 25 times as frequent, over whichever stretch up to now pays best. Read backwards, their mean is a
 * martingale while rare reads come in exchangeable order and with at most the assumed share, so at any call it has
 * reached 2^b with a chance of 2^-b at most (Ville 1939; e-processes: Ramdas, Grünwald, Vovk, Shafer, "Game-theoretic
 * statistics and safe anytime-valid inference", 2023, arXiv 2210.01948). The share is not known but bounded from above by
 * what was seen, so this holds as far as that bound does. Who works in bursts, so that the order is not exchangeable, is
 * granted the bursts that were settled.
 * Pauses help nobody; only own work in between makes a read count less, and by as much as it is evidence of own work.
 * @module
 */
import { type Counts, count, counted, countedAll, emptyCounts, type Fading } from '../behaviour/counts.ts'
import { type Background, fnv } from '../behaviour/peers.ts'
import { short } from '../behaviour/sequence.ts'
import { clip, type Detector, type Signal } from '../detector.ts'

export interface RareReadsState {
  /** Settled calls but for the latest `LAG`: reads by tool, everything else under the empty name. */
  readonly own: Counts
  /** The latest calls, whatever was decided of them, named in the same way, oldest first. */
  readonly recent: string[]
  /** The same of settled calls. */
  readonly trail: string[]
  /** What the bets reached in settled bursts that are over, bits; slowly forgotten: who works in bursts is granted them. */
  burst: number
  /** What they reached in the settled one that goes on: no excuse for itself. */
  run: number
  /** Digests of the latest calls that were not let through: asked again, they are no other ones. Oldest first. */
  readonly asked: number[]
}

const FADING: Fading = { halfLife: 2000, limit: 128 }
const OTHER = ''
const PIECE = 160
/** Settled calls that are not part of the share yet: what is being done is no measure for itself. */
const LAG = 40
/** Settled calls before anything is said. */
const KNOWN = 100
/** A read that makes up less than this share of the calls is a rare one, as long as all of them together are few. */
const RARE = 0.05
/** Rare reads together make up at most so much; where they are more, only those below a lower share are rare. */
const MOST_RARE = 0.25
const LOWER = 0.8
/** Standard errors that the share may well be above what was seen. */
const ERRORS = 1.5
/** So many standard errors around a share tools are used alike. */
const APART = 2
/** Rare reads within the piece below which nothing is said. */
const SEVERAL = 3
/** Calls that the share among peers is worth beside the own ones. */
const PEER_CALLS = 200
/** Settled calls that everybody is granted of no read in particular. */
const UNSEEN = 1
const TIMES = [4, 10, 25] as const
const MOST_BET = 0.5
/** Bits that count as chance. */
const CHANCE = 6
const MOST_BURST = 40
/** Bits below which a burst is over. */
const OVER = 1
const FORGETTING = 0.9998
/** Calls that wait or were refused, and are known again. */
const KEPT_ASKED = 64
const CAP = 6.5

export const rareReads: Detector<RareReadsState> = {
  name: 'rare-reads',
  about: 'behaviour',
  cap: CAP,
  halfLife: 30 * 60_000,
  grows: 'level',
  // What it found it finds again at the next such read; held beyond the call, only what is far from chance lowers trust.
  kept: 0.5,
  empty: () => ({ own: emptyCounts(), recent: [], trail: [], burst: 0, run: 0, asked: [] }),
  score({ own, recent, burst, asked }, signal, peers) {
    const known = countedAll(own)
    if (signal.write || known < KNOWN) return null
    const tool = short(signal.tool)
    if (!(counted(own, tool) < RARE * known)) return null
    const usual = usualOf(own, peers)
    if (usual === null || !usual.isRare(tool)) return null
    const piece = asked.includes(digestOf(signal)) ? recent : [...recent, tool]
    const found = stakesOn(piece, usual)
    const beyond = found.bits - Math.max(CHANCE, burst)
    if (found.times < SEVERAL || beyond <= 0) return null
    return {
      bits: clip(beyond, 0, CAP),
      reason: `Of the latest ${piece.length} calls ${found.times} were reads that the agent rarely makes, and ${said(usual.share)} of its calls are.`,
      confidence: known / (known + KNOWN),
      technique: 'AML.T0085.001',
    }
  },
  attempt({ recent, asked }, signal, outcome) {
    const digest = digestOf(signal)
    const at = asked.indexOf(digest)
    // Counted when it was asked for: neither asking again nor being let through then makes two of it.
    if (at >= 0) asked.splice(at, 1)
    if (outcome !== 'allow' && digest !== 0) {
      asked.push(digest)
      if (asked.length > KEPT_ASKED) asked.shift()
    }
    if (at < 0) push(recent, signal.write ? OTHER : short(signal.tool))
  },
  gap(state) {
    for (const name of state.trail.splice(0).slice(-LAG)) count(state.own, name, 1, FADING)
    state.run = 0
  },
  looked(state) {
    state.recent.splice(0)
    state.asked.splice(0)
  },
  beside: (enrolled, { recent, asked }) => ({ ...enrolled, recent, asked }),
  settled(state, signal) {
    const { own, trail } = state
    const name = signal.write ? OTHER : short(signal.tool)
    push(trail, name)
    state.burst *= FORGETTING
    const usual = countedAll(own) < KNOWN ? null : usualOf(own, null)
    if (usual !== null && (state.run > 0 || usual.isRare(name))) {
      const { bits } = stakesOn(trail, usual)
      state.run = Math.min(MOST_BURST, Math.max(state.run, bits))
      if (bits < OVER) {
        state.burst = Math.max(state.burst, state.run)
        state.run = 0
      }
    }
    const learned = trail.at(-1 - LAG)
    if (learned !== undefined) count(own, learned, 1, FADING)
  },
}

interface Usual {
  /** Of rare reads among the calls, as much as it may well be. */
  readonly share: number
  isRare(name: string): boolean
}

/** @returns null when no read is rare enough to bet on */
function usualOf(own: Counts, peers: Background | null): Usual | null {
  const all = countedAll(own)
  for (let below = RARE * all; ; below *= LOWER) {
    // Below one call: what was never seen, or so long ago that it is the same.
    const least = below <= 1
    const share = shareBelow(own, peers, least ? 1 : below)
    if (share <= MOST_RARE)
      return { share, isRare: (name) => name !== OTHER && counted(own, name) < (least ? 1 : below) }
    if (least) return null
  }
}

/**
 * How much of the next calls may well be reads by tools that were used less than `below` times. A tool that is there by
 * chance had one call more when it was called, so the calls of tools with one more are counted (Good 1953, after Turing);
 * tools near the bound, each of which brings or takes so many calls at once, make the estimate less sure.
 */
function shareBelow(own: Counts, peers: Background | null, below: number): number {
  const all = countedAll(own)
  const beside = peers === null || peers.groups === 0 ? 0 : PEER_CALLS
  const near = Math.sqrt(below)
  let forgotten = all
  let mass = UNSEEN
  let others = 0
  let close = 0
  let [rarer, alike] = [UNSEEN, 0]
  for (const name of own.values.keys()) {
    const calls = counted(own, name)
    forgotten -= calls
    if (name === OTHER) continue
    if (calls <= below + 1) mass += calls
    if (calls < below) {
      rarer += calls
      others += beside * Math.min(RARE, peers?.share(name) ?? 0)
    }
    if (Math.abs(calls - below) <= near) close++
    if (Math.abs(calls - below) <= APART * near) alike += calls
  }
  // In the middle of many that are used alike chance alone decides which of them are rare.
  if (alike > rarer + Math.max(0, forgotten)) return 1
  mass += Math.max(0, forgotten)
  const most = mass + ERRORS * Math.sqrt(mass + (close * below * below) / (2 * near + 1))
  // What others rarely do makes nothing rarer than it is here.
  return Math.max(most / all, (most + others) / (all + beside))
}

/** The most that the bets make of a stretch up to now, in bits, and how many rare reads are among the calls. */
function stakesOn(calls: readonly string[], { share, isRare }: Usual): { bits: number; times: number } {
  const names = new Set(calls)
  const odd = new Set([...names].filter(isRare))
  const bets = TIMES.map((times) => {
    const bet = Math.min(MOST_BET, share * times)
    return { won: bet / share, lost: (1 - bet) / (1 - share) }
  })
  const stakes = bets.map(() => 1)
  let most = bets.length
  let times = 0
  for (let i = calls.length - 1; i >= 0; i--) {
    const rare = odd.has(calls[i] ?? OTHER)
    if (rare) times++
    let sum = 0
    for (const [k, { won, lost }] of bets.entries()) {
      const stake = (stakes[k] ?? 1) * (rare ? won : lost)
      stakes[k] = stake
      sum += stake
    }
    if (sum > most) most = sum
  }
  return { bits: Math.log2(most / bets.length), times }
}

/** Of all that the call is about; 0 = not known. */
function digestOf({ tool, targets = [] }: Signal): number {
  return targets.length === 0 ? 0 : fnv(`${tool} ${targets.join(' ')}`)
}

function push(names: string[], name: string): void {
  names.push(name)
  if (names.length > PIECE) names.shift()
}

function said(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}
