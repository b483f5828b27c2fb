/**
 * Everything the engine and its hosts need from outside, and what they give. Ports are plain interfaces; each has
 * one conformance suite that every implementation runs. `store` makes them real; `cli` wires them.
 * @module
 */
import type {
  Agent,
  Approval,
  CallRequest,
  CallResult,
  Decision,
  DecisionSummary,
  Delegation,
  Elevation,
  Enforcer,
  EpochKind,
  EpochRef,
  ErrorCode,
  JsonObject,
  Outcome,
  OwnerRequest,
  PinnedTool,
  PolicyStore,
  PolicyVersion,
  RelationModel,
  RelationSpace,
  RelationTuple,
  Server,
  Stored,
  Task,
  TrustLevel,
  User,
} from '@safeconduct/protocol'
import type { SpokenAs } from './flow/index.ts'

/** Milliseconds since the epoch. Never goes backwards within a process. */
export interface Clock {
  now(): number
}

/** Unique, sortable by time (UUIDv7, RFC 9562 §5.7). */
export interface Ids {
  next(): string
}

/** What is known of a network address without asking anybody. */
export interface NetworkFacts {
  /** ISO 3166-1 alpha-2. */
  readonly country: string | null
  /** Autonomous system that announces it, and who holds that. */
  readonly asn: number | null
  readonly org: string | null
  /** The holder rents out machines, by the words of its name. */
  readonly hosting: boolean | null
}

export interface NetworkLookup {
  /** In memory; null when nothing is known of the address (yet). Never throws. */
  lookup(ip: string): NetworkFacts | null
}

// ── Intelligence ─────────────────────────────────────────────────────────────────────────────────────────────

export interface Indicator {
  readonly id: string
  readonly source: string
  /** Above 0, below 1. */
  readonly confidence: number
  readonly technique?: string
}

/** Known bad addresses, by the key that `indicatorKey` makes of kind and value. */
export interface Intelligence {
  /** In memory; null when the value is on no list. Never throws. */
  find(key: string, at: number): Indicator | null
}

// ── Store ────────────────────────────────────────────────────────────────────────────────────────────────────

export interface Page {
  /** Id after which to go on (exclusive), in the asked order. */
  readonly after?: string
  /** 1–1000, default 100. */
  readonly limit?: number
  readonly newestFirst?: boolean
}

/**
 * Records of one kind. Ids sort by time, so a page in id order is a page in time order. Every method is bound to
 * a tenant; no record of another tenant is ever returned or changed.
 */
export interface Collection<T extends Stored, Index extends string> {
  get(tenant: string, id: string): Promise<T | null>
  list(tenant: string, page?: Page): Promise<T[]>
  find(tenant: string, index: Index, value: string, page?: Page): Promise<T[]>
  /** @throws `conflict` when the id, or a unique index value, is taken; `version` must be 1. */
  insert(value: T): Promise<void>
  /** Replaces the record whose version is `value.version - 1`. @throws `conflict` when it has moved on, `not_found` */
  replace(value: T): Promise<void>
  remove(tenant: string, id: string): Promise<void>
}

export interface EpochStore {
  all(): Promise<{ tenant: string; ref: EpochRef }[]>
  /** Creates at 1 when absent; returns the current epoch. */
  ensure(tenant: string, kind: EpochKind, id: string): Promise<number>
  /** Adds one; everything issued under the old number is revoked. @throws `not_found` */
  bump(tenant: string, kind: EpochKind, id: string): Promise<number>
  /** When it was last bumped, milliseconds by the store's clock; null = never, or there is none. */
  bumpedAt(tenant: string, kind: EpochKind, id: string): Promise<number | null>
}

/** Records of the authorization-server library, by model. `expiresAt` in milliseconds. Values are deep copies. */
export interface OAuthStore {
  upsert(model: string, id: string, payload: JsonObject, expiresAt: number | null): Promise<void>
  find(model: string, id: string): Promise<JsonObject | null>
  findByUid(model: string, uid: string): Promise<JsonObject | null>
  findByUserCode(model: string, userCode: string): Promise<JsonObject | null>
  consume(model: string, id: string, at: number): Promise<void>
  destroy(model: string, id: string): Promise<void>
  revokeByGrantId(model: string, grantId: string): Promise<void>
}

/** Atomic insert-if-absent; true exactly once per key until it expires. Survives a restart. */
export interface ReplayStore {
  claim(key: string, expiresAt: number, now: number): Promise<boolean>
}

/** Small opaque values: signing keys, settings, wrapped data keys, sealed credentials. */
export interface BlobStore {
  get(name: string): Promise<Uint8Array | null>
  put(name: string, value: Uint8Array): Promise<void>
  /** Stores only when absent; returns what is stored afterwards. */
  putIfAbsent(name: string, value: Uint8Array): Promise<Uint8Array>
  /** Leaves no copy behind in the file or its journal. */
  erase(name: string): Promise<void>
  names(prefix: string): Promise<string[]>
}

