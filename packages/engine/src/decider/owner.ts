/**
 * What the parts of the decider share: the state and who may change it, the records, the calls under way. One per
 * process; `decider.ts` makes it and closes it.
 * @module
 */
import type { CallRequest, CallResult, Decision } from '@safeconduct/protocol'
import { apply } from '../apply.ts'
import type { EngineEvent } from '../events.ts'
import type { KnownTool } from '../integrity/catalogue.ts'
import type { PolicyEngine } from '../policy/engine.ts'
import type { Shadow } from '../policy/try/index.ts'
import type {
  Bus,
  Clock,
  Ids,
  Intelligence,
  Keyring,
  LedgerPort,
  NetworkLookup,
  RelationFacts,
  RelationQuestion,
  Settled,
  Store,
} from '../ports.ts'
import { createJournal, type Journal } from '../record/journal.ts'
import { createPseudonyms, type Pseudonyms } from '../record/pseudonyms.ts'
import { createRefusals, type Refusals } from '../record/refusals.ts'
import { createSummaries, type Summaries } from '../record/summaries.ts'
import { isSaveDue } from '../risk/learning/saving.ts'
import { assess } from '../risk/score.ts'
import {
  type AgentLive,
  createState,
  type EngineSettings,
  type EngineState,
  type TenantState,
} from '../state.ts'
import { createHeat, type Heat } from './heat.ts'

export interface DeciderPorts {
  readonly clock: Clock
  readonly ids: Ids
  readonly store: Store
  readonly ledger: LedgerPort
  readonly keyring: Keyring
  readonly bus: Bus
  readonly policyEngine: PolicyEngine
  readonly settings?: Partial<EngineSettings>
  /**
   * Relations kept by another server: fetches what a call needs, all at one revision, before its turn. Left out where
   * they are in memory. A failure leaves the facts missing, so policies that need them err and deny.
   */
  readonly fetchRelations?: (tenant: string, needed: readonly RelationQuestion[]) => Promise<RelationFacts>
  /** What is known of network addresses; left out where nothing is. */
  readonly networks?: NetworkLookup
  /** Lists of known bad addresses; left out where there are none. */
  readonly intelligence?: Intelligence
  /**
   * A stored record could not be taken in at the start: it is as if it were not there, so what needs it is denied. Kinds
   * are those of control events (`policy`, `tool`, `server`, …).
   */
  readonly onQuarantined?: (part: {
    readonly kind: string
    readonly id: string
    readonly cause: unknown
  }) => void
  /** Runs a job once others have had their turn; at once when left out. */
  readonly later?: (job: () => void) => void
  /** Resolves when summaries that wait for company should be written; at once when left out. */
  readonly gather?: () => Promise<void>
}

/** A call that was let through and has no durable outcome yet. */
export interface Flight {
  readonly request: CallRequest
  readonly decision: Decision
  readonly tool: KnownTool | null
  readonly intentIndex: number
  /** What the outcome did to the state; computed once, so that settling again after a failure changes nothing. */
  outcome: KeptOutcome | null
  settling: Promise<KeptReceipt> | null
}

/** A receipt, and of which outcome it is (`outcomeOf`). */
export interface KeptReceipt {
  readonly settled: Settled
  readonly of: string
}

/** What is kept of an outcome, and what it does to the state. */
export interface KeptOutcome {
  readonly result: Omit<CallResult, 'text' | 'structured'>
  readonly events: readonly EngineEvent[]
}

export interface Owner {
  readonly ports: DeciderPorts
  readonly state: EngineState
  readonly journal: Journal
  readonly pseudonyms: Pseudonyms
  readonly summaries: Summaries
  readonly refusals: Refusals
  /** By call id. */
  readonly flights: Map<string, Flight>
  /** Ids under way before they are flights, so that one id is one call. */
  readonly taken: Set<string>
  /** Receipts of settled calls, the latest ones. */
  readonly settled: Map<string, KeptReceipt>
  /** Work that `close` waits for. */
  readonly working: Set<Promise<unknown>>
  readonly position: Position
  /** Snapshots are written one after the other. */
  readonly snapshots: Queue
  readonly later: (job: () => void) => void
  /** Which agents are in memory whole. */
  readonly heat: Heat
  /** Agents whose baseline is to be saved, by tenant and id. */
  readonly unsaved: Map<string, { readonly tenant: string; readonly agent: string }>
  /** Candidates beside the policies that rule, by tenant. */
  readonly shadows: Map<string, Shadow>
  /** A replay of recorded decisions is under way. */
  replaying: boolean
  closing: boolean
}

