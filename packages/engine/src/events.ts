/**
 * What changes the live state. Events are plain JSON and hold all that `apply` needs: they are kept, encrypted, beside
 * the ledger entry and replayed at start.
 * @module
 */
import type { Approval, Assurance, CallResult, JsonValue, Outcome } from '@safeconduct/protocol'
import type { Reservation } from './delegation/budget.ts'
import type { FlowEvent } from './flow/index.ts'
import type { SavedBaseline } from './ports.ts'
import type { Signal } from './risk/detector.ts'
import type { DoubtChange } from './risk/score.ts'
import type { TrustLive } from './risk/trust.ts'

/** A call was decided under a live grant. */
export interface TurnEvent {
  readonly type: 'turn'
  readonly id: string
  readonly at: number
  readonly agent: string
  readonly user: string | null
  readonly via: readonly string[]
  readonly assurance: Assurance
  readonly outcome: Outcome
  readonly signal: Signal
  readonly doubts: readonly DoubtChange[]
  /** Set when the stored trust changes. */
  readonly trust: TrustLive | null
  /** Set when a doubt about the credential begins (a time) or was answered (null). */
  readonly challenged?: number | null
  readonly task: {
    readonly id: string
    readonly implicit: boolean
    readonly expiresAt: number
    /** A new window of an implicit task begins with this call. */
    readonly rolled: boolean
  }
  /** The user's own words when the errand's labels begin with this call. */
  readonly flow: { readonly key: string; readonly intent: string | null }
  /** Set when the call goes out. */
  readonly open: {
    readonly reservations: readonly Reservation[]
    readonly clean: boolean
    /** A person gave their word for this very call. */
    readonly vouched?: boolean
  } | null
}

/** A person's answer to one piece of evidence. */
export interface FeedbackEvent {
  readonly type: 'feedback'
  readonly agent: string
  readonly at: number
  readonly by: string
  readonly decision: string
  readonly detector: string
  readonly verdict: 'confirm' | 'dismiss'
}

export type EngineEvent =
  | TurnEvent
  /** The call certainly did not go out: what it reserved is free again. */
  | { readonly type: 'released'; readonly id: string }
  | {
      readonly type: 'settled'
      readonly id: string
      readonly at: number
      readonly status: CallResult['status']
      readonly flow: FlowEvent | null
      /** Until then the call may be contested and teaches nothing; absent = it teaches at once. */
      readonly contestable?: number
    }
  /** Model, prompt or tools are registered with another digest. `first`: nothing was known before. */
  | {
      readonly type: 'composition'
      readonly agent: string
      readonly at: number
      readonly digest: string
      readonly first: boolean
    }
  | { readonly type: 'trust-reset'; readonly agent: string; readonly at: number; readonly by: string }
  | FeedbackEvent
  /** A person said that the call should not have been made, whoever allowed it. */
  | {
      readonly type: 'contested'
      readonly agent: string
      readonly at: number
      readonly by: string
      readonly id: string
    }
  /** What was learned was written to the store; of that baseline the ledger has the digest. */
  | ({ readonly type: 'baseline-saved'; readonly agent: string } & SavedBaseline)
  /** What was learned of the agent is erased. What speaks against it stays. */
  | {
      readonly type: 'agent-erased'
      readonly agent: string
      readonly at: number
      readonly by: string
      /** Its errands, and whose agent it is: what it read in them, and what it asked of models, goes, too. */
      readonly tasks?: readonly string[]
      readonly owner?: string
    }
  /** An earlier baseline holds again; encoded (`plain.ts`). */
  | {
      readonly type: 'baseline'
      readonly agent: string
      readonly at: number
      readonly by: string
      /** null = forgotten: it begins anew. */
      readonly baseline: JsonValue | null
    }
  /** A person's word on values holds for the errand. */
  | { readonly type: 'vouched'; readonly key: string; readonly at: number; readonly flow: FlowEvent }
  | { readonly type: 'logged'; readonly id: string; readonly at: number }
  | { readonly type: 'erased'; readonly user: string; readonly tasks: readonly string[] }
  /** Directory changes of a turn; the store keeps them durably, so a replay may skip them. */
  | { readonly type: 'approval-opened'; readonly approval: Approval }
  | { readonly type: 'approval-used'; readonly key: string }
