/**
 * The decide stage, and the only place that combines: what the other stages found, what policy says about it, and
 * trust. Returns data; nothing here moves state.
 * @module
 */
import type {
  Approval,
  CallRequest,
  ErrorCode,
  Evidence,
  PolicyReason,
  TrustLevel,
} from '@safeconduct/protocol'
import type { Reservation } from '../delegation/budget.ts'
import { type Caller, FRESH_PROOF_MS } from '../delegation/caller.ts'
import type { Errand } from '../delegation/delegate.ts'
import { elevatedFor } from '../elevation/held.ts'
import type { Trace } from '../flow/index.ts'
import { ask } from '../policy/context.ts'
import { surroundingsOf } from '../policy/facts.ts'
import { NO_RELATIONS, type ResolvedRelations, resolveRelations } from '../policy/relations.ts'
import type { RelationFacts } from '../ports.ts'
import { doubtsCredential } from '../risk/combine.ts'
import { chainTrust, type Standing, standing } from '../risk/standing.ts'
import type { EngineSettings, TenantState } from '../state.ts'
import { LEVEL_LIMITS, levelRoom } from './level-limits.ts'
import { rated } from './obligations.ts'
import { type Posed, type Ruling, rule } from './rule.ts'
import { elevationSentence, relationSentences } from './words.ts'

/** Everything the stages before found. */
export interface Findings {
  readonly caller: Caller
  readonly errand: Errand
  readonly evidence: readonly Evidence[]
  readonly trace: Trace
}

/** What is taken for granted in a tested counterfactual, or left out of a listing. */
export interface Assumption {
  readonly scopes?: boolean
  readonly details?: boolean
  readonly ignoreArguments?: boolean
  readonly origin?: boolean
  readonly calm?: boolean
  readonly trust?: TrustLevel
  readonly requalified?: boolean
  readonly freshProof?: boolean
  readonly approved?: boolean
  /** Relations fetched for this call, in place of those that the directory holds. */
  readonly relations?: RelationFacts
}

export interface Combined extends Ruling {
  readonly standing: Standing
  readonly credentialDoubt: boolean
  readonly freshProof: boolean
  /** The approval that this call uses up. */
  readonly used: Approval | null
  /** What policy was asked; null when the call was refused before policy had a say. */
  readonly posed: Posed | null
  /** Revision at which relations were asked; null when none were needed. */
  readonly relations: string | null
  /** What the call takes of the rates that its obligations set. */
  readonly rates: readonly Reservation[]
}

export interface DecideQuestion {
  readonly settings: EngineSettings
  readonly state: TenantState
  readonly request: CallRequest
  /** The approval bound to exactly this call, whatever its status. */
  readonly approval: Approval | null
  readonly assume: Assumption
}

/** The same call waits for a person, or has a person's word that it has not used yet. */
function wasJudged({ approval, request }: DecideQuestion): boolean {
  if (approval === null || request.at >= approval.expiresAt) return false
  return approval.status === 'pending' || approval.status === 'approved'
}

