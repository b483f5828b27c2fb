/**
 * `decide`: one call, one decision, and the events that take it. No clock, no I/O, moves nothing: `apply` does, in the
 * same synchronous turn.
 * @module
 */
import { hash } from 'node:crypto'
import {
  type Approval,
  type ArgumentLabel,
  type CallRequest,
  canonicalize,
  type Decision,
  type ErrorCode,
  SafeconductError,
} from '@safeconduct/protocol'
import type { Assumption } from './decision/combine.ts'
import { counterfactual } from './decision/counterfactual.ts'
import type { Posed } from './decision/rule.ts'
import { originSentences, preview, remedyOf } from './decision/words.ts'
import type { EngineEvent, TurnEvent } from './events.ts'
import { approveValues } from './flow/index.ts'
import { toolsRevision } from './integrity/catalogue.ts'
import { type Evaluation, evaluate } from './pipeline.ts'
import type { RelationFacts } from './ports.ts'
import { contributionsOf } from './risk/contributions.ts'
import { DETECTORS } from './risk/detectors/index.ts'
import type { DoubtChange } from './risk/score.ts'
import { bindingKey, type EngineState, isCrowded, STATE_LIMITS, type TenantState } from './state.ts'

export interface Decided {
  readonly decision: Decision
  /** To be applied in this turn, in order. */
  readonly events: readonly EngineEvent[]
  /** The call may go out once its intent is durable. */
  readonly forward: boolean
  /** An approval to be stored: newly opened, or used up by this call. */
  readonly opened: Approval | null
  readonly used: Approval | null
  /** What policy was asked; null when the call was refused before policy had a say. */
  readonly posed: Posed | null
  /** The arguments are not too large to be put before a person. */
  readonly askable: boolean
}

/** A decision whose counterfactual has not been looked for: that costs more than the decision itself. */
export interface Brief extends Decided {
  /** The same with it. To be asked before the events are applied: it is tried on the state that was decided on. */
  readonly explained: () => Decided
}

/** @throws {SafeconductError} `overloaded` when the state has no room for another agent, task or call */
export function decide(state: EngineState, request: CallRequest, relations?: RelationFacts): Decided {
  return decideBriefly(state, request, relations).explained()
}

/** `decide` for an answer that nobody can have explained. @throws as `decide` */
export function decideBriefly(state: EngineState, request: CallRequest, relations?: RelationFacts): Brief {
  const tenant = state.tenants.get(request.grant.tenant)
  const args = canonicalize(request.operation.args)
  const argsDigest = `sha256:${hash('sha256', args)}`
  const key = bindingKey({ ...bindingOf(request), argsDigest })
  const approval = tenant?.directory.approvals.get(key) ?? null
  const assume: Assumption = relations === undefined ? {} : { relations }
  const found = evaluate(state, request, approval, assume)
  if (tenant !== undefined && !found.errand.dead) requireRoom(tenant, request)

  const settled = approve(state, tenant, request, found, approval, {
    digest: argsDigest,
    length: args.length,
  })
  const forward = settled.decision.outcome === 'allow' || observes(state, found)
  const { posed } = found
  const askable = args.length <= MAX_APPROVAL_ARGS
  if (found.errand.dead) {
    const { decision } = settled
    const dead: Decided = { decision, events: [], forward: false, opened: null, used: null, posed, askable }
    return { ...dead, explained: () => dead }
  }
  const { decision, opened } = settled
  const taken = turn(tenant, request, found, decision, forward)
  const events: EngineEvent[] = [taken]
  if (opened !== null) events.push({ type: 'approval-opened', approval: opened })
  const used = forward ? found.used : null
  if (used !== null) events.push({ type: 'approval-used', key }, ...vouch(tenant, request, found))
  const brief: Decided = { decision, events, forward, opened, used, posed, askable }
  return {
    ...brief,
    explained: () => {
      const tested = counterfactual({ state, request, approval, assume, found, turn: taken })
      return tested === null ? brief : { ...brief, decision: { ...decision, counterfactual: tested } }
    },
  }
}

/** In observe mode a call goes out whatever was decided, unless its grant is dead or it names nothing real. */
function observes({ settings }: EngineState, { errand }: Evaluation): boolean {
  return settings.enforcement === 'observe' && !errand.dead && errand.server !== null && errand.tool !== null
}

function bindingOf({ grant, operation }: CallRequest) {
  return {
    task: grant.task,
    agent: grant.agent,
    server: operation.server,
    tool: boundName(operation),
  }
}

