/**
 * `prepare`: one turn, then the intent, then the answer.
 * @module
 */
import {
  type Approval,
  type CallRequest,
  type Decision,
  type DecisionSummary,
  SafeconductError,
  toSafeconductError,
} from '@safeconduct/protocol'
import { type Decided, decideBriefly } from '../decide.ts'
import { meetOnArguments } from '../decision/obligations.ts'
import { isAlive } from '../delegation/delegate.ts'
import type { KnownTool } from '../integrity/catalogue.ts'
import { toolId } from '../integrity/pins.ts'
import { neededRelations } from '../policy/relations.ts'
import { type KeptQuestion, keptQuestion } from '../policy/try/question.ts'
import type { Prepared, RelationFacts } from '../ports.ts'
import { partiesOf } from '../record/journal.ts'
import { summaryOf } from '../record/replay.ts'
import { bindingKey, STATE_LIMITS, type TenantState } from '../state.ts'
import { expireApprovals } from './approvals.ts'
import { awake } from './heat.ts'
import { commit, type Owner } from './owner.ts'
import { abandonCalls, appendOutcome } from './settle.ts'
import { observe } from './trials.ts'

export async function prepare(owner: Owner, request: CallRequest): Promise<Prepared> {
  const { id } = request
  if (owner.taken.has(id) || owner.flights.has(id) || owner.settled.has(id))
    throw new SafeconductError('conflict')
  owner.taken.add(id)
  try {
    await owner.journal.ready(partiesOf(request))
    if (owner.closing) throw new SafeconductError('shutting_down')
    const relations = await fetched(owner, request)
    const { tenant, agent, via } = request.grant
    return await awake(owner, tenant, [agent, ...via], () => take(owner, request, relations))
  } finally {
    owner.taken.delete(id)
  }
}

/** What the call needs of relations that are kept elsewhere. */
async function fetched({ ports, state }: Owner, request: CallRequest): Promise<RelationFacts | undefined> {
  if (ports.fetchRelations === undefined) return undefined
  const needed = neededRelations(state, request)
  if (needed.length === 0) return undefined
  return ports.fetchRelations(request.grant.tenant, needed).catch(() => undefined)
}

/** Synchronous up to the first await: state, reservation and order of the ledger are settled by then. */
async function take(owner: Owner, request: CallRequest, relations?: RelationFacts): Promise<Prepared> {
  const tenant = owner.state.tenants.get(request.grant.tenant)
  if (tenant !== undefined) makeRoom(owner, tenant, request.at)
  const brief = decideBriefly(owner.state, request, relations)
  if (tenant === undefined || isCoalesced(owner, request, brief)) {
    return { decision: brief.decision, forward: false, operation: null }
  }
  const decided = brief.explained()
  const refused: Prepared = { decision: decided.decision, forward: false, operation: null }
  const question = questionOf(tenant, request, decided)
  commit(owner, tenant, decided.events)
  const { decision } = decided
  const tool = toolNow(tenant, request)
  const { grant, operation } = request
  const append = owner.journal
    .intent(tenant, request, decision, decided.events, question)
    .then(({ index }) => {
      const summary = summaryOf(grant, operation, decision, index)
      owner.summaries.add(summary)
      return { index, summary }
    })
  const intent = owner.position.follow(append)
  const stored = storeApproval(owner, decided)
  const [recorded, kept] = await Promise.allSettled([intent, stored])
  if (recorded.status === 'rejected' || kept.status === 'rejected') {
    await undo(owner, tenant, request, decided, recorded.status === 'fulfilled')
    const reason: unknown =
      recorded.status === 'rejected' ? recorded.reason : kept.status === 'rejected' ? kept.reason : null
    throw toSafeconductError(reason, recorded.status === 'rejected' ? 'ledger_unavailable' : 'internal')
  }
  const { index, summary } = recorded.value
  if (decided.forward && !isAlive(tenant, { ...request, at: owner.ports.clock.now() })) {
    // Ended while the intent was on its way to the disk: it does not go out on a grant that is dead by now.
    await undo(owner, tenant, request, decided, true)
    throw new SafeconductError('revoked')
  }
  if (decided.forward) {
    owner.flights.set(request.id, {
      request,
      decision,
      tool,
      intentIndex: index,
      outcome: null,
      settling: null,
    })
  }
  publish(owner, request.at, decided, summary)
  observe(owner, request, decided, question)
  return decided.forward ? { decision, forward: true, operation: decidedValue(request, decision) } : refused
}

