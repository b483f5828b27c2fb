/**
 * The smallest change that would have led to a better outcome. Every change offered was tested: the question was put
 * through the whole pipeline again on a fork of the state in which the change was made, and the outcome turned.
 * For the entitled only; the agent is never told.
 * @module
 */
import {
  type Approval,
  type CallRequest,
  type Counterfactual,
  type CounterfactualStep,
  type Outcome,
  trustRank,
} from '@safeconduct/protocol'
import { elevatedFor, heldRoles } from '../elevation/held.ts'
import type { TurnEvent } from '../events.ts'
import { type Evaluation, evaluate, STAGES } from '../pipeline.ts'
import type { PolicyRecord } from '../policy/engine.ts'
import { bindingOf, objectsOf } from '../policy/relations.ts'
import type { EngineState, TenantState } from '../state.ts'
import {
  approved,
  argument,
  budgetNeeded,
  budgetOf,
  type Change,
  elevated,
  errandIncludes,
  flowing,
  type Hypothesis,
  keyed,
  provenAgain,
  related,
  reviewed,
  serverApproved,
  spokenBy,
  toolApproved,
  uncapped,
  withScopes,
} from './changes.ts'
import type { Assumption } from './combine.ts'
import { fork } from './fork.ts'
import { stepSentence } from './words.ts'

export interface CounterfactualQuestion {
  readonly state: EngineState
  readonly request: CallRequest
  readonly approval: Approval | null
  readonly assume: Assumption
  readonly found: Evaluation
  /** What the call itself does to the state: a repeated call meets that. */
  readonly turn: TurnEvent
}

interface Candidate {
  readonly steps: readonly CounterfactualStep[]
  readonly changes: readonly Change[]
}

/** Steps that change nothing of what the stages before policy found: only the last stage has to be asked again. */
const POLICY_ONLY: ReadonlySet<CounterfactualStep['kind']> = new Set(['relation', 'elevation', 'zone-flow'])
const isPolicyOnly = ({ steps }: Candidate): boolean => steps.every(({ kind }) => POLICY_ONLY.has(kind))

const RANK: Readonly<Record<Outcome, number>> = { deny: 0, approval: 1, step_up: 2, allow: 3 }
/** Each candidate is one more evaluation of a call that was refused. */
const MAX_TRIED = 20

/** The first that allows, else the first that leads nearer. */
export function counterfactual(question: CounterfactualQuestion): Counterfactual | null {
  const { found } = question
  if (found.outcome === 'allow' || found.errand.dead) return null
  let nearer: Counterfactual | null = null
  let tried = 0
  for (const { steps, changes } of candidates(question)) {
    if (++tried > MAX_TRIED) break
    const outcome = isPolicyOnly({ steps, changes })
      ? ruledAgain(question, changes)
      : tryOut(question, changes)?.outcome
    if (outcome === undefined || RANK[outcome] <= RANK[found.outcome]) continue
    const offered: Counterfactual = { change: steps.map(stepSentence).join(' '), outcome, steps }
    if (outcome === 'allow') return offered
    nearer ??= offered
  }
  return nearer
}

function tryOut(question: CounterfactualQuestion, changes: readonly Change[]): Evaluation | null {
  const at = changed(question, changes)
  return at === null ? null : evaluate(at.state, at.request, at.approval, at.assume)
}

function ruledAgain(question: CounterfactualQuestion, changes: readonly Change[]): Outcome | undefined {
  const at = changed(question, changes)
  if (at === null) return undefined
  const { state, tenant, ...asked } = at
  return STAGES.decide({ settings: state.settings, state: tenant, ...asked }, question.found).outcome
}

function changed(question: CounterfactualQuestion, changes: readonly Change[]): Hypothesis | null {
  const { state, request, approval, assume } = question
  const forked = fork(state, request.grant.tenant)
  if (forked === null) return null
  let at: Hypothesis | null = { ...forked, request, approval, assume }
  for (const change of changes) {
    at = change(at)
    if (at === null) return null
  }
  return at
}

