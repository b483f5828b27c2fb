/**
 * "May this principal do this, to this?" asked of the tenant's policy, dry: through the same facts, the same layers and
 * the same rule as a call, but for no call. Same question and state, same answer; nothing is moved.
 * @module
 */
import type { CallRequest, Decision, JsonObject, Obligation, Operation, Outcome } from '@safeconduct/protocol'
import { type Posed, rule } from '../decision/rule.ts'
import { type KnownTool, methodEntry } from '../integrity/catalogue.ts'
import { assess, emptyRisk } from '../risk/score.ts'
import { chainTrust } from '../risk/standing.ts'
import { effectiveTrust } from '../risk/trust.ts'
import type { ActivePolicy, EngineState, TenantState } from '../state.ts'
import { ask } from './context.ts'
import type { EntityRef } from './engine.ts'
import { surroundingsOf } from './facts.ts'
import { resolveRelations } from './relations.ts'

export interface PolicyQuery {
  readonly tenant: string
  /** Milliseconds. */
  readonly at: number
  /** A registered agent, and the user for whom it would act; or a user alone (`agent: null`), whose layer alone answers. */
  readonly agent: string | null
  readonly user: string | null
  /** `<server>/<tool>`, or another action that the policies name. */
  readonly action: string
  /** Default: the tool itself. */
  readonly resource?: EntityRef
  readonly args?: JsonObject
  /** A purpose that the errand would have. */
  readonly purpose?: string
  readonly place?: { readonly ip: string | null; readonly country?: string }
}

export interface PolicyAnswer {
  readonly outcome: Outcome
  readonly policies: Decision['policies']
  readonly policyErrors: Decision['policyErrors']
  readonly obligations: readonly Obligation[]
  readonly why: readonly string[]
  readonly revisions: { readonly policy: string; readonly relations?: string }
}

const NOBODY: PolicyAnswer = {
  outcome: 'deny',
  policies: [],
  policyErrors: [],
  obligations: [],
  why: [],
  revisions: { policy: 'none' },
}

/** Denies what it does not know: tenant, agent, policy, tool. */
export function askPolicy(state: EngineState, query: PolicyQuery): PolicyAnswer {
  const tenant = state.tenants.get(query.tenant)
  const policy = tenant?.directory.policy ?? null
  if (tenant === undefined || policy === null) return { ...NOBODY, why: ['No policy is loaded.'] }
  const { agent, user } = query
  const registered = agent === null ? undefined : tenant.directory.agents.get(agent)
  if (agent === null ? user === null : registered?.status !== 'active') {
    return { ...NOBODY, why: ['The principal is not known.'] }
  }
  const { posed, relations } = poseQuery(tenant, policy, query, state.settings.obligations)
  const { compiled } = policy
  // Who acts for nobody but himself has no agent's rights to be intersected with.
  const layered = agent === null ? { ...compiled, evaluate: userOnly(compiled.evaluate) } : compiled
  const { outcome, policies, policyErrors, obligations, why } = rule(layered, posed)
  return {
    outcome,
    policies,
    policyErrors,
    obligations,
    why,
    revisions: { policy: policy.digest, ...(relations === null ? {} : { relations }) },
  }
}

/** The question as policy is asked it, for no call. */
export function poseQuery(
  tenant: TenantState,
  policy: ActivePolicy,
  query: PolicyQuery,
  obligations: readonly string[],
): { readonly posed: Posed; readonly relations: string | null } {
  const { agent, user, action } = query
  const operation = operationOf(query)
  const tool = tenant.directory.tools.get(action) ?? methodEntry(methodOf(action))
  const request = requestOf(query, operation)
  const actors = { agent: agent ?? '', via: [], user }
  const relations = resolveRelations(policy.compiled, tenant.directory.relations, actors, operation)
  const asked = ask(request, errandOf(tenant, query, tool), tool, {
    ...standingOf(tenant, query),
    trace: { doubt: 'none', labels: [], facts: NO_FLOW },
    seenBefore: agent !== null && tenant.live.agents.get(agent)?.used.has(tool.action) === true,
    credentialDoubt: agent !== null && tenant.live.agents.get(agent)?.challengedAt != null,
    evidence: [],
    surroundings: surroundingsOf(tenant.directory, request, tool),
    relations: relations?.facts ?? {},
    elevated: [],
    elevations: [],
  })
  const posed: Posed = {
    actors,
    asked: {
      ...asked,
      action: { type: 'Action', id: action },
      ...(query.resource === undefined ? {} : { resource: query.resource }),
    },
    real: { approved: false, freshProof: false },
    canStepUp: false,
    refused: false,
    obligations,
  }
  return { posed, relations: relations?.revision ?? null }
}