/** Ledger events written in the same transaction as the change they tell of; drained in order into the ledger. */
export interface Outbox {
  add(tenant: string, id: string, event: JsonObject): Promise<void>
  take(limit: number): Promise<{ seq: number; tenant: string; id: string; event: JsonObject }[]>
  done(throughSeq: number): Promise<void>
}

export interface RelationChange {
  /** Counts up over all spaces, with gaps. */
  readonly seq: number
  /** Milliseconds. */
  readonly at: number
  readonly operation: 'write' | 'delete'
  readonly tuple: RelationTuple
}

/** Where a tuple belongs. */
export interface RelationPlace {
  readonly tenant: string
  readonly space: string
}

/** Tuples of relation spaces and what was written and deleted, in order. What a tuple may be is the caller's to say. */
export interface RelationLog {
  /**
   * All or nothing, deletes first; resolves to the `seq` of its last change. A delete needs only the key of its tuple.
   * @throws `conflict` when a tuple to write is there, or one to delete is not
   */
  write(
    place: RelationPlace,
    change: {
      readonly writes: readonly RelationTuple[]
      readonly deletes: readonly Pick<RelationTuple, 'object' | 'relation' | 'user'>[]
      readonly at: number
    },
  ): Promise<number>
  /** Tuples of every space in the order of their rows, which are numbers above `after`. `limit` up to 10,000. */
  tuples(after: number, limit: number): Promise<(RelationPlace & { row: number; tuple: RelationTuple })[]>
  /** When each was written, milliseconds; null for one that is not there. Up to 10,000. */
  writtenAt(
    place: RelationPlace,
    keys: readonly Pick<RelationTuple, 'object' | 'relation' | 'user'>[],
  ): Promise<(number | null)[]>
  /** Changes with a `seq` above `after`, oldest first. `limit` up to 10,000. */
  changes(
    place: RelationPlace,
    query: {
      readonly after: number
      readonly limit: number
      /** Only of objects of this type. */
      readonly type?: string
      /** Only from this instant on, milliseconds. */
      readonly since?: number
    },
  ): Promise<RelationChange[]>
  /** The same over every space. */
  allChanges(after: number, limit: number): Promise<(RelationPlace & RelationChange)[]>
  /** Of the newest change of a space; 0 when there is none. */
  last(place: RelationPlace): Promise<number>
  /** Removes the tuples and changes of a space. */
  remove(place: RelationPlace): Promise<void>
}

export interface Repositories {
  readonly users: Collection<User, 'name'>
  readonly agents: Collection<Agent, 'name' | 'owner'>
  readonly servers: Collection<Server, 'name'>
  readonly tools: Collection<PinnedTool, 'server' | 'status'>
  readonly tasks: Collection<Task, 'agent' | 'user' | 'status'>
  readonly delegations: Collection<Delegation, 'task' | 'to'>
  readonly approvals: Collection<Approval, 'status' | 'task'>
  readonly policies: Collection<PolicyVersion, 'status'>
  readonly elevations: Collection<Elevation, 'status' | 'task'>
  readonly ownerRequests: Collection<OwnerRequest, 'status'>
  readonly decisions: Collection<DecisionSummary, 'agent' | 'user' | 'task' | 'outcome'>
  readonly relationSpaces: Collection<RelationSpace, 'role'>
  readonly relationModels: Collection<RelationModel, 'space'>
  readonly relations: RelationLog
  readonly enforcers: Collection<Enforcer, 'name' | 'status'>
  readonly policyStores: Collection<PolicyStore, 'name' | 'status'>
  readonly epochs: EpochStore
  readonly oauth: OAuthStore
  readonly replay: ReplayStore
  readonly blobs: BlobStore
  readonly outbox: Outbox
}

/** The state of record. One writing process per data directory. */
export interface Store extends Repositories {
  /**
   * One transaction. Inside, use `t` only (the outer store would wait for itself) and never await the network.
   * Rolls back on throw. `lazily`: outlives the process at once, but a power cut only once a later transaction that is
   * not lazy has committed; for what can be made again from something else. Order is kept.
   */
  tx<T>(work: (t: Repositories) => Promise<T>, options?: { readonly lazily?: boolean }): Promise<T>
  close(): Promise<void>
}

/** Envelope encryption with one data key per subject; erasing the key erases everything sealed under it. */
export interface Keyring {
  /** Synchronous once the subject's key is in memory; `ready` loads or makes it. */
  ready(tenant: string, subject: string): Promise<void>
  /** @throws `internal` when the subject is not ready or erased */
  seal(tenant: string, subject: string, plain: Uint8Array): Uint8Array
  /** null when the subject was erased. @throws `internal` when the bytes do not open */
  open(tenant: string, subject: string, sealed: Uint8Array): Promise<Uint8Array | null>
  erase(tenant: string, subject: string): Promise<void>
}