/** From what costs least to what is furthest from the call. */
function* candidates(question: CounterfactualQuestion): Generator<Candidate> {
  const { found, turn } = question
  const one = (step: CounterfactualStep, change: Change): Candidate => ({ steps: [step], changes: [change] })
  if (found.outcome === 'step_up') yield one({ kind: 'fresh-proof' }, provenAgain(turn))
  if (found.outcome === 'approval') yield one({ kind: 'approval' }, approved(turn))
  yield* fitting(question)
  const tool = `${question.request.operation.server}/${question.request.operation.name ?? ''}`
  if (found.code === 'tool_quarantined') yield one({ kind: 'tool', tool }, toolApproved)
  const single = [...worldly(question)]
  yield* single
  // What each layer lacks is often the same thing, once for the agent and once for the user.
  const cheap = single.filter(isPolicyOnly)
  for (let i = 0; i < cheap.length; i++) {
    for (let k = i + 1; k < cheap.length; k++) yield both(cheap[i], cheap[k])
  }
}

function both(a: Candidate | undefined, b: Candidate | undefined): Candidate {
  return {
    steps: [...(a?.steps ?? []), ...(b?.steps ?? [])],
    changes: [...(a?.changes ?? []), ...(b?.changes ?? [])],
  }
}

const MAX_MEMBERS = 4

/** Changes to the call, its token and its errand. */
function* fitting(question: CounterfactualQuestion): Generator<Candidate> {
  const { found, request } = question
  const { refusal, scopes } = found.errand
  if (refusal === null) return
  if (refusal.fit !== null) {
    const { path, value } = refusal.fit
    yield { steps: [{ kind: 'argument', path, value }], changes: [argument(path, value)] }
  }
  const steps: CounterfactualStep[] = []
  const changes: Change[] = []
  // What one bound refuses another may refuse, too: each is lifted in turn until none is left.
  let at: Evaluation['errand'] = found.errand
  for (let i = 0; i < MAX_MEMBERS && at.refusal !== null; i++) {
    const lifted = lift(question, at, i === 0 ? scopes : at.scopes)
    if (lifted === null) return
    steps.push(...lifted.steps)
    changes.push(...lifted.changes)
    const next = tryOut(question, changes)
    if (next === null || next.errand.refusal?.member === at.refusal.member) return
    at = next.errand
  }
  if (request.grant.task !== '') yield { steps, changes }
}

function lift(
  { state, request }: CounterfactualQuestion,
  { refusal }: Evaluation['errand'],
  scopes: readonly string[],
): Candidate | null {
  if (refusal === null) return null
  const { code, member } = refusal
  if (code === 'insufficient_scope') {
    return { steps: [{ kind: 'scope', scopes }], changes: [withScopes(scopes)] }
  }
  if (code === 'denied') return { steps: [{ kind: 'errand', member }], changes: [errandIncludes(member)] }
  const tenant = state.tenants.get(request.grant.tenant)
  if (code !== 'budget_exhausted' || tenant === undefined) return null
  const limit = budgetNeeded(tenant, request, member)
  return limit === null
    ? null
    : { steps: [{ kind: 'budget', member, limit }], changes: [budgetOf(member, limit)] }
}