type Evaluate = NonNullable<TenantState['directory']['policy']>['compiled']['evaluate']

function userOnly(evaluate: Evaluate): Evaluate {
  return (layer, question) =>
    layer === 'user' ? evaluate(layer, question) : { allowed: true, reasons: [], errors: [], obligations: [] }
}

const NO_FLOW = { privateDataRead: false, untrustedSeen: false, openWorldSink: false }

function operationOf({ action, resource, args = {} }: PolicyQuery): Operation {
  const [server = '', ...name] = action.split('/')
  if (name.length > 0) {
    return { server, method: 'tools/call', kind: 'tool', name: name.join('/'), args }
  }
  const at = resource?.id.split(':') ?? []
  const kind = methodOf(action)
  return { server: at[0] ?? '', method: action, kind, name: at.slice(1).join(':') || null, args }
}

/** What is no tool and no method of ours counts as a read of something. */
function methodOf(action: string): Exclude<Operation['kind'], 'tool'> {
  const name = action.startsWith('mcp:') ? action.slice('mcp:'.length) : ''
  return name === 'prompt' || name === 'list' || name === 'session' ? name : 'resource'
}

function requestOf({ tenant, at, agent, user, place }: PolicyQuery, operation: Operation): CallRequest {
  return {
    id: '',
    at,
    grant: {
      id: '',
      tenant,
      agent: agent ?? '',
      user,
      via: [],
      clientId: '',
      audience: [],
      scope: [],
      task: '',
      details: { type: 'safeconduct_task' },
      epochs: [],
      jkt: null,
      issuedAt: at,
      expiresAt: at,
      authenticatedAt: null,
    },
    proof: { kind: 'bearer', provenAt: null },
    operation,
    context: { channel: 'api', ip: place?.ip ?? null, client: null, country: place?.country ?? null },
  }
}

function errandOf(
  { directory }: TenantState,
  { purpose }: PolicyQuery,
  tool: KnownTool,
): Parameters<typeof ask>[1] {
  return {
    refusal: null,
    dead: false,
    task:
      purpose === undefined
        ? null
        : {
            tenant: '',
            id: '',
            version: 1,
            agent: '',
            user: null,
            intent: null,
            intentDigest: null,
            implicit: false,
            details: { type: 'safeconduct_task', purpose },
            status: 'active',
            createdAt: 0,
            expiresAt: 0,
          },
    server: directory.servers.get(tool.pin?.server ?? '') ?? null,
    tool,
    depth: 0,
    scopes: [],
    reservations: [],
    rolled: false,
    flowKey: '',
  }
}

/** As the agent stood after its last call. A user has no trust level of his own: nothing speaks against him. */
function standingOf(tenant: TenantState, { agent, at }: PolicyQuery) {
  if (agent === null) return { trust: 'standard', risk: 0, assurance: 'declared' } as const
  const live = tenant.live.agents.get(agent)
  const assurance = live?.assurance ?? 'declared'
  const ceiling = tenant.directory.agents.get(agent)?.trustCeiling ?? null
  return {
    trust: effectiveTrust(chainTrust(tenant, agent, at), assurance, ceiling),
    risk: assess(live?.risk ?? emptyRisk(), [], at).before,
    assurance,
  }
}
