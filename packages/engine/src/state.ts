/**
 * What the engine knows, by tenant. Two halves:
 *
 * - `directory`: registrations, tools, policies, epochs, open approvals. The store is their truth; `control.ts` carries
 *   them here. Not part of a snapshot.
 * - `live`: what calls have done: budgets, risk, trust, labels. Changed only by `apply`, from events that hold everything
 *   they need, so that a snapshot plus the events after it gives the same live state, bit for bit.
 *
 * Owner: one `Decider` per process. `apply` and `control` change the state in place, inside one synchronous turn;
 * everything else only reads.
 * @module
 */
import type {
  Agent,
  Approval,
  Assurance,
  Delegation,
  Elevation,
  Enforcement,
  Outcome,
  Server,
  Task,
  User,
} from '@safeconduct/protocol'
import type { Cold } from './cold.ts'
import type { Reservation, Spent } from './delegation/budget.ts'
import type { EpochTable } from './delegation/epochs.ts'
import type { FlowState, SeenOutput } from './flow/index.ts'
import type { KnownTool } from './integrity/catalogue.ts'
import type { CompositionLive } from './integrity/composition.ts'
import type { CompiledPolicies } from './policy/engine.ts'
import type { RelationFacts, SavedBaseline, TrendPoint } from './ports.ts'
import type { Peers } from './risk/behaviour/peers.ts'
import type { Customs } from './risk/customs.ts'
import type { Signal } from './risk/detector.ts'
import type { QueryStream } from './risk/extraction/stream.ts'
import { emptyRisk, type RiskLive } from './risk/score.ts'
import { initialTrust, type TrustLive } from './risk/trust.ts'
import type { Capture } from './snapshot.ts'

export interface EngineSettings {
  readonly enforcement: Enforcement
  /** Milliseconds that an approval waits for a person, and then for its one use. */
  readonly approvalTtl: number
  /** Obligation types that the enforcement points of this installation can meet. */
  readonly obligations: readonly string[]
  /** Milliseconds after its outcome in which a call may be contested; it teaches nothing before. */
  readonly contestWindow: number
  /** Agents whose baseline is held in memory; those of the others wait in the store. */
  readonly hotAgents: number
}

export const DEFAULT_SETTINGS: EngineSettings = {
  enforcement: 'enforce',
  approvalTtl: 15 * 60_000,
  obligations: ['notify', 'rate', 'redact', 'mask'],
  contestWindow: 10 * 60_000,
  hotAgents: 5000,
}

export interface EngineState {
  readonly settings: EngineSettings
  readonly tenants: Map<string, TenantState>
}

export interface TenantState {
  readonly tenant: string
  readonly directory: Directory
  live: Live
  /** A snapshot of an earlier turn that is still being written; `apply` tells it what is about to change. */
  capture: Capture | null
}

export interface Directory {
  readonly epochs: EpochTable
  readonly agents: Map<string, Agent>
  /** By name, the `<server>` of `/mcp/<server>`. */
  readonly servers: Map<string, Server>
  /** By `<server>/<tool>`. */
  readonly tools: Map<string, KnownTool>
  readonly tasks: Map<string, Task>
  readonly delegations: Map<string, Delegation>
  /** By `bindingKey`: the latest approval for one task, tool and argument digest. */
  readonly approvals: Map<string, Approval>
  policy: ActivePolicy | null
  readonly users: Map<string, User>
  /** By task, then by id: roles for an errand and a time. What has lapsed may still be here. */
  readonly elevations: Map<string, Map<string, Elevation>>
  /** What policies ask about relations; null = none. */
  relations: RelationFacts | null
  /** What servers said outside of answers, by name. */
  readonly heard: Map<string, readonly SeenOutput[]>
  /** `sha256:` over every pin; null = to be computed again (`integrity/catalogue.ts`). */
  revision: string | null
}

export interface ActivePolicy {
  readonly digest: string
  readonly compiled: CompiledPolicies
}

/** Members of `agents` are changed in place; those of the other maps are replaced (`snapshot.ts` relies on it). */
export interface Live extends Customs {
  /** Counts recorded batches of events; a replay skips what a snapshot already holds. */
  seq: number
  /** When expired errands were last forgotten. */
  sweptAt: number
  readonly agents: Map<string, AgentLive>
  readonly tasks: Map<string, TaskLive>
  /** By `task:<id>` and `delegation:<id>`. */
  readonly spent: Map<string, Spent>
  /** By flow key: the task, or agent and user for implicit tasks, whose labels survive a rollover. */
  readonly flows: Map<string, FlowLive>
  /** Calls that went out and have no outcome yet. */
  readonly calls: Map<string, OpenCall>
  /** What agents of the tenant commonly do, in groups (`risk/behaviour/peers.ts`). */
  readonly peers: Peers
  /** How queries to models commonly differ, in groups (`risk/extraction`). */
  readonly queries: Peers
  /** Where and with what agents commonly come, in groups. */
  readonly arrivals: Peers
  /** Queries to models by owner and model. */
  readonly streams: Map<string, QueryStream>
  /** Ids of control entries lately written to the ledger, oldest first. */
  readonly logged: Map<string, number>
  /** Digests of values that doubtful writes put into storage, by latest write: they are no cleaner for whoever reads them. */
  readonly stains: Map<string, number>
}

