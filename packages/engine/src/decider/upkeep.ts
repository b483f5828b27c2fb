/**
 * Beside the calls: changes of the directory, the outbox, floods of refusals, snapshots.
 * @module
 */
import {
  type EpochKind,
  type JsonObject,
  type TrustLevel,
  toSafeconductError,
  trustRank,
} from '@safeconduct/protocol'
import { control } from '../control.ts'
import type { EngineEvent } from '../events.ts'
import type { ControlEvent } from '../ports.ts'
import type { PolicyFacts } from '../record/entry.ts'
import { agentSubject, userSubject } from '../record/pseudonyms.ts'
import { writeSnapshot } from '../record/snapshots.ts'
import { capture } from '../snapshot.ts'
import { type TenantState, tenantState } from '../state.ts'
import { eraseBodies, takeFreed } from './heat.ts'
import { commit, type Owner, track } from './owner.ts'
import { setShadow } from './trials.ts'

/**
 * Carries a change into memory at once, and what it did to the live state into the ledger behind it.
 * @throws {SafeconductError} `policy_invalid`; the tenant then has no policy, so everything is denied
 */
export function applyControl(owner: Owner, event: ControlEvent): void {
  takeIn(owner, event)()
}

/**
 * Reads the record of a change into the directory; what is returned does what it means for everything else.
 * @throws what reading it throws; what it was before is unknown then
 */
export function takeIn(owner: Owner, event: ControlEvent): () => void {
  const at = owner.ports.clock.now()
  if (event.type === 'shadow') setShadow(owner, event.tenant, event.version)
  const ended = endedBy(owner, event)
  const capped = cappedBy(owner, event)
  const { tenant, events } = control(owner.state, owner.ports.policyEngine, event, at)
  return () => carriedIn(owner, event, { tenant, events, ended, capped, at })
}

interface Change {
  readonly tenant: TenantState
  readonly events: readonly EngineEvent[]
  readonly ended: ReturnType<typeof endedBy>
  readonly capped: ReturnType<typeof cappedBy>
  readonly at: number
}

function carriedIn(owner: Owner, event: ControlEvent, { tenant, events, ended, capped, at }: Change): void {
  commit(owner, tenant, events)
  // Whoever revoked, and on whatever path: what stands open under the old number is to be ended now.
  if (ended !== null) owner.ports.bus.publish({ type: 'revoked', tenant: tenant.tenant, ...ended })
  if (capped !== null) owner.ports.bus.publish({ type: 'trust', tenant: tenant.tenant, ...capped })
  if (events.length > 0)
    void track(owner, recordControl(owner, tenant, events, event.type, at)).catch(() => undefined)
  if (event.type === 'erased') {
    owner.pseudonyms.forget(event.tenant, userSubject(event.user))
    void track(owner, snapshot(owner, event.tenant)).catch(() => undefined)
  }
}

/** What a raised epoch revokes; a number heard of for the first time revokes nothing. */
function endedBy({ state }: Owner, event: ControlEvent): { kind: EpochKind; id: string } | null {
  if (event.type !== 'epoch') return null
  const { kind, id, epoch } = event.ref
  const known = state.tenants.get(event.tenant)?.directory.epochs.get(kind)?.get(id)
  return known !== undefined && epoch > known ? { kind, id } : null
}

/** A person lowered what an agent may at most: what stands open is looked at again. */
function cappedBy(
  { state }: Owner,
  event: ControlEvent,
): { agent: string; from: TrustLevel; to: TrustLevel; why: string } | null {
  if (event.type !== 'agent') return null
  const { tenant, id, trustCeiling } = event.agent
  const from = state.tenants.get(tenant)?.directory.agents.get(id)?.trustCeiling ?? 'elevated'
  if (trustCeiling === null || trustRank(trustCeiling) >= trustRank(from)) return null
  return { agent: id, from, to: trustCeiling, why: `A person set the ceiling ${trustCeiling}.` }
}

/**
 * A record that is lost leaves the more careful state at a restart: resets are gone, changes are found again. Written in
 * the turn of the change when the tenant's key is in memory, so that the ledger keeps the order of turns.
 */
