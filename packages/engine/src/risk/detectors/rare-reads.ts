/**
 * Rarely used reads, more of them among the latest calls than the agent's own settled share and that of its peers explain:
 * slow collecting with long pauses. A sequential test over calls, not over time: three bets that pay when such reads
 * become 4, 10 or 25 times as frequent, each begun anew where it loses (an e-detector: Shin, Ramdas, Rinaldo,
 * "E-detectors", 2022, arXiv 2203.03532). As long as the share is at most the assumed one, the mean of the bets reaches
 * 2^b once in 2^b calls at most, whatever the order of calls: what counts as chance is a number of bits, not a tuning.
 * Pauses help nobody; only own work in between makes a read count less, and by as much as it is evidence of own work.
 * @module
 */
import { type Counts, count, counted, countedAll, emptyCounts, type Fading } from '../behaviour/counts.ts'
import type { Background } from '../behaviour/peers.ts'
import { short } from '../behaviour/sequence.ts'
import { clip, type Detector } from '../detector.ts'

export interface RareReadsState {
  /** Settled calls: reads by tool, everything else under the empty name. */
  readonly own: Counts
  /** The latest calls, whatever was decided of them, named in the same way, oldest first. */
  readonly recent: string[]
  /** The same of settled calls. */
  readonly trail: string[]
  /** What the bets reached on settled calls at most, bits; slowly forgotten: who works in bursts is granted them. */
  burst: number
  /** What the latest call that was not let through was about: asked again, it is no other one. */
  asked: number
}

const FADING: Fading = { halfLife: 2000, limit: 128 }
const OTHER = ''
const PIECE = 160
/** Settled calls before anything is said. */
const KNOWN = 100
/** A read that makes up less than this share of the calls is a rare one. */
const RARE = 0.05
/** Rare reads within the piece below which nothing is said. */
const SEVERAL = 3
/** Calls that the share among peers is worth beside the own ones. */
const PEER_CALLS = 200
/** Settled calls that everybody is granted of no read in particular. */
const UNSEEN = 1
const TIMES = [4, 10, 25] as const
const MOST_SHARE = 0.5
/** Bits that count as chance. */
const CHANCE = 6
const MOST_BURST = 40
const FORGETTING = 0.9998
const CAP = 6.5

export const rareReads: Detector<RareReadsState> = {
  name: 'rare-reads',
  about: 'behaviour',
  cap: CAP,
  halfLife: 30 * 60_000,
  grows: 'level',
  // What it found it finds again at the next such read; held beyond the call, only what is far from chance lowers trust.
  kept: 0.5,
  empty: () => ({ own: emptyCounts(), recent: [], trail: [], burst: 0, asked: 0 }),
  score({ own, recent, burst, asked }, signal, peers) {
    const known = countedAll(own)
    if (signal.write || known < KNOWN) return null
    const tool = short(signal.tool)
    const usual = usualOf(own, peers)
    if (!usual.isRare(tool)) return null
    const piece = isAgain(signal.targets, asked) ? recent : [...recent, tool]
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
  attempt(state, { tool, write, targets }, outcome) {
    if (outcome !== 'allow') {
      if (isAgain(targets, state.asked)) return
      state.asked = targets?.[0] ?? 0
    }
    push(state.recent, write ? OTHER : short(tool))
  },
  gap({ trail }) {
    trail.splice(0)
  },
  looked(state) {
    state.recent.splice(0)
    state.asked = 0
  },
  beside: ({ own, trail, burst }, { recent, asked }) => ({ own, trail, burst, recent, asked }),
  settled(state, signal) {
    const { own, trail } = state
    const name = signal.write ? OTHER : short(signal.tool)
    push(trail, name)
    state.burst *= FORGETTING
    if (name !== OTHER && countedAll(own) >= KNOWN) {
      const usual = usualOf(own, null)
      if (usual.isRare(name))
        state.burst = Math.min(MOST_BURST, Math.max(state.burst, stakesOn(trail, usual).bits))
    }
    count(own, name, 1, FADING)
  },
}

interface Usual {
  /** Of rare reads among the calls, as much as it may well be. */
  readonly share: number
  isRare(name: string): boolean
}

function usualOf(own: Counts, peers: Background | null): Usual {
  const all = countedAll(own)
  const beside = peers === null || peers.groups === 0 ? 0 : PEER_CALLS
  const rare = (name: string) => name !== OTHER && counted(own, name) < RARE * all
  let mass = UNSEEN
  for (const name of own.values.keys()) {
    if (!rare(name)) continue
    mass += counted(own, name)
    if (beside > 0) mass += beside * Math.min(RARE, peers?.share(name) ?? 0)
  }
  // A standard error above what was seen: few calls tell little of how many there usually are.
  return { share: Math.min(MOST_SHARE / 2, (mass + Math.sqrt(mass)) / (all + beside)), isRare: rare }
}

/** The mean of the bets after a piece, in bits, and how many rare reads are in it. */
function stakesOn(piece: readonly string[], { share, isRare }: Usual): { bits: number; times: number } {
  const names = new Set(piece)
  const odd = new Set([...names].filter(isRare))
  const marks = piece.map((name) => odd.has(name))
  let sum = 0
  for (const times of TIMES) {
    const bet = Math.min(MOST_SHARE, share * times)
    const [won, lost] = [bet / share, (1 - bet) / (1 - share)]
    let stake = 1
    for (const rare of marks) stake = Math.max(1, stake) * (rare ? won : lost)
    sum += stake
  }
  return { bits: Math.log2(sum / TIMES.length), times: marks.filter((rare) => rare).length }
}

function isAgain(targets: readonly number[] | undefined, asked: number): boolean {
  return asked !== 0 && targets?.[0] === asked
}

function push(names: string[], name: string): void {
  names.push(name)
  if (names.length > PIECE) names.shift()
}

function said(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}