/** Changes to what is known of the parties, to relations, roles and zones. */
function* worldly({ state, request, found, assume }: CounterfactualQuestion): Generator<Candidate> {
  const tenant = state.tenants.get(request.grant.tenant)
  if (tenant === undefined || found.errand.refusal !== null) return
  const { grant, operation } = request
  const agents = [grant.agent, ...grant.via]
  for (const step of relationSteps(tenant, request, found, assume))
    yield { steps: [step], changes: [related(step)] }
  for (const step of roleSteps(tenant, request)) yield { steps: [step], changes: [elevated(step)] }
  const zone = zoneStep(found)
  if (zone !== null) yield { steps: [zone], changes: [flowing(zone)] }
  if (found.trace.doubt !== 'none') {
    const steered = found.trace.labels.filter(({ sink, label }) => sink && label !== 'user')
    const paths = [...new Set(steered.map(({ path }) => path))]
    const values = steered.map(({ value }) => value)
    if (paths.length > 0) {
      yield { steps: [{ kind: 'intent', paths }], changes: [spokenBy(values, found.errand.flowKey)] }
    }
  }
  if (found.errand.server?.standing === 'new') {
    yield { steps: [{ kind: 'server', server: operation.server }], changes: [serverApproved] }
  }
  if (found.caller.assurance === 'declared' || found.caller.assurance === 'bearer') {
    yield { steps: [{ kind: 'key' }], changes: [keyed] }
  }
  for (const agent of agents) {
    const ceiling = tenant.directory.agents.get(agent)?.trustCeiling ?? null
    if (ceiling !== null && trustRank(ceiling) < trustRank('elevated')) {
      yield { steps: [{ kind: 'ceiling', agent, level: ceiling }], changes: [uncapped(agent)] }
    } else if (isHeldAgainst(tenant, agent, found)) {
      yield { steps: [{ kind: 'review', agent }], changes: [reviewed(agent)] }
    }
  }
}

/** Something is remembered of the agent that a review would reset. */
function isHeldAgainst(tenant: TenantState, agent: string, found: Evaluation): boolean {
  const live = tenant.live.agents.get(agent)
  if (live === undefined) return false
  const low = trustRank(live.trust.level) < trustRank('standard')
  return (
    low || live.challengedAt !== null || live.risk.doubts.size > 0 || found.standing.assessment.before >= 1
  )
}

type Step<K extends CounterfactualStep['kind']> = Extract<CounterfactualStep, { kind: K }>

/** Facts that were found and are false. */
function* relationSteps(
  tenant: TenantState,
  { operation }: CallRequest,
  found: Evaluation,
  assume: Assumption,
): Generator<Step<'relation'>> {
  const binding =
    tenant.directory.policy === null ? undefined : bindingOf(tenant.directory.policy.compiled, operation)
  const facts = assume.relations ?? tenant.directory.relations
  const objects = binding === undefined ? null : objectsOf(binding, operation)
  const held = found.posed?.asked.context.relations
  if (objects === null || facts === null || typeof held !== 'object') return
  for (const [user, answers] of Object.entries(held)) {
    for (const [relation, answer] of Object.entries(answers)) {
      if (answer !== false) continue
      for (const object of objects)
        if (!facts.check(user, relation, object)) yield { kind: 'relation', user, relation, object }
    }
  }
}

/** Roles that policies speak of, for whoever does not hold them. */
function* roleSteps(tenant: TenantState, request: CallRequest): Generator<Step<'elevation'>> {
  const { directory } = tenant
  const { agent, via, user } = request.grant
  const held = elevatedFor(directory, request).held
  const has = (kind: 'agent' | 'user', id: string, role: string): boolean => {
    const roles = kind === 'agent' ? directory.agents.get(id)?.roles : directory.users.get(id)?.roles
    return (
      heldRoles(roles).includes(role) ||
      held.some((one) => one.for === kind && one.principal === id && one.role === role)
    )
  }
  for (const role of directory.policy?.compiled.roles ?? []) {
    for (const id of [agent, ...via]) {
      if (!has('agent', id, role)) yield { kind: 'elevation', principal: 'agent', id, role }
    }
    if (user !== null && !has('user', user, role))
      yield { kind: 'elevation', principal: 'user', id: user, role }
  }
}

function zoneStep({ posed, errand }: Evaluation): Step<'zone-flow'> | null {
  const zone = posed?.asked.context.zone
  if (typeof zone !== 'object' || Array.isArray(zone)) return null
  const { from, to, flow } = zone as PolicyRecord
  if (flow !== false || typeof from !== 'string' || typeof to !== 'string') return null
  return { kind: 'zone-flow', from, to, effect: errand.tool?.roles.effect === 'write' ? 'write' : 'read' }
}