/**
 * A tool by its name; anything else with its method before it, so that a word for a resource or a prompt of the same
 * name is none for a tool. No tool has a blank in its name (`integrity/names.ts`).
 */
function boundName({ kind, name, method }: CallRequest['operation']): string {
  if (kind === 'tool') return name ?? method
  return name === null ? method : `${method} ${name}`
}

/** Characters of canonical arguments that are put before a person; they are held in memory until the approval ends. */
const MAX_APPROVAL_ARGS = 64 * 1024

/** Opens an approval, or finds the one that already waits for the same call. */
function approve(
  state: EngineState,
  tenant: TenantState | undefined,
  request: CallRequest,
  found: Evaluation,
  approval: Approval | null,
  args: { readonly digest: string; readonly length: number },
): { decision: Decision; opened: Approval | null } {
  const decision = decisionOf(state, tenant, request, found, args.digest)
  if (found.outcome !== 'approval' || state.settings.enforcement === 'observe' || tenant === undefined) {
    return { decision: { ...decision, approval: found.used?.id ?? null }, opened: null }
  }
  if (approval?.status === 'pending' && request.at < approval.expiresAt) {
    return { decision: { ...decision, approval: approval.id }, opened: null }
  }
  const deny = (code: ErrorCode, why: string): { decision: Decision; opened: null } => ({
    decision: { ...decision, outcome: 'deny', code, remedy: remedyOf(code), why: [why, ...decision.why] },
    opened: null,
  })
  if (args.length > MAX_APPROVAL_ARGS)
    return deny('too_large', 'Nobody could read these arguments before approving.')
  if (tooManyPending(tenant, request))
    return deny('rate_limited', 'Too many approvals of this agent wait already.')
  const opened = openApproval(state, request, decision)
  return { decision: { ...decision, approval: opened.id }, opened }
}

/** The approval carries the id of the decision that asked for it. */
function openApproval({ settings }: EngineState, request: CallRequest, decision: Decision): Approval {
  const { grant, operation, at, id } = request
  return {
    tenant: grant.tenant,
    id,
    version: 1,
    decision: id,
    user: grant.user,
    ...bindingOf(request),
    argsDigest: decision.argsDigest,
    args: operation.args,
    why: [...decision.why, ...decision.evidence.map((item) => item.reason)],
    status: 'pending',
    createdAt: at,
    expiresAt: at + settings.approvalTtl,
    decidedBy: null,
    decidedAt: null,
  }
}

function tooManyPending({ directory }: TenantState, { grant, at }: CallRequest): boolean {
  if (directory.approvals.size >= STATE_LIMITS.approvals) return true
  let pending = 0
  for (const each of directory.approvals.values()) {
    if (each.agent === grant.agent && each.status === 'pending' && at < each.expiresAt) pending++
  }
  return pending >= STATE_LIMITS.approvalsPerAgent
}

function decisionOf(
  { settings }: EngineState,
  tenant: TenantState | undefined,
  request: CallRequest,
  found: Evaluation,
  argsDigest: string,
): Decision {
  const labels = labelsOf(found)
  const origins = found.outcome !== 'allow' && found.trace.doubt !== 'none' ? originSentences(labels) : []
  return {
    id: request.id,
    at: request.at,
    tenant: request.grant.tenant,
    outcome: found.outcome,
    enforcement: settings.enforcement,
    code: found.code,
    remedy: remedyOf(found.code),
    trust: found.standing.trust,
    assurance: found.caller.assurance,
    risk: Math.round(found.standing.assessment.after),
    ...(found.errand.tool === null ? {} : { impact: found.errand.tool.impact }),
    ...contributed(request, found),
    policies: found.policies,
    policyErrors: found.policyErrors,
    evidence: found.evidence,
    labels,
    obligations: found.obligations,
    why: [...found.why, ...origins],
    counterfactual: null,
    revisions: {
      policy: tenant?.directory.policy?.digest ?? 'none',
      tools: tenant === undefined ? 'none' : toolsRevision(tenant.directory),
      ...(found.relations === null ? {} : { relations: found.relations }),
    },
    scopes: found.errand.scopes,
    argsDigest,
    approval: null,
  }
}

function contributed(
  { id }: CallRequest,
  { standing, evidence, caller, errand }: Evaluation,
): Pick<Decision, 'contributions'> {
  if (errand.dead) return {}
  const { level, ceiling, assessment } = standing
  const agent = { level, ceiling, assurance: caller.assurance }
  const contributions = contributionsOf(id, assessment, evidence, agent)
  return contributions.length === 0 ? {} : { contributions }
}

