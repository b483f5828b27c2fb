/**
 * `settle`: what came back goes into the state and the ledger before anybody sees it.
 *
 * What must hold: a call has one outcome. Whoever comes with another one (an answer that came after the call was given up)
 * is refused: what it brought has no labels, so it must not be released.
 * @module
 */
import { type CallResult, SafeconductError, toSafeconductError } from '@safeconduct/protocol'
import { touch } from '../bounded.ts'
import type { EngineEvent } from '../events.ts'
import { emptyFlow, type FlowEvent, observe } from '../flow/index.ts'
import { methodEntry } from '../integrity/catalogue.ts'
import type { Settled } from '../ports.ts'
import { MAX_ATTACHMENT_BYTES } from '../record/attachment.ts'
import { type Parties, partiesOf } from '../record/journal.ts'
import type { TenantState } from '../state.ts'
import { commit, type Flight, type KeptOutcome, type KeptReceipt, type Owner } from './owner.ts'

/** Characters of an error kept. */
const MAX_ERROR = 4096
/** Receipts kept for a repeated `settle`; older ones are found in the store. */
const KEPT = 10_000

export async function settle(owner: Owner, id: string, result: CallResult): Promise<Settled> {
  const flight = owner.flights.get(id)
  if (flight === undefined) return settledBefore(owner, id, result)
  flight.settling ??= settleFlight(owner, id, flight, result).finally(() => {
    flight.settling = null
  })
  const { settled, of } = await flight.settling
  if (of !== outcomeOf(result)) throw anotherOutcome()
  return settled
}

function outcomeOf({ status, digest }: Pick<CallResult, 'status' | 'digest'>): string {
  return `${status} ${digest}`
}

function anotherOutcome(): SafeconductError {
  return new SafeconductError('conflict', { message: 'Another outcome of this call is recorded.' })
}

async function settledBefore(owner: Owner, id: string, result: CallResult): Promise<Settled> {
  const known = owner.settled.get(id)
  if (known !== undefined) {
    if (known.of !== outcomeOf(result)) throw anotherOutcome()
    return known.settled
  }
  for (const tenant of owner.state.tenants.keys()) {
    const summary = await owner.summaries.get(tenant, id)
    if (summary?.outcomeIndex == null) continue
    if (summary.result !== result.status) throw anotherOutcome()
    return { receipt: { intentIndex: summary.intentIndex, outcomeIndex: summary.outcomeIndex } }
  }
  throw new SafeconductError('not_found')
}

async function settleFlight(
  owner: Owner,
  id: string,
  flight: Flight,
  result: CallResult,
): Promise<KeptReceipt> {
  const { request } = flight
  const parties = partiesOf(request)
  await owner.journal.ready(parties)
  const tenant = owner.state.tenants.get(parties.tenant)
  if (tenant === undefined) throw new SafeconductError('not_found')
  const at = owner.ports.clock.now()
  if (flight.outcome === null) {
    const contestable = at + owner.state.settings.contestWindow
    const flow = learn(tenant, flight, result)
    const events: EngineEvent[] = [{ type: 'settled', id, at, status: result.status, flow, contestable }]
    const { text: _text, structured: _structured, ...kept } = result
    flight.outcome = { result: { ...kept, error: kept.error?.slice(0, MAX_ERROR) ?? null }, events }
    commit(owner, tenant, events)
  }
  const { outcome, intentIndex } = flight
  try {
    const { index } = await appendOutcome(owner, tenant, { id, at, parties }, outcome)
    const kept = { settled: { receipt: { intentIndex, outcomeIndex: index } }, of: outcomeOf(outcome.result) }
    owner.flights.delete(id)
    touch(owner.settled, id, kept, KEPT)
    owner.ports.bus.publish({ type: 'outcome', tenant: parties.tenant, id, status: outcome.result.status })
    return kept
  } catch (error) {
    throw toSafeconductError(error, 'ledger_unavailable')
  }
}

/** The outcome in the ledger, and the summary told of it. */
export function appendOutcome(
  { journal, position, summaries }: Owner,
  tenant: TenantState,
  call: { readonly id: string; readonly at: number; readonly parties: Parties },
  { result, events }: KeptOutcome,
): Promise<{ readonly index: number }> {
  const append = journal.outcome(tenant, call, result, events).then(({ index }) => {
    summaries.settle(tenant.tenant, call.id, result.status, index)
    return { index }
  })
  return position.follow(append)
}

/** Room that the rest of an outcome's attachment may take beside what the flow learned. */
const REST_BYTES = 64 * 1024

/**
 * Labels of what came back. The text of an error is read by the agent, too, be it a tool's or the protocol's, so it is an
 * output like any other.
 */
function learn(tenant: TenantState, { request, tool }: Flight, result: CallResult): FlowEvent | null {
  const { operation, id } = request
  if (operation.kind === 'list' || operation.kind === 'session') return null
  const open = tenant.live.calls.get(id)
  const known = operation.kind === 'tool' ? tool : methodEntry(operation.kind)
  if (open === undefined || known === null) return null
  const flow = tenant.live.flows.get(open.flow)?.state ?? emptyFlow(null)
  const answered = result.text.length > 0 || result.structured !== null
  const readable = result.status === 'ok' || result.status === 'tool_error' || answered
  const event = observe(flow, {
    callId: id,
    server: operation.server,
    tool: operation.name ?? operation.method,
    roles: known.roles,
    args: operation.args,
    result: readable
      ? { text: result.text, ...(result.structured === null ? {} : { structured: result.structured }) }
      : null,
    error: readable ? null : (result.error ?? result.status),
  })
  return bounded(event)
}

/** An event too large to be recorded would be lost at a restart; forgetting the output openly is more careful. */
function bounded(event: FlowEvent): FlowEvent {
  if (event.type !== 'observed' || event.output === null) return event
  const bytes = Buffer.byteLength(JSON.stringify(event))
  if (bytes <= MAX_ATTACHMENT_BYTES - REST_BYTES) return event
  return { ...event, output: null, requests: [], forgot: true }
}

/** A host that never settles must not fill the table of open calls for good. */
const ABANDONED_MS = 3_600_000

/** Calls nobody settled for an hour get the outcome `unknown`. */
export function abandonCalls(owner: Owner, tenant: TenantState, at: number): void {
  for (const call of tenant.live.calls.values()) {
    if (at - call.at < ABANDONED_MS) return
    settle(owner, call.id, unknownResult('Nobody told the outcome.')).catch(() => undefined)
  }
}

export function unknownResult(error: string): CallResult {
  return { status: 'unknown', text: [], structured: null, digest: '', bytes: 0, error }
}