export interface AgentLive {
  readonly risk: RiskLive
  trust: TrustLive
  readonly composition: CompositionLive
  /** Tools (and `mcp:` methods) with a clean outcome, by latest use. */
  readonly used: Map<string, number>
  /** Since when a doubt about the credential waits for a fresh proof; null = none. */
  challengedAt: number | null
  settled: number
  lastAt: number
  assurance: Assurance
  /** The latest calls at which risk or trust moved, oldest first. */
  readonly trend: TrendPoint[]
  /** Baselines that can be brought back, oldest first. */
  saved: readonly SavedBaseline[]
  /** Where what was learned of it is while it does not call (`cold.ts`); null = here. */
  cold: Cold | null
}

export interface TaskLive {
  /** Start of the present window; only implicit tasks roll over. */
  readonly startedAt: number
  readonly lastAt: number
  readonly expiresAt: number
  readonly implicit: boolean
}

export interface FlowLive {
  readonly state: FlowState
  readonly lastAt: number
}

/** What is needed to settle or release a call. Its arguments stay with the host, not here. */
export interface OpenCall {
  readonly id: string
  readonly at: number
  readonly agent: string
  readonly user: string | null
  readonly via: readonly string[]
  readonly task: string
  readonly flow: string
  readonly outcome: Outcome
  readonly reservations: readonly Reservation[]
  readonly signal: Signal
  /** May become part of the agent's baseline when it comes back well. */
  readonly clean: boolean
  /** A person gave their word for it. */
  readonly vouched?: boolean
}

/**
 * Bounds of one tenant. A call that would pass them is refused (`overloaded`); nothing that speaks against anybody is
 * dropped to make room.
 */
export const STATE_LIMITS = {
  agents: 250_000,
  tasks: 200_000,
  calls: 10_000,
  approvals: 10_000,
  approvalsPerAgent: 32,
  /** Errands that remember what they have read; the others know that they forgot. */
  readingFlows: 4000,
  usedTools: 512,
  trend: 32,
  savedBaselines: 8,
  logged: 1024,
  stains: 16_384,
} as const

/** A new task needs room that only expired ones can make. */
export function isCrowded({ tasks }: Live, task: string): boolean {
  return tasks.size >= STATE_LIMITS.tasks && !tasks.has(task)
}

/** An implicit task begins anew after this long without a call, or after this long at all. */
export const ROLLOVER = { idle: 30 * 60_000, age: 8 * 3_600_000 } as const
/** Labels of an implicit task are kept this long after its last call. */
export const FLOW_KEPT_MS = 7 * 24 * 3_600_000

export function createState(settings: Partial<EngineSettings> = {}): EngineState {
  return { settings: { ...DEFAULT_SETTINGS, ...settings }, tenants: new Map() }
}

/** The tenant's state, made when absent. Only `control`, `apply` and restore may make one; questions must not. */
export function tenantState(state: EngineState, tenant: string): TenantState {
  let found = state.tenants.get(tenant)
  if (found === undefined) {
    found = { tenant, directory: emptyDirectory(), live: emptyLive(), capture: null }
    state.tenants.set(tenant, found)
  }
  return found
}

export function emptyDirectory(): Directory {
  return {
    epochs: new Map(),
    agents: new Map(),
    servers: new Map(),
    tools: new Map(),
    tasks: new Map(),
    delegations: new Map(),
    approvals: new Map(),
    policy: null,
    users: new Map(),
    elevations: new Map(),
    relations: null,
    heard: new Map(),
    revision: null,
  }
}

export function emptyLive(): Live {
  return {
    seq: 0,
    sweptAt: 0,
    agents: new Map(),
    tasks: new Map(),
    spent: new Map(),
    flows: new Map(),
    calls: new Map(),
    peers: new Map(),
    queries: new Map(),
    arrivals: new Map(),
    kinds: new Map(),
    forms: new Map(),
    breadths: new Map(),
    streams: new Map(),
    logged: new Map(),
    stains: new Map(),
  }
}

export function emptyAgent(at: number): AgentLive {
  return {
    risk: emptyRisk(),
    trust: initialTrust(at),
    composition: { approved: '', current: '' },
    used: new Map(),
    challengedAt: null,
    settled: 0,
    lastAt: at,
    assurance: 'declared',
    trend: [],
    saved: [],
    cold: null,
  }
}

/** Labels of implicit tasks hang on agent and user. */
export function flowKey(task: string, implicit: boolean, agent: string, user: string | null): string {
  return implicit ? JSON.stringify([agent, user]) : task
}

/** One approval stands for one task, agent, tool and exact arguments. */
export function bindingKey(of: {
  readonly task: string
  readonly agent: string
  readonly server: string
  readonly tool: string
  readonly argsDigest: string
}): string {
  return JSON.stringify([of.task, of.agent, of.server, of.tool, of.argsDigest])
}