// ── Ledger ───────────────────────────────────────────────────────────────────────────────────────────────────

/** `essential` entries (outcomes, revocations) may use the reserve of a full disk. */
export type EntryClass = 'ordinary' | 'essential'

export interface LedgerPort {
  /** Resolves when the entry and its attachment are durable. @throws `disk_full`, `ledger_unavailable`, `overloaded` */
  append(
    entry: Uint8Array,
    options?: { readonly attachment?: Uint8Array; readonly class?: EntryClass },
  ): Promise<{ readonly index: number }>
  readonly size: number
  entries(
    from: number,
    to: number,
  ): AsyncIterable<{ index: number; entry: Uint8Array; attachment: Uint8Array | null }>
  /** Entries with inclusion proofs under one signed checkpoint; a JSON value that verifies offline. */
  receipt(indexes: readonly number[]): Promise<JsonObject>
}

// ── Bus ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** What the live page and event streams see. Holds nothing that the viewer of the tenant may not see. */
export type BusMessage =
  | {
      readonly type: 'decision'
      readonly tenant: string
      readonly decision: Decision
      readonly summary: DecisionSummary
    }
  | {
      readonly type: 'outcome'
      readonly tenant: string
      readonly id: string
      readonly status: CallResult['status']
    }
  | { readonly type: 'approval'; readonly tenant: string; readonly approval: Approval }
  | {
      readonly type: 'trust'
      readonly tenant: string
      readonly agent: string
      readonly from: TrustLevel
      readonly to: TrustLevel
      readonly why: string
    }
  /** The remembered risk of an agent moved by more than a little. */
  | {
      readonly type: 'risk'
      readonly tenant: string
      readonly agent: string
      readonly at: number
      readonly from: number
      readonly to: number
    }
  | { readonly type: 'revoked'; readonly tenant: string; readonly kind: EpochKind; readonly id: string }
  | { readonly type: 'owner-request'; readonly tenant: string; readonly request: OwnerRequest }
  | { readonly type: 'tool'; readonly tenant: string; readonly tool: PinnedTool }
  /** The candidate in the shadow would have decided this call otherwise. */
  | {
      readonly type: 'shadow'
      readonly tenant: string
      readonly version: string
      readonly id: string
      readonly from: Outcome
      readonly to: Outcome
    }

export interface Bus {
  publish(message: BusMessage): void
  /** Returns the function that ends the subscription. A slow or throwing listener never holds up the publisher. */
  subscribe(listener: (message: BusMessage) => void): () => void
}

// ── Relations ────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * What policies ask about relations, at one revision. In process and at once: a turn waits for nothing. A question
 * that cannot be answered (unknown type or relation, too deep) throws, and whoever asked denies.
 */
export interface RelationFacts {
  readonly revision: string
  /**
   * `check('user:ann', 'viewer', 'document:plan')`
   * @throws when it cannot be answered (unknown type or relation, too complex); the fact is then missing
   */
  check(user: string, relation: string, object: string): boolean
  /** Relations of objects of the type; null = the model has no such type. Absent when there is no model to ask. */
  relationsOf?(type: string): readonly string[] | null
  /** The types of that model. Absent where `relationsOf` is. */
  types?(): readonly string[]
}

/** One question to `RelationFacts`. */
export interface RelationQuestion {
  readonly user: string
  readonly relation: string
  readonly object: string
}

// ── Directory changes that the engine keeps in memory ───────────────────────────────────────────────────────────

/** The store is the truth; these carry it into the owner's memory, at start for everything and later on change. */
export type ControlEvent =
  | { readonly type: 'epoch'; readonly tenant: string; readonly ref: EpochRef }
  | { readonly type: 'agent'; readonly agent: Agent }
  | { readonly type: 'user'; readonly user: User }
  | { readonly type: 'elevation'; readonly elevation: Elevation }
  | { readonly type: 'server'; readonly server: Server }
  | { readonly type: 'server-removed'; readonly tenant: string; readonly server: string }
  | { readonly type: 'tool'; readonly tool: PinnedTool }
  | { readonly type: 'task'; readonly task: Task }
  | { readonly type: 'policy'; readonly tenant: string; readonly version: PolicyVersion }
  /** The candidate that is asked beside the policy from now on, without effect; null = none. */
  | { readonly type: 'shadow'; readonly tenant: string; readonly version: PolicyVersion | null }
  | { readonly type: 'approval'; readonly approval: Approval }
  | { readonly type: 'delegation'; readonly delegation: Delegation }
  /** A person looked at the agent: its behaviour starts clean and its composition counts as approved. */
  | { readonly type: 'trust-reset'; readonly tenant: string; readonly agent: string; readonly by: string }
  /** The relations that policies of the tenant ask from now on; null = none, and whoever asks is denied. */
  | { readonly type: 'relations'; readonly tenant: string; readonly facts: RelationFacts | null }
  /** A server said something outside of an answer. Kept in memory only, the latest of it. */
  | {
      readonly type: 'heard'
      readonly tenant: string
      readonly server: string
      readonly source: SpokenAs
      readonly texts: readonly string[]
    }
  /** The subject's keys are gone; what is held of it in memory goes, too. */
  | { readonly type: 'erased'; readonly tenant: string; readonly user: string }

