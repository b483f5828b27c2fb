/**
 * The decider: owner of the engine's state and host of its steps. Every call is one synchronous turn (`decide`, `apply`,
 * the intent handed to the ledger); everything that waits comes before or after it.
 *
 * What must hold:
 * - no record, no effect: `prepare` resolves with `forward` only when the intent is durable, and the use of an approval;
 * - labels before release: `settle` applies what an outcome teaches before it resolves;
 * - a turn is never cut: nothing is awaited between reading the state and changing it.
 * @module
 */
import {
  type CallRequest,
  type Decision,
  type JsonObject,
  type PolicyVersion,
  SafeconductError,
} from '@safeconduct/protocol'
import { type SchemaParts, schemaParts } from './checks/schema-parts.ts'
import { decideBriefly } from './decide.ts'
import { explain, receipt, standingOf } from './decider/explain.ts'
import { awake, evict, takeStock } from './decider/heat.ts'
import { informed } from './decider/informed.ts'
import { pin, visible } from './decider/listing.ts'
import { located } from './decider/located.ts'
import { commit, createOwner, createQueue, type DeciderPorts, type Owner, track } from './decider/owner.ts'
import { createPeople, type People, saveDue } from './decider/people.ts'
import { prepare } from './decider/prepare.ts'
import { appendOutcome, settle, unknownResult } from './decider/settle.ts'
import { policyReceipt, type ReplayRequest, replayRecords, shadowOf } from './decider/trials.ts'
import {
  applyControl,
  drainOutbox,
  recordFloods,
  snapshot,
  snapshotInterval,
  takeIn,
} from './decider/upkeep.ts'
import { directoryEvents } from './directory.ts'
import { type ElevationQuestion, type ElevationRuling, ruleOnElevation } from './elevation/index.ts'
import type { ReplayProgress, ReplayReport, ShadowReport } from './policy/try/index.ts'
import type { ControlEvent, Decider } from './ports.ts'
import { replay } from './record/replay.ts'
import { tenantState } from './state.ts'

export type { DeciderPorts } from './decider/owner.ts'

export interface EngineDecider extends Decider {
  /** Moves what the store's transactions left in the outbox into the ledger. Also done by `control` and at the end. */
  drainOutbox(): Promise<void>
  /** What policies of the tenant are validated against, for `createChecks`. */
  schemaParts(tenant: string): SchemaParts
  /** A rule, a person or nobody: who decides about a role for one errand. Moves nothing. */
  ruleOnElevation(question: ElevationQuestion): ElevationRuling
  /**
   * Puts recorded decisions to a candidate, which was checked before; yields progress, returns what would change.
   * @throws {SafeconductError} `policy_invalid`, `overloaded`, `ledger_corrupt`
   */
  replayPolicy(tenant: string, request: ReplayRequest): AsyncGenerator<ReplayProgress, ReplayReport>
  /** What the candidate in the shadow would have decided otherwise; null when there is none. */
  shadow(tenant: string): ShadowReport | null
  /** What people do about what was learned of an agent. */
  readonly people: People
  /** Receipt of the entry that tells when, by whom and with which digest a version was activated; null = none yet. */
  policyReceipt(tenant: string, version: PolicyVersion): Promise<JsonObject | null>
}

/** A decider that knows nothing yet: unknown is revoked, no policy is denied. Hosts use `openDecider`. */
export function createDecider(ports: DeciderPorts): EngineDecider {
  return deciderOf(createOwner(ports))
}

/**
 * Rebuilds the state (snapshot, ledger, store) and closes what a crash left open: calls without an outcome get
 * `unknown`.
 * @throws what store, ledger and keyring throw; nothing is served then
 */
export async function openDecider(ports: DeciderPorts): Promise<EngineDecider> {
  const owner = createOwner(ports)
  await replay(owner.state, { ...ports, pseudonyms: owner.pseudonyms, summaries: owner.summaries })
  // The store is the truth of approvals; a replay may have met older ones.
  for (const { directory } of owner.state.tenants.values()) directory.approvals.clear()
  for await (const event of directoryEvents(ports.store, ports.clock.now())) loadControl(owner, event)
  await takeStock(owner.heat, owner.state, ports.store)
  await closeOpenCalls(owner)
  await drainOutbox(owner)
  return deciderOf(owner)
}

/**
 * At start a record that cannot be read is no reason to stop: it is unknown, and what is unknown is denied. A tenant
 * whose policy cannot be read has none. What fails once it was read is a fault of ours, and nothing starts.
 */
function loadControl(owner: Owner, event: ControlEvent): void {
  const carry = readIn(owner, event)
  carry?.()
}

function readIn(owner: Owner, event: ControlEvent): (() => void) | null {
  try {
    return takeIn(owner, event)
  } catch (cause) {
    owner.ports.onQuarantined?.({ kind: event.type, id: recordOf(event), cause })
    return null
  }
}

