/**
 * The live state at start: the last snapshot of each tenant, then the events of every later entry, in ledger order.
 * Records of an erased subject do not open and are skipped: what they did to budgets and risk since the snapshot is
 * gone with them.
 * @module
 */
import { type Decision, type DecisionSummary, type Operation, SafeconductError } from '@safeconduct/protocol'
import { apply } from '../apply.ts'
import { wakeNow } from '../decider/heat.ts'
import type { Keyring, LedgerPort, Store } from '../ports.ts'
import { type EngineState, tenantState } from '../state.ts'
import { type Attachment, decodeAttachment, type KeptRequest, MAX_KEPT_NAME } from './attachment.ts'
import { bytesDigest, type ReadEntry, readEntry } from './entry.ts'
import { agentSubject, type Pseudonyms, TENANT_SUBJECT, userSubject } from './pseudonyms.ts'
import { readSnapshot } from './snapshots.ts'
import type { Summaries } from './summaries.ts'

export interface ReplayPorts {
  readonly store: Store
  readonly ledger: LedgerPort
  readonly keyring: Keyring
  readonly pseudonyms: Pseudonyms
  readonly summaries: Summaries
}

export async function replay(state: EngineState, ports: ReplayPorts): Promise<void> {
  const tenants = new Set((await ports.store.epochs.all()).map(({ tenant }) => tenant))
  const starts = new Map<string, number>()
  for (const tenant of tenants) {
    const snapshot = await readSnapshot(ports, tenant)
    if (snapshot !== null) tenantState(state, tenant).live = snapshot.live
    starts.set(tenant, snapshot?.from ?? 0)
  }
  const from = Math.min(ports.ledger.size, ...starts.values())
  if (tenants.size === 0 || from >= ports.ledger.size) return
  const subjects = new Map<string, ReadonlyMap<string, string>>()
  for (const tenant of tenants) subjects.set(tenant, await subjectsOf(ports, tenant))
  for await (const { index, entry, attachment } of ports.ledger.entries(from, ports.ledger.size)) {
    const read = readEntry(entry)
    if (read === null || index < (starts.get(read.tenant) ?? 0)) continue
    checkAttachment(read, attachment)
    if (attachment === null) continue
    const subject = subjectOf(read, subjects.get(read.tenant))
    const opened = subject === null ? null : await ports.keyring.open(read.tenant, subject, attachment)
    const kept = opened === null ? null : decodeAttachment(opened)
    if (kept === null) continue
    await wakeFor(state, ports, read.tenant, kept)
    replayOne(state, ports.summaries, read, kept, index)
  }
}

/**
 * The ledger proves entries, not what lies beside them: an entry holds the digest of its attachment.
 * @throws {SafeconductError} `ledger_corrupt` when it is another one, or gone
 */
export function checkAttachment({ attachmentDigest }: ReadEntry, attachment: Uint8Array | null): void {
  const found = attachment === null ? null : bytesDigest(attachment)
  if (found !== attachmentDigest) throw new SafeconductError('ledger_corrupt')
}

/** What an event does to an agent it does to all of it. */
async function wakeFor(
  state: EngineState,
  ports: ReplayPorts,
  tenant: string,
  kept: Attachment,
): Promise<void> {
  const held = state.tenants.get(tenant)
  if (held === undefined || kept.seq <= held.live.seq) return
  for (const event of kept.events) {
    if ('agent' in event && held.live.agents.get(event.agent)?.cold != null)
      await wakeNow(ports, held, event.agent)
  }
}

function replayOne(
  state: EngineState,
  summaries: Summaries,
  read: ReadEntry,
  kept: Attachment,
  index: number,
): void {
  const tenant = tenantState(state, read.tenant)
  if (kept.type === 'intent') {
    summaries.add(summaryOf(kept.request, kept.request.operation, kept.decision, index))
  } else if (kept.type === 'outcome') {
    const call = read.id.slice(0, -':outcome'.length)
    summaries.settle(read.tenant, call, kept.result.status, index)
  }
  if (kept.seq <= tenant.live.seq) return
  for (const event of kept.events) apply(tenant, event)
  tenant.live.seq = kept.seq
}

/** Under whose key the attachment was sealed; null when nobody of that name is known. */
export function subjectOf(read: ReadEntry, names: ReadonlyMap<string, string> | undefined): string | null {
  if (read.chain === null) return TENANT_SUBJECT
  return names?.get(read.chain.user ?? read.chain.agent) ?? null
}

/** Subjects of a tenant by pseudonym. */
export async function subjectsOf(
  { store, pseudonyms }: Pick<ReplayPorts, 'store' | 'pseudonyms'>,
  tenant: string,
): Promise<ReadonlyMap<string, string>> {
  const users = await all((after) => store.users.list(tenant, after))
  const agents = await all((after) => store.agents.list(tenant, after))
  const subjects = [...users.map(({ id }) => userSubject(id)), ...agents.map(({ id }) => agentSubject(id))]
  const names = new Map<string, string>()
  for (const subject of subjects) {
    await pseudonyms.ready(tenant, [subject])
    names.set(pseudonyms.of(tenant, subject), subject)
  }
  return names
}

const PAGE = 1000

export async function all<T extends { readonly id: string }>(
  page: (page: { limit: number; after?: string }) => Promise<T[]>,
): Promise<T[]> {
  const found: T[] = []
  for (;;) {
    const last = found.at(-1)
    const next = await page({ limit: PAGE, ...(last === undefined ? {} : { after: last.id }) })
    found.push(...next)
    if (next.length < PAGE) return found
  }
}

export function summaryOf(
  { agent, user, task }: Pick<KeptRequest, 'agent' | 'user' | 'task'>,
  operation: Operation,
  decision: Decision,
  intentIndex: number,
): DecisionSummary {
  return {
    tenant: decision.tenant,
    id: decision.id,
    version: 1,
    at: decision.at,
    agent,
    user,
    task,
    server: operation.server,
    tool: (operation.name ?? operation.method).slice(0, MAX_KEPT_NAME),
    outcome: decision.outcome,
    trust: decision.trust,
    risk: decision.risk,
    code: decision.code,
    result: null,
    intentIndex,
    outcomeIndex: null,
  }
}
