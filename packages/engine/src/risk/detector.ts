/**
 * What every detector looks at and is. A detector scores a signal against bounded, plain-JSON state of one agent and
 * returns evidence; it never decides. `attempt` learns from every call, `settled` only from calls that were allowed,
 * came back well and raised no doubt: what an attacker does must not become normal.
 * @module
 */
import type { Attempts, Evidence, IndicatorMatch, Outcome, RegistrationSigns } from '@safeconduct/protocol'
import type { Population } from './customs.ts'
import type { ErrandKind } from './errand-kind.ts'
import type { Asked, Lookup } from './extraction/asked.ts'
import type { Seen } from './login/seen.ts'

/** One call as detectors see it. Values are numbers or short digests; no text of the call is kept. */
export interface Signal {
  readonly at: number
  /** `<server>/<tool>`, or `mcp:<method>`. */
  readonly tool: string
  readonly write: boolean
  /** Numeric arguments by dotted path. */
  readonly numbers: readonly (readonly [string, number])[]
  /** Digests of values that say where an effect goes, by dotted path. */
  readonly parties: readonly (readonly [string, string])[]
  /** Arguments whose value somebody gave the agent, and how much of their strangeness counts then; absent = none. */
  readonly sourced?: readonly (readonly [string, number])[]
  /** The call carried values that somebody else steered; `provenance` speaks of it, other detectors need not. */
  readonly steered: boolean
  /** Digests of the passage that steered the call and of what it was steered to; null = nobody did. */
  readonly steering: Steering | null
  /** Digest of the network address; null = none. */
  readonly place: string | null
  /** Zone of what is acted on; empty = none, absent = not known. */
  readonly zone?: string
  /** What the arguments look like: `<path> <class>` for each, `= <digest>` for which there are; absent = no tool. */
  readonly forms?: readonly string[]
  /** What is touched, by the first 32 bits of digests salted by agent: the read itself, its lists' members, whom a write reaches; absent = no tool. */
  readonly targets?: readonly number[]
  /** What the errand is for, and the kind of tool called for it; absent = not known. */
  readonly errand?: ErrandKind
  /** Where and with what the agent comes; absent = nothing is known of it. */
  readonly seen?: Seen
  /** What went wrong with credentials before; absent = nothing. */
  readonly attempts?: Attempts
  /** What was strange about the agent's registration, and when that was; absent = nothing. */
  readonly registered?: { readonly at: number; readonly signs: RegistrationSigns }
  /** A query to a model, compared with those before it; absent = the call has no list of numbers. */
  readonly asked?: Asked
  /** What is left of `asked` once its call is under way. */
  readonly looked?: Lookup
  /** Digest of the agents that handed the errand on, in order; absent = none. */
  readonly chain?: string
  /** Addresses of the call that stand on a list of known bad ones; absent = none. */
  readonly intelligence?: readonly IndicatorMatch[]
  /** How long ago the key was shown to be held, milliseconds; null = no key. */
  readonly proofAge: number | null
}

export interface Steering {
  readonly passage: string
  readonly question: string
}

export interface Detector<S> {
  readonly name: string
  readonly about: Evidence['about']
  /** Most bits it may hold against an agent at any time: one feature alone never suspends. */
  readonly cap: number
  /** Milliseconds after which half of its bits are forgotten. */
  readonly halfLife: number
  /** Share of a finding that is held against the agent beyond the call it was made on; 1 when left out. */
  readonly kept?: number
  /** `level`: the strongest recent finding counts. `events`: findings add up (to the cap). */
  readonly grows: 'level' | 'events'
  empty(): S
  /** Reads only. `peers`: what others of the tenant do, the agent's own group left out. */
  score(state: S, signal: Signal, peers: Population): Finding | null
  /** After the decision, whatever it was. Changes `state` in place. */
  attempt?(state: S, signal: Signal, outcome: Outcome): void
  /** A lesson that was taken (`learning/learning.ts`), in order. Changes `state` in place. */
  settled?(state: S, signal: Signal): void
  /** Lessons before the next one were not taken: it follows nothing. Changes `state` in place. */
  gap?(state: S): void
  /** A person has looked at what the agent did lately: runs of it begin anew. Changes `state` in place. */
  looked?(state: S): void
  /** What was learned by the end of enrolment beside what is current; left out where a state is all lessons. */
  beside?(enrolled: S, live: S): S
}

export interface Finding {
  readonly bits: number
  readonly reason: string
  readonly confidence: number
  readonly technique?: string
}

/** How much of what is strange about a value counts, 0–1: less where it is known who gave it to the agent. */
export function strangenessOf({ sourced }: Signal, path: string): number {
  return sourced?.find(([of]) => of === path)?.[1] ?? 1
}

export function clip(value: number, low: number, high: number): number {
  return value < low ? low : Math.min(value, high)
}