/** With the entities of this turn, so that other policies can be asked the same later. */
function questionOf(
  { directory }: TenantState,
  { operation }: CallRequest,
  { posed, askable }: Decided,
): KeptQuestion | null {
  if (posed === null) return null
  return keptQuestion(posed, directory.policy?.compiled ?? null, { operation, askable })
}

/** What is forwarded: the value that was decided, after the obligations that change arguments. */
function decidedValue({ operation }: CallRequest, { obligations }: Decision): CallRequest['operation'] {
  const args = meetOnArguments(operation.args, obligations)
  return args === operation.args ? operation : { ...operation, args }
}

/** The tool as it was decided on: what comes back is read with the same roles, whatever changes meanwhile. */
function toolNow({ directory }: TenantState, { operation }: CallRequest): KnownTool | null {
  if (operation.kind !== 'tool' || operation.name === null) return null
  return directory.tools.get(toolId(operation.server, operation.name)) ?? null
}

/** Only where a table is full: what is over goes, so that new calls find room. */
function makeRoom(owner: Owner, tenant: TenantState, at: number): void {
  if (tenant.live.calls.size >= STATE_LIMITS.calls) abandonCalls(owner, tenant, at)
  if (tenant.directory.approvals.size >= STATE_LIMITS.approvals) expireApprovals(owner, tenant.tenant, at)
}

/** A refusal beyond the agent's quota is counted and moves nothing: it has no effect, so it needs no record of its own. */
function isCoalesced(owner: Owner, request: CallRequest, decided: Decided): boolean {
  if (decided.forward || decided.opened !== null) return false
  const { grant, at } = request
  return !owner.refusals.admit(grant.tenant, grant.agent, decided.decision.code ?? 'denied', at)
}

/** Durable before the answer: an opened approval can be decided, a used one cannot be used again. */
async function storeApproval({ ports: { store } }: Owner, { opened, used }: Decided): Promise<void> {
  if (opened !== null) await store.approvals.insert(opened)
  if (used !== null) await store.approvals.replace({ ...used, status: 'used', version: used.version + 1 })
}

/** The call does not go out. A used approval stays used: whether it was written is not known. */
async function undo(
  owner: Owner,
  tenant: TenantState,
  request: CallRequest,
  { opened, forward, decision }: Decided,
  recorded: boolean,
): Promise<void> {
  const { ports } = owner
  if (opened !== null) {
    const key = bindingKey(opened)
    if (tenant.directory.approvals.get(key)?.id === opened.id) tenant.directory.approvals.delete(key)
    await ports.store.approvals.remove(opened.tenant, opened.id).catch(() => undefined)
  }
  if (!forward) return
  commit(owner, tenant, [{ type: 'released', id: decision.id }])
  if (!recorded) return
  // The ledger says that the call would go out; it has to say that it did not.
  const call = { id: decision.id, at: ports.clock.now(), parties: partiesOf(request) }
  const result = { status: 'cancelled', digest: '', bytes: 0, error: 'The call was not let out.' } as const
  const events = [{ type: 'released', id: decision.id } as const]
  await appendOutcome(owner, tenant, call, { result, events }).catch(() => undefined)
}

function publish(
  owner: Owner,
  at: number,
  { decision, opened, used }: Decided,
  summary: DecisionSummary,
): void {
  const { bus } = owner.ports
  bus.publish({ type: 'decision', tenant: decision.tenant, decision, summary })
  const change: Approval | null =
    opened ?? (used === null ? null : { ...used, status: 'used', version: used.version + 1 })
  if (change === null) return
  bus.publish({ type: 'approval', tenant: decision.tenant, approval: change })
  expireApprovals(owner, decision.tenant, at)
}
