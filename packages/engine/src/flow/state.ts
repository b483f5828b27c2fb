/**
 * What a task has seen, as plain JSON: intent, outputs with their fields and spans, values a person approved, values that
 * were stored although nobody vouched for them. One state per task, keyed by the host with the task's id. Every list is
 * bounded; what had to go sets `forgot`, and a value that stands nowhere is then treated as an unnamed statement.
 * @module
 */
import type { Intent } from './intent.ts'
import { readIntent } from './intent.ts'
import type { Span } from './spans.ts'

/**
 * Bounds, in characters unless said otherwise. A state is at most about `taskText` × 2 bytes of text plus 64 bytes a
 * field; a call's cost is one search of `taskText` a value.
 */
export const LIMITS = {
  intent: 16_384,
  /** Of one output, parsed into fields and sentences; the next `outputRest` are kept as one unnamed statement. */
  outputParsed: 32_768,
  outputRest: 65_536,
  taskText: 393_216,
  outputs: 128,
  requests: 64,
  requestText: 600,
  approved: 128,
  stained: 256,
  value: 512,
  /** Characters of one argument that are examined; a longer one is doubted for its length. */
  examined: 262_144,
  /** The same of all arguments of a call together. */
  examinedAll: 524_288,
  /** Values of one call that are looked for; a call with more is doubted for its size. */
  parts: 1024,
} as const

/** How a source came to be read: by the user's word, by way of a named source, by topic only, or by nobody's. */
export type Naming = 'named' | 'chained' | 'topic' | null

/** A field of an output; offsets into `SeenOutput.text`. */
export interface SeenField {
  readonly at: number
  readonly end: number
  readonly record: number
  readonly key: string
  /** A short whole value that the server, not a writer, made a field. */
  readonly whole: boolean
  /** The author of the record stands in the user's words. */
  readonly author: boolean
  /** Had to be decoded to be read. */
  readonly hidden: boolean
  /** Where lines end, at most 256; the folded text has blanks there. */
  readonly breaks: readonly number[]
  /** Empty = all of it is plain statement. Offsets into the output's text. */
  readonly spans: readonly Span[]
}

export interface SeenOutput {
  readonly callId: string
  readonly server: string
  readonly tool: string
  readonly thirdParty: boolean
  /** Holds data that is not public. */
  readonly private?: boolean
  readonly naming: Naming
  /** Host of the address that was fetched, when it was; null otherwise. */
  readonly host: string | null
  /** Folded text of all fields, one after the other. */
  readonly text: string
  /** The same, unit by unit, as it is spelled; only where letters of it imitate others. */
  readonly spelling?: string
  readonly fields: readonly SeenField[]
}

/** A request found in an output: its folded text and what it asks for. */
export interface SeenRequest {
  readonly text: string
  readonly asks: readonly string[]
  /** Written for an agent, or marked as an order: more than an imperative with an address in it. */
  readonly marked: boolean
}

export interface ApprovedValue {
  readonly value: string
  readonly kind: string
  readonly classes: readonly string[]
}

export interface FlowState {
  readonly version: 1
  readonly intent: Intent | null
  readonly outputs: readonly SeenOutput[]
  readonly requests: readonly SeenRequest[]
  readonly asked: readonly string[]
  /** Highest mark seen in any output. */
  readonly marks: number
  readonly approved: readonly ApprovedValue[]
  /** Values written by the agent that came from a request nobody vouched for; value to its standing then. */
  readonly stained: readonly (readonly [string, string])[]
  readonly privateDataRead: boolean
  readonly untrustedSeen: boolean
  readonly forgot: boolean
}

/** The state of a task that has seen nothing. `intent` = the user's own words, or null when the host knows none. */
export function emptyFlow(intent: string | null): FlowState {
  return {
    version: 1,
    intent: intent === null ? null : readIntent(intent.slice(0, LIMITS.intent)),
    outputs: [],
    requests: [],
    asked: [],
    marks: 0,
    approved: [],
    stained: [],
    privateDataRead: false,
    untrustedSeen: false,
    forgot: false,
  }
}
