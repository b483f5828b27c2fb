/**
 * A call, its decision, and what is kept of both.
 * @module
 */
import type { ErrorCode } from './errors.ts'
import type { JsonObject, JsonValue } from './json.ts'
import type { Stored } from './principals.ts'
import type { Grant } from './task.ts'
import type { Assurance, Enforcement, Evidence, Obligation, Outcome, TrustLevel } from './trust.ts'

/** How the caller proved itself on this very request. */
export interface Proof {
  readonly kind: 'dpop' | 'mtls' | 'bearer' | 'local'
  /** When the key was last shown to be held, milliseconds; null = never on this grant. */
  readonly provenAt: number | null
}

export type OperationKind = 'tool' | 'resource' | 'prompt' | 'list' | 'session'

/** What is asked of a server. `name` is the tool, prompt or resource URI; null where the method has none. */
export interface Operation {
  readonly server: string
  readonly method: string
  readonly kind: OperationKind
  readonly name: string | null
  /** Parsed, bounded; exactly what will be forwarded when allowed. */
  readonly args: JsonObject
}

export interface CallContext {
  readonly channel: 'http' | 'stdio' | 'api'
  readonly ip: string | null
  readonly client: string | null
  /** As the client says; absent = it did not. */
  readonly clientVersion?: string
  /** ISO 3166-1 alpha-2 of the address, when the host can tell; absent = unknown. */
  readonly country?: string | null
  /** Number and kind of the network that announces the address; absent = unknown. */
  readonly network?: { readonly asn: number | null; readonly hosting: boolean | null } | null
  /** What went wrong lately with the agent's credentials, or at this address; absent = nothing, or nobody counted. */
  readonly attempts?: Attempts
  /** What outside intelligence knows of addresses in the call; absent = nothing, or nobody was asked. */
  readonly intelligence?: readonly IndicatorMatch[]
}

/** Counts of some minutes. */
export interface Attempts {
  /** Proofs of the agent's key that came again. */
  readonly replayed: number
  /** Its tokens that came without their key. */
  readonly unproven: number
  /** Of both, milliseconds. */
  readonly latest: number
  /** Different clients that failed to prove themselves from the address of this call. */
  readonly clientsHere: number
  readonly latestHere: number
}

/** An address of a call that stands on a list of known bad ones. The address itself is not repeated. */
export interface IndicatorMatch {
  /** The list's own id of the entry. */
  readonly indicator: string
  /** Which list. */
  readonly source: string
  /** `ip`, `client`, or the dotted path of the argument. */
  readonly where: string
  /** Above 0, below 1: how sure the list is that whoever uses it means ill. */
  readonly confidence: number
  /** MITRE ATLAS or ATT&CK. */
  readonly technique?: string
}

export interface CallRequest {
  /** Made by the host, unique, sortable by time (UUIDv7). */
  readonly id: string
  /** Milliseconds, from the host's clock. */
  readonly at: number
  readonly grant: Grant
  readonly proof: Proof
  readonly operation: Operation
  readonly context: CallContext
}

/** Provenance of one argument value. The value itself never stands here; `preview` is redacted. */
export interface ArgumentLabel {
  /** Dotted path in the arguments. */
  readonly path: string
  readonly label: 'user' | 'agent' | 'trusted' | 'untrusted' | 'unseen'
  /** `<server>/<tool>` and the field it came from; null for the user's words or nothing. */
  readonly source: { readonly tool: string; readonly call: string; readonly field: string | null } | null
  readonly sink: boolean
  readonly preview: string
}

export interface PolicyReason {
  readonly layer: 'agent' | 'user' | 'delegation' | 'engine'
  readonly id: string
  readonly effect: 'permit' | 'forbid'
}

/** One thing to be done; together the steps of a counterfactual are the change that was tested. */
export type CounterfactualStep =
  /** A person approves exactly this call. */
  | { readonly kind: 'approval' }
  /** The agent repeats the call with a new proof of its key. */
  | { readonly kind: 'fresh-proof' }
  | { readonly kind: 'argument'; readonly path: string; readonly value: JsonValue }
  | { readonly kind: 'scope'; readonly scopes: readonly string[] }
  /** Task, links and grant include what the member left out. */
  | { readonly kind: 'errand'; readonly member: string }
  /** Task, links and grant have this budget for the member. */
  | { readonly kind: 'budget'; readonly member: string; readonly limit: number }
  | { readonly kind: 'tool'; readonly tool: string }
  | { readonly kind: 'server'; readonly server: string }
  /** The user's own words for a new errand name these values (paths of arguments). */
  | { readonly kind: 'intent'; readonly paths: readonly string[] }
  /** The owner looks at the agent: its risk is reset. */
  | { readonly kind: 'review'; readonly agent: string }
  | { readonly kind: 'ceiling'; readonly agent: string; readonly level: TrustLevel }
  /** The agent calls with a key (DPoP or mTLS) and proves it. */
  | { readonly kind: 'key' }
  | { readonly kind: 'relation'; readonly user: string; readonly relation: string; readonly object: string }
  /** The principal holds the role, for this errand and a time (or for good). */
  | {
      readonly kind: 'elevation'
      readonly principal: 'agent' | 'user'
      readonly id: string
      readonly role: string
    }
  | {
      readonly kind: 'zone-flow'
      readonly from: string
      readonly to: string
      readonly effect: 'read' | 'write'
    }