const MAX_LABELS = 64

function labelsOf({ trace }: Evaluation): ArgumentLabel[] {
  return trace.labels.slice(0, MAX_LABELS).map(({ path, value, label, source, sink, kind }) => ({
    path,
    label,
    source:
      source === null
        ? null
        : { tool: `${source.server}/${source.tool}`, call: source.callId, field: source.field },
    sink,
    preview: preview(value, kind === 'credential'),
  }))
}

function turn(
  tenant: TenantState | undefined,
  request: CallRequest,
  found: Evaluation,
  decision: Decision,
  forward: boolean,
): TurnEvent {
  const { grant, at } = request
  const { errand, standing } = found
  const challenge = challengeOf(tenant, request, found)
  const answered = challenge === null
  const intent = errand.task?.intent ?? null
  return {
    type: 'turn',
    id: request.id,
    at,
    agent: grant.agent,
    user: grant.user,
    via: grant.via,
    assurance: found.caller.assurance,
    outcome: decision.outcome,
    signal: found.signal,
    // An answered doubt about the credential is over.
    doubts: answered ? withoutCredential(standing.assessment.changes) : standing.assessment.changes,
    trust: standing.next,
    ...(challenge === undefined ? {} : { challenged: challenge }),
    task: {
      id: grant.task,
      implicit: errand.task?.implicit === true,
      expiresAt: errand.task?.expiresAt ?? grant.expiresAt,
      rolled: errand.rolled,
    },
    flow: { key: errand.flowKey, intent: tenant?.live.flows.has(errand.flowKey) === true ? null : intent },
    open: forward
      ? {
          reservations: [...errand.reservations, ...found.rates],
          clean: isClean(found),
          ...(found.used === null ? {} : { vouched: true }),
        }
      : null,
  }
}

const ABOUT_CREDENTIAL: readonly string[] = DETECTORS.filter(({ about }) => about === 'credential').map(
  ({ name }) => name,
)

function withoutCredential(changes: readonly DoubtChange[]): DoubtChange[] {
  const others = changes.filter(([name]) => !ABOUT_CREDENTIAL.includes(name))
  return [...others, ...ABOUT_CREDENTIAL.map((name): DoubtChange => [name, 0])]
}

/** Undefined = as before, a time = the doubt waits for a proof since then, null = answered. */
function challengeOf(
  tenant: TenantState | undefined,
  request: CallRequest,
  found: Evaluation,
): number | null | undefined {
  const before = tenant?.live.agents.get(request.grant.agent)?.challengedAt ?? null
  if (!found.credentialDoubt) return undefined
  const answered = found.freshProof || (found.used !== null && !found.caller.canStepUp)
  if (answered && found.outcome === 'allow') return null
  return before === null ? request.at : undefined
}

/** Risk from which on a call teaches the baseline nothing. */
const UNCLEAN_RISK = 30

function isClean(found: Evaluation): boolean {
  if (found.used !== null) return true
  return found.trace.doubt === 'none' && found.standing.assessment.after < UNCLEAN_RISK
}

/** Impact from which on a person's word holds for the exact call only and is not remembered for its values. */
const OUTWARD_IMPACT = 80

/** A person has looked at these values: the same ones in the same role are not asked again in this errand. */
function vouch(
  tenant: TenantState | undefined,
  request: CallRequest,
  { errand, trace }: Evaluation,
): EngineEvent[] {
  const { tool } = errand
  if (tenant === undefined || tool === null || trace.doubt === 'none' || tool.impact >= OUTWARD_IMPACT)
    return []
  const flow = tenant.live.flows.get(errand.flowKey)
  if (flow === undefined) return []
  const { operation, at } = request
  const call = {
    server: operation.server,
    tool: operation.name ?? operation.method,
    roles: tool.roles,
    args: operation.args,
  }
  return [{ type: 'vouched', key: errand.flowKey, at, flow: approveValues(flow.state, call) }]
}

function requireRoom({ live }: TenantState, { grant, at }: CallRequest): void {
  const full =
    live.calls.size >= STATE_LIMITS.calls ||
    (live.agents.size >= STATE_LIMITS.agents && !live.agents.has(grant.agent)) ||
    (isCrowded(live, grant.task) && ![...live.tasks.values()].some((task) => task.expiresAt <= at))
  if (full) throw new SafeconductError('overloaded')
}