async function recordControl(
  owner: Owner,
  tenant: TenantState,
  events: readonly EngineEvent[],
  kind: string,
  at: number,
): Promise<void> {
  const id = owner.ports.ids.next()
  // What happened is in the events; an erasure must not write down whom it erased.
  const written = events.filter((event) => event.type !== 'erased')
  const append = () =>
    owner.position.follow(owner.journal.control(tenant, { id, at, kind, body: { type: kind } }, written))
  try {
    await append()
  } catch (error) {
    if (toSafeconductError(error).code !== 'internal') throw error
    await owner.journal.readyTenant(tenant.tenant)
    await append()
  }
}

const BATCH = 100

/** Moves events of the store's transactions into the ledger, in order, each once. */
export async function drainOutbox(owner: Owner): Promise<void> {
  const { store, clock } = owner.ports
  for (;;) {
    const rows = await store.outbox.take(BATCH)
    const last = rows.at(-1)
    if (last === undefined) return
    for (const row of rows) {
      const tenant = tenantState(owner.state, row.tenant)
      if (tenant.live.logged.has(row.id)) continue
      await owner.journal.readyTenant(row.tenant)
      const policy = await policyFacts(owner, row.tenant, row.event)
      const at = clock.now()
      const logged: EngineEvent = { type: 'logged', id: row.id, at }
      commit(owner, tenant, [logged])
      const entry = { id: row.id, at, kind: kindOf(row.event), body: row.event }
      try {
        await owner.position.follow(owner.journal.control(tenant, entry, [logged], policy))
      } catch (error) {
        tenant.live.logged.delete(row.id)
        throw error
      }
    }
    await store.outbox.done(last.seq)
    if (rows.length < BATCH) return
  }
}

/** Which policy an event tells of; a person stands in the ledger under a pseudonym only. */
async function policyFacts(
  { pseudonyms, ports }: Owner,
  tenant: string,
  event: JsonObject,
): Promise<PolicyFacts | undefined> {
  const { policy, digest, by } = event
  if (typeof policy !== 'string' || typeof digest !== 'string' || typeof by !== 'string') return undefined
  if ((await ports.store.users.get(tenant, by)) === null) return { version: policy, digest, by }
  const subject = userSubject(by)
  await pseudonyms.ready(tenant, [subject])
  return { version: policy, digest, by: pseudonyms.of(tenant, subject) }
}

function kindOf(event: JsonObject): string {
  const name = event.event ?? event.type
  return typeof name === 'string' ? name.slice(0, 64) : 'event'
}

export async function recordFloods(owner: Owner, all: boolean): Promise<void> {
  const at = owner.ports.clock.now()
  for (const flood of owner.refusals.due(at, all)) {
    await owner.pseudonyms.ready(flood.tenant, flood.agent === '' ? [] : [agentSubject(flood.agent)])
    await owner.position.follow(owner.journal.refusals(flood, owner.ports.ids.next(), at))
  }
}

/** Entries after which a snapshot is worth its cost. */
const SNAPSHOT_EVERY = 5000
/** Writing one member of the state costs about as much as replaying this many entries less at the next start. */
const ENTRIES_PER_MEMBER = 4

/** Entries until the next snapshot: its cost grows with the state, so a large one is written less often. */
export function snapshotInterval({ state }: Owner): number {
  let members = 0
  for (const { live } of state.tenants.values()) members += live.agents.size + live.flows.size
  return Math.max(SNAPSHOT_EVERY, members * ENTRIES_PER_MEMBER)
}

/** One at a time: `apply` tells of changes to one capture only. */
export function snapshot(owner: Owner, tenant: string): Promise<void> {
  return owner.snapshots(() => snapshotNow(owner, tenant))
}

async function snapshotNow(owner: Owner, tenant: string): Promise<void> {
  await owner.summaries.flush()
  const { store, keyring } = owner.ports
  await owner.journal.readyTenant(tenant)
  // What the store cannot tell of yet is rebuilt from the ledger, so the replay has to begin before it.
  const from = Math.min(owner.position.from(), owner.summaries.from())
  const held = owner.state.tenants.get(tenant)
  if (held === undefined) return
  const taken = capture(held)
  const unnamed = takeFreed(owner.heat, tenant)
  try {
    await writeSnapshot({ store, keyring }, tenant, from, taken)
    await eraseBodies(store, unnamed)
  } catch (error) {
    owner.heat.freed.push(...unnamed)
    throw error
  } finally {
    taken.pieces.return()
    held.capture = null
  }
}