/** The smallest tested change that would have led to a better outcome. For the entitled only, never for the agent. */
export interface Counterfactual {
  readonly change: string
  readonly outcome: Outcome
  /** The same change for a machine; absent in records written before there were any. */
  readonly steps?: readonly CounterfactualStep[]
}

/** One part of a call's risk. Its id is stable: a person answers it by it (`agents feedback`). */
export interface Contribution {
  /** `<decision>/<detector>` */
  readonly id: string
  readonly detector: string
  /** What counts: found on this call, and what is remembered of earlier ones. */
  readonly bits: number
  readonly reason: string
  /** What would hold without it: the risk of this call, and the level from the next call on. */
  readonly without: { readonly risk: number; readonly trust: TrustLevel }
}

export interface Decision {
  readonly id: string
  readonly at: number
  readonly tenant: string
  readonly outcome: Outcome
  readonly enforcement: Enforcement
  /** Stable code for the agent; null on allow. */
  readonly code: ErrorCode | null
  /** Neutral sentence for the agent: what it may do next. No threshold, no other people's resource. */
  readonly remedy: string
  readonly trust: TrustLevel
  readonly assurance: Assurance
  /** Suspicion, 0–100: how likely somebody else steers the agent. */
  readonly risk: number
  /** What the call can break, whoever makes it, 0–100; absent where the tool is not known. */
  readonly impact?: number
  /** What the risk is made of, the strongest first; absent when nothing speaks against the agent. */
  readonly contributions?: readonly Contribution[]
  readonly policies: readonly PolicyReason[]
  readonly policyErrors: readonly {
    readonly layer: 'agent' | 'user'
    readonly id: string
    readonly message: string
  }[]
  readonly evidence: readonly Evidence[]
  readonly labels: readonly ArgumentLabel[]
  readonly obligations: readonly Obligation[]
  /** Sentences for whoever is entitled; first the one that decided. */
  readonly why: readonly string[]
  readonly counterfactual: Counterfactual | null
  /** `relations`: the revision at which relations were asked; absent when no policy needed any. */
  readonly revisions: { readonly policy: string; readonly tools: string; readonly relations?: string }
  /** Scopes the operation needs, all of them, when the token lacks one. */
  readonly scopes: readonly string[]
  /** `sha256:` of the canonical arguments. */
  readonly argsDigest: string
  /** Set when the outcome is `approval` and a request for one is open, or when one was used. */
  readonly approval: string | null
}

/** What came back from the server, as the gateway saw it. */
export interface CallResult {
  readonly status: 'ok' | 'tool_error' | 'failed' | 'cancelled' | 'unknown'
  /** Text parts in order. */
  readonly text: readonly string[]
  readonly structured: JsonValue | null
  /** `sha256:` of the canonical result as released. */
  readonly digest: string
  readonly bytes: number
  readonly error: string | null
}

export interface Approval extends Stored {
  readonly decision: string
  readonly agent: string
  readonly user: string | null
  readonly task: string
  readonly server: string
  readonly tool: string
  readonly argsDigest: string
  /** Shown to the person who decides; kept until the approval ends. */
  readonly args: JsonObject
  readonly why: readonly string[]
  readonly status: 'pending' | 'approved' | 'refused' | 'used' | 'expired'
  readonly createdAt: number
  readonly expiresAt: number
  readonly decidedBy: string | null
  readonly decidedAt: number | null
}

/** What the control plane keeps of a decision for lists; everything else is in the encrypted record. */
export interface DecisionSummary extends Stored {
  readonly at: number
  readonly agent: string
  readonly user: string | null
  readonly task: string
  readonly server: string
  readonly tool: string
  readonly outcome: Outcome
  readonly trust: TrustLevel
  readonly risk: number
  readonly code: ErrorCode | null
  readonly result: CallResult['status'] | null
  /** Ledger index of the intent, and of the outcome once there is one. */
  readonly intentIndex: number
  readonly outcomeIndex: number | null
}

export interface PolicyVersion extends Stored {
  /** Cedar text of the two layers. */
  readonly agentPolicies: string
  readonly userPolicies: string
  /** `sha256:` over both texts. */
  readonly digest: string
  /** `shadow`: asked beside the active one, without effect; `tried`: was in the shadow and never ruled. */
  readonly status: 'active' | 'retired' | 'shadow' | 'tried'
  readonly createdAt: number
  readonly createdBy: string
}

/** A change that a command-line verb asked for and that the signed-in owner must confirm in the browser. */
export interface OwnerRequest extends Stored {
  readonly verb: string
  /** One sentence, made by us. */
  readonly summary: string
  readonly params: JsonObject
  readonly status: 'pending' | 'confirmed' | 'refused' | 'expired'
  /** What the verb returned once confirmed. */
  readonly result: JsonObject | null
  readonly createdAt: number
  readonly expiresAt: number
}
