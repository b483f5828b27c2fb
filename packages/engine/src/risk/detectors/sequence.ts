/**
 * The agent's latest calls, taken together, look like somebody else's: which tools, how often, in which order, against
 * its own settled calls and those of other agents of the tenant. One step is nothing; a piece of many is. Says nothing
 * while the agent's own way of working is hardly known: then other agents are the only measure, and a tool that none of
 * them uses says little.
 * @module
 */

import type { Background } from '../behaviour/peers.ts'
import {
  emptySequence,
  experience,
  learnSequence,
  type SequenceState,
  scoreSequence,
  short,
} from '../behaviour/sequence.ts'
import type { Score } from '../behaviour/terms.ts'
import { clip, type Detector, type Finding } from '../detector.ts'

export interface Habits {
  readonly own: SequenceState
  /** Tools of the latest calls, whatever was decided of them, oldest first. */
  readonly recent: string[]
}

/** Calls that are judged together, the present one among them. */
const PIECE = 25
/** Below this a piece says nothing. */
const SHORTEST = 8
/** Settled calls after which the own habits count as known. */
const KNOWN = 100
/** Bits a call from which on a piece is unlike its owner: about one own piece in a hundred passes it. */
const UNLIKE = 0.35
const STEEPNESS = 6
const CAP = 4
/** Of a new agent. Its bits are too few to count as an alarm: new agents have new tools for good reasons. */
const COLD = { groups: 3, share: 0.5, bits: 0.75, confidence: 0.25 } as const

export const sequence: Detector<Habits> = {
  name: 'sequence',
  about: 'behaviour',
  cap: CAP,
  halfLife: 30 * 60_000,
  grows: 'level',
  empty: () => ({ own: emptySequence(), recent: [] }),
  score({ own, recent }, signal, peers) {
    const known = experience(own)
    if (recent.length + 1 < SHORTEST) return null
    const piece = [...recent, short(signal.tool)]
    if (known < KNOWN) return unlikePeers(peers, piece, known)
    const { bits } = scoreSequence(own, peers, piece, 0)
    if (bits <= UNLIKE) return null
    // Nobody to compare with: a rare habit cannot be told from a strange one.
    const confidence = (known / (known + KNOWN)) * (peers.groups === 0 ? 0.7 : 1)
    return {
      bits: clip((bits - UNLIKE) * STEEPNESS * confidence, 0, CAP),
      reason: `The latest calls together look unlike the agent's own. Most unlike: ${said(scoreSequence(own, peers, piece, 3))}.`,
      confidence,
      technique: 'AML.T0012',
    }
  },
  attempt({ recent }, signal) {
    recent.push(short(signal.tool))
    if (recent.length >= PIECE) recent.shift()
  },
  gap({ own }) {
    own.previous = null
  },
  beside: ({ own }, { recent }) => ({ own, recent }),
  settled({ own }, signal) {
    learnSequence(own, signal.tool)
  },
}

/** All there is to say of an agent whose own habits are hardly known; with few others to compare with, nothing. */
function unlikePeers(peers: Background, piece: readonly string[], known: number): Finding | null {
  if (peers.groups < COLD.groups) return null
  const kinds = new Set(piece)
  let strange = 0
  for (const kind of kinds) if (peers.share(kind) === 0) strange++
  const share = strange / kinds.size
  if (share < COLD.share) return null
  return {
    bits: COLD.bits * share,
    reason: 'The agent is new, and no other agent uses most of the tools that it calls.',
    confidence: COLD.confidence * (1 - known / KNOWN),
  }
}

/** Servers name their tools: only plain letters are repeated. */
function said({ terms }: Score): string {
  return terms
    .filter(({ bits }) => bits > 0)
    .map(({ name, bits }) => `${name.replace(/[^\w./~ -]/g, '_')} (${bits.toFixed(1)} bits)`)
    .join(', ')
}