/** Of the record that an event at the start carries. */
function recordOf(event: ControlEvent): string {
  if (event.type === 'policy' || event.type === 'shadow') return event.version?.id ?? ''
  const record: unknown = Object.entries(event).find(([name]) => name === event.type)?.[1]
  const id = typeof record === 'object' && record !== null && 'id' in record ? record.id : ''
  return typeof id === 'string' ? id : ''
}

async function closeOpenCalls(owner: Owner): Promise<void> {
  const { ports, journal } = owner
  for (const tenant of owner.state.tenants.values()) {
    for (const call of [...tenant.live.calls.values()]) {
      const parties = { tenant: tenant.tenant, agent: call.agent, user: call.user, via: call.via }
      const at = ports.clock.now()
      const {
        text: _text,
        structured: _structured,
        ...result
      } = unknownResult('The daemon stopped during the call.')
      const events = [{ type: 'settled', id: call.id, at, status: result.status, flow: null } as const]
      await journal.ready(parties)
      commit(owner, tenant, events)
      await appendOutcome(owner, tenant, { id: call.id, at, parties }, { result, events })
    }
  }
}

function deciderOf(owner: Owner): EngineDecider {
  const pinning = createQueue()
  const outbox = createQueue()
  const saving = createQueue()
  let snapshotAt = snapshotInterval(owner)
  let closed: Promise<void> | null = null

  /** After calls, never before: what can wait. */
  function upkeep(): void {
    void track(owner, recordFloods(owner, false)).catch(() => undefined)
    void track(owner, evict(owner)).catch(() => undefined)
    void track(
      owner,
      saving(() => saveDue(owner)),
    ).catch(() => undefined)
    if (owner.position.written < snapshotAt) return
    snapshotAt = owner.position.written + snapshotInterval(owner)
    void track(owner, snapshotAll()).catch(() => undefined)
  }

  async function snapshotAll(): Promise<void> {
    for (const tenant of owner.state.tenants.keys()) await snapshot(owner, tenant)
  }

  function drain(): Promise<void> {
    return track(
      owner,
      outbox(() => drainOutbox(owner)),
    )
  }

  async function shut(): Promise<void> {
    owner.closing = true
    await idle(owner)
    for (const id of [...owner.flights.keys()]) {
      await settle(owner, id, unknownResult('The daemon stopped during the call.')).catch(() => undefined)
    }
    await recordFloods(owner, true).catch(() => undefined)
    await drain().catch(() => undefined)
    await idle(owner)
    await snapshotAll()
    await owner.summaries.flush()
  }

  return {
    async prepare(request) {
      if (owner.closing) throw new SafeconductError('shutting_down')
      try {
        return await track(owner, prepare(owner, whole(owner, request)))
      } finally {
        upkeep()
      }
    },
    settle: (id, result) => track(owner, settle(owner, id, result)),
    dry: (request) => dry(owner, request),
    async list(request, definitions) {
      if (owner.closing) throw new SafeconductError('shutting_down')
      const { pins, told } = await track(
        owner,
        pinning(() => pin(owner, request, definitions)),
      )
      if (told) void drain().catch(() => undefined)
      const asked = whole(owner, request)
      const { tenant, agent, via } = request.grant
      return awake(owner, tenant, [agent, ...via], async () => visible(owner, asked, definitions, pins))
    },
    control(event) {
      applyControl(owner, event)
      // What a server said comes from no transaction of the store.
      if (event.type !== 'heard') void drain().catch(() => undefined)
    },
    standing: (tenant, agent) => standingOf(owner, tenant, agent),
    explain: (tenant, id) => explain(owner, tenant, id),
    receipt: (tenant, id) => receipt(owner, tenant, id),
    drainOutbox: drain,
    schemaParts: (tenant) => schemaParts(tenantState(owner.state, tenant).directory),
    ruleOnElevation: (question) => ruleOnElevation(owner.state, question),
    replayPolicy: (tenant, request) => replayRecords(owner, tenant, request),
    shadow: (tenant) => shadowOf(owner, tenant),
    policyReceipt: (tenant, version) => policyReceipt(owner, tenant, version),
    people: createPeople(owner),
    close() {
      closed ??= shut()
      return closed
    },
  }
}

/** The question with what the host knows of its addresses. */
function whole({ ports }: Owner, request: CallRequest): CallRequest {
  return informed(located(request, ports.networks), ports.intelligence)
}

/** The same question gets the same answer: nothing is opened, so no approval is named that nobody could decide. */
function dry(owner: Owner, request: CallRequest): Decision {
  const { decision, opened } = decideBriefly(owner.state, whole(owner, request))
  return opened === null ? decision : { ...decision, approval: null }
}

async function idle(owner: Owner): Promise<void> {
  while (owner.working.size > 0) await Promise.all(owner.working)
}