export function createOwner(ports: DeciderPorts): Owner {
  const { store, ledger, keyring } = ports
  const pseudonyms = createPseudonyms({ blobs: store.blobs, keyring })
  return {
    ports,
    state: createState(ports.settings),
    journal: createJournal({ ledger, keyring, pseudonyms }),
    pseudonyms,
    summaries: createSummaries(store, ports.gather),
    refusals: createRefusals(),
    flights: new Map(),
    taken: new Set(),
    settled: new Map(),
    working: new Set(),
    position: createPosition(ledger.size),
    snapshots: createQueue(),
    later: ports.later ?? ((job) => job()),
    heat: createHeat(),
    unsaved: new Map(),
    shadows: new Map(),
    replaying: false,
    closing: false,
  }
}

/** Risk that moved by less is not worth telling. */
const TOLD_RISK = 5

/** Applies the events of a turn; says aloud when a trust level changes, or the risk that is remembered. */
export function commit(owner: Owner, tenant: TenantState, events: readonly EngineEvent[]): void {
  const { bus } = owner.ports
  for (const event of events) {
    const agent = 'agent' in event ? event.agent : null
    const before = agent === null ? undefined : tenant.live.agents.get(agent)
    const at = 'at' in event ? event.at : 0
    const level = before?.trust.level
    const from = before === undefined ? 0 : riskOfAgent(before, at)
    apply(tenant, event)
    const after = agent === null ? undefined : tenant.live.agents.get(agent)
    if (agent === null || level === undefined || after === undefined) continue
    if (event.type === 'turn' && isSaveDue(after, at))
      owner.unsaved.set(JSON.stringify([tenant.tenant, agent]), { tenant: tenant.tenant, agent })
    const to = riskOfAgent(after, at)
    if (Math.abs(to - from) >= TOLD_RISK)
      bus.publish({ type: 'risk', tenant: tenant.tenant, agent, at, from, to })
    const { trust } = after
    if (trust.level === level) continue
    bus.publish({ type: 'trust', tenant: tenant.tenant, agent, from: level, to: trust.level, why: trust.why })
  }
}

function riskOfAgent({ risk }: AgentLive, at: number): number {
  return Math.round(assess(risk, [], at).before)
}

/** Keeps `close` waiting for the work; its failure stays with whoever awaits it. */
export function track<T>(owner: Owner, work: Promise<T>): Promise<T> {
  const quiet = work.then(
    () => undefined,
    () => undefined,
  )
  owner.working.add(quiet)
  void quiet.then(() => owner.working.delete(quiet))
  return work
}

// ── Where a replay has to begin ──────────────────────────────────────────────────────────────────────────────

/** Entries before `from()` are durable, and the state and the summaries know of them. */
export interface Position {
  /** Follows one append, and what has to be noted of it before it counts. */
  follow<T extends { readonly index: number }>(append: Promise<T>): Promise<T>
  from(): number
  /** Entries acknowledged since the start. */
  readonly written: number
}

function createPosition(size: number): Position {
  // Lower bounds of the indexes that entries under way can get.
  const underWay = new Map<symbol, number>()
  let next = size
  let written = 0
  return {
    async follow(append) {
      const mark = Symbol()
      underWay.set(mark, next)
      try {
        const appended = await append
        next = Math.max(next, appended.index + 1)
        written++
        return appended
      } finally {
        underWay.delete(mark)
      }
    },
    from: () => Math.min(next, ...underWay.values()),
    get written() {
      return written
    },
  }
}

/** One piece of work at a time, in order; a failure does not stop the next one. */
export type Queue = <T>(work: () => Promise<T>) => Promise<T>

export function createQueue(): Queue {
  let last: Promise<unknown> = Promise.resolve()
  return (work) => {
    const mine = last.then(work, work)
    last = mine.catch(() => undefined)
    return mine
  }
}