export function combine(question: DecideQuestion, findings: Findings): Combined {
  const { state, request, assume } = question
  const { caller, errand, trace } = findings
  const evidence = assumed(findings.evidence, assume)
  const actors =
    request.grant.via.length === 0 ? [request.grant.agent] : [request.grant.agent, ...request.grant.via]
  const found = standing(state, actors, evidence, request.at, caller.assurance, wasJudged(question))
  const stands = assume.trust === undefined ? found : { ...found, trust: assume.trust }
  const credential = credentialOf(question, findings)
  const deny = (code: ErrorCode, why: string, reason?: PolicyReason): Combined =>
    combined(stands, credential, {
      ...NO_RULING,
      code,
      why: [why],
      policies: reason === undefined ? [] : [reason],
    })
  if (errand.refusal !== null) {
    const { code, member, why } = errand.refusal
    return deny(code, why, { layer: 'delegation', id: member, effect: 'forbid' })
  }
  const { tool } = errand
  if (tool === null) return deny('unknown_tool', 'The tool was never listed by its server.')
  if (tool.pin?.status === 'quarantined' && assume.requalified !== true) {
    const why = `The tool is quarantined. ${tool.pin.reason ?? ''}`.trim()
    return deny('tool_quarantined', why, { layer: 'engine', id: 'tool-quarantined', effect: 'forbid' })
  }
  if (stands.trust === 'suspended') {
    const why = 'The agent, or one that handed the errand on, is suspended.'
    return deny('denied', why, { layer: 'engine', id: 'suspended', effect: 'forbid' })
  }
  const relations = relationsOf(question)
  const elevated = elevatedFor(state.directory, request)
  const asked = ask(request, errand, tool, {
    trust: stands.trust,
    risk: assume.calm === true ? 0 : stands.assessment.after,
    assurance: caller.assurance,
    trace: assume.origin === true ? undoubted(trace) : trace,
    seenBefore: state.live.agents.get(request.grant.agent)?.used.has(tool.action) === true,
    credentialDoubt: credential.credentialDoubt,
    evidence,
    surroundings: surroundingsOf(state.directory, request, tool),
    relations: relations?.facts ?? NO_RELATIONS,
    elevated: elevated.entities,
    elevations: elevated.held.map(({ role }) => role),
  })
  const approved = assume.approved === true || isApproved(question)
  const posed: Posed = {
    actors: request.grant,
    asked: assume.ignoreArguments === true ? { ...asked, unfit: [] } : asked,
    // A client without a key cannot answer a doubt about its credential; a person's word does it instead.
    real: { approved, freshProof: credential.freshProof || (approved && !caller.canStepUp) },
    canStepUp: caller.canStepUp,
    refused: wasRefused(question),
    obligations: question.settings.obligations,
  }
  const { policy } = state.directory
  if (policy === null) return { ...deny('policy_missing', 'No policy is loaded.'), posed }
  const ruling = rule(policy.compiled, posed)
  const asking = { posed, relations: relations?.revision ?? null }
  const limited = (why: string): Combined =>
    combined(stands, credential, { ...ruling, ...REFUSED, why: [why, ...ruling.why] }, asking)
  const rates = rated(ruling.obligations, state.live.spent, request.grant.agent, request.at)
  if (rates.exceeded !== null && assume.ignoreArguments !== true) {
    const { id, properties } = rates.exceeded
    return limited(
      `The policy ${id} allows ${properties.calls} calls in ${properties.seconds} seconds, and they are used.`,
    )
  }
  const room = levelRoom(state.live.spent, {
    agents: [
      request.grant.agent,
      ...request.grant.via.filter((id) => LEVEL_LIMITS[chainTrust(state, id, request.at)] !== undefined),
    ],
    trust: stands.trust,
    write: tool.write,
    at: request.at,
  })
  // A person's word for this very call counts more than how often the agent called.
  if (room.exceeded !== null && !approved && ruling.outcome === 'allow' && assume.ignoreArguments !== true)
    return limited(room.exceeded)
  const more = elevated.held.map(elevationSentence)
  if (ruling.outcome !== 'allow' && relations !== null) more.push(...relationSentences(relations.facts))
  const said = more.length === 0 ? ruling : { ...ruling, why: [...ruling.why, ...more] }
  return combined(stands, credential, said, {
    ...asking,
    used: ruling.outcome === 'allow' && approved ? question.approval : null,
    rates: [...rates.reservations, ...room.reservations],
  })
}

function undoubted(trace: Trace): Trace {
  return { ...trace, doubt: 'none', facts: { ...trace.facts, exfiltration: false } }
}

/** Every member by name: this is made for each call. */
function combined(
  standing: Standing,
  { credentialDoubt, freshProof }: Credential,
  { outcome, code, why, policies, policyErrors, obligations, needsArguments }: Ruling,
  rest: Partial<Pick<Combined, 'posed' | 'relations' | 'used' | 'rates'>> = {},
): Combined {
  const { posed = null, relations = null, used = null, rates = [] } = rest
  const ruling = { outcome, code, why, policies, policyErrors, obligations, needsArguments }
  return { ...ruling, standing, credentialDoubt, freshProof, used, posed, relations, rates }
}

const NO_RULING: Ruling = {
  outcome: 'deny',
  code: null,
  why: [],
  policies: [],
  policyErrors: [],
  obligations: [],
  needsArguments: false,
}
const REFUSED = { outcome: 'deny', code: 'rate_limited', obligations: [] } as const

function relationsOf({ state, request, assume }: DecideQuestion): ResolvedRelations | null {
  const { policy, relations } = state.directory
  if (policy === null) return null
  return resolveRelations(policy.compiled, assume.relations ?? relations, request.grant, request.operation)
}

/** Evidence without what the counterfactual takes away. */
function assumed(evidence: readonly Evidence[], { calm, origin }: Assumption): readonly Evidence[] {
  if (calm === true) return []
  return origin === true ? evidence.filter((item) => item.about !== 'provenance') : evidence
}

function isApproved({ approval, request }: DecideQuestion): boolean {
  return approval?.status === 'approved' && request.at < approval.expiresAt
}

function wasRefused({ approval, request }: DecideQuestion): boolean {
  return approval?.status === 'refused' && request.at < approval.expiresAt
}

interface Credential {
  readonly credentialDoubt: boolean
  readonly freshProof: boolean
}

/** Doubt about the credential, and whether this very call answers it: a proof made after the doubt arose. */
function credentialOf(
  { state, request, assume }: DecideQuestion,
  { caller, evidence }: Findings,
): Credential {
  const challengedAt = state.live.agents.get(request.grant.agent)?.challengedAt ?? null
  const doubted = doubtsCredential(evidence)
  const recent = caller.canStepUp && caller.proofAge !== null && caller.proofAge <= FRESH_PROOF_MS
  const provenAt = request.proof.provenAt ?? 0
  const answers = challengedAt === null ? !doubted : provenAt > challengedAt
  return {
    credentialDoubt: doubted || challengedAt !== null,
    freshProof: assume.freshProof === true || (recent && answers),
  }
}