// ── Decider ──────────────────────────────────────────────────────────────────────────────────────────────────

/** What the gateway may do now, and what it may tell the agent. */
export interface Prepared {
  readonly decision: Decision
  /** True when the call is to be forwarded: outcome `allow`, or enforcement `observe`. The intent is durable. */
  readonly forward: boolean
  /** Only when `forward`: exactly what to send; the decided value, after obligations. */
  readonly operation: CallRequest['operation'] | null
}

export interface Settled {
  /** After obligations (redact, mask); the gateway re-serialises this when not null. */
  readonly receipt: { readonly intentIndex: number; readonly outcomeIndex: number }
}

export interface ToolListing {
  /** Tools that may be shown to this grant now, as the server defines them, in the server's order. */
  readonly visible: readonly JsonObject[]
}

/**
 * Decides calls. One synchronous turn per call reserves budget and applies the attempt, so parallel calls cannot
 * race a limit; the intent is durable before `prepare` resolves with `forward`.
 */
export interface Decider {
  /** @throws `disk_full`, `ledger_unavailable`, `overloaded`, `shutting_down`: the call must not go out. */
  prepare(request: CallRequest): Promise<Prepared>
  /** Outcome into the ledger, labels applied; the gateway releases the result only after this resolves. Idempotent. */
  settle(id: string, result: CallResult): Promise<Settled>
  /** The same code path as `prepare`, moving nothing: same question, same answer. No counterfactual: nothing is recorded. */
  dry(request: CallRequest): Decision
  /** Pins definitions by digest (persisting what is new or changed) and filters them for this grant by `dry`. */
  list(request: CallRequest, definitions: readonly JsonObject[]): Promise<ToolListing>
  control(event: ControlEvent): void
  /** Trust, risk and state of an agent, for the entitled. */
  standing(tenant: string, agent: string): AgentStanding | null
  /** Everything kept of a decision, decrypted; null when unknown or erased. */
  explain(tenant: string, id: string): Promise<Explanation | null>
  receipt(tenant: string, id: string): Promise<JsonObject | null>
  /** Waits for calls under way, refuses new ones, writes a snapshot. */
  close(): Promise<void>
}

export interface AgentStanding {
  readonly agent: string
  readonly trust: TrustLevel
  readonly risk: number
  readonly since: number
  readonly baseline: 'learning' | 'active' | 'stale' | 'drifted' | 'contested'
  readonly why: readonly string[]
  /** The latest calls at which risk or trust moved, oldest first. */
  readonly trend: readonly TrendPoint[]
  /** What the baseline rests on; null when it has not called yet. */
  readonly learning: LearningReport | null
}

/** A baseline as it was learned by then. Kept in the store under the agent's key; its digest is in the ledger. */
export interface SavedBaseline {
  readonly id: string
  readonly at: number
  /** Who had it saved: a person, or `schedule`. */
  readonly by: string
  /** `sha256:` of what is kept. */
  readonly digest: string
  /** Lessons it rests on. */
  readonly learned: number
}

export interface TrendPoint {
  readonly at: number
  /** Remembered risk, 0–100. */
  readonly risk: number
  /** By behaviour, before assurance caps it. */
  readonly level: TrustLevel
}

export interface LearningReport {
  /** Lessons taken, passed over, and waiting for their contest window to end. */
  readonly learned: number
  readonly passed: number
  readonly pending: number
  /** When the enrolment baseline was frozen; null = not yet. */
  readonly enrolledAt: number | null
  readonly drift: { readonly psi: number; readonly ks: number }
  /** Detectors that a person's answers have made count more or less. */
  readonly weights: Readonly<Record<string, number>>
  readonly contestedAt: number | null
}

export interface Explanation {
  readonly decision: Decision
  readonly request: Omit<CallRequest, 'grant'> & {
    readonly agent: string
    readonly user: string | null
    readonly task: string
    readonly via: readonly string[]
  }
  readonly result: Omit<CallResult, 'text' | 'structured'> | null
  readonly code: ErrorCode | null
}
