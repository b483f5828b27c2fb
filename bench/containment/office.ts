/**
 * The same office without sockets: the engine's own steps (`decide`, `apply`) with the time in hand, for as many
 * agent-days as live processes could not live through.
 * @module
 */
import {
  apply,
  type ControlEvent,
  control,
  createCedarEngine,
  createState,
  type Decided,
  decideBriefly,
  type EngineEvent,
  emptyFlow,
  observe,
  STARTER_POLICIES,
  type TenantState,
} from '@safeconduct/engine'
import {
  type Agent,
  canonicalize,
  type EpochKind,
  type EpochRef,
  type Grant,
  type JsonObject,
  parseJson,
  SCOPES,
} from '@safeconduct/protocol'
import { type Act, answerOf, INTENT, TOOLS } from './scenario.ts'

const TENANT = 'bench'
const USER = 'user'
const SERVER = 'office'
/** A Monday. */
export const START = Date.UTC(2026, 0, 5, 8)
const DAY = 24 * 3_600_000

export interface Office {
  readonly tenant: TenantState
  /** A new errand for the agent, as every morning; unknown agents are registered. */
  errand(agent: string, at: number): void
  /** One call from decision to outcome. */
  act(agent: string, act: Act, at: number): Decided
  /** Asked, not made. */
  ask(agent: string, act: Act, at: number): Decided
  /** A person reviewed it. */
  reset(agent: string, at: number): void
  levelOf(agent: string): string
}

const ref = (kind: EpochKind, id: string): EpochRef => ({ kind, id, epoch: 1 })
/** Parsed as the gateway would. */
const parsed = (value: JsonObject): JsonObject => parseJson(canonicalize(value)) as JsonObject

export function openOffice(contestWindow = 600_000): Office {
  const engine = createCedarEngine()
  const state = createState({ contestWindow })
  let held: TenantState | null = null
  const tell = (event: ControlEvent, at: number) => {
    const told = control(state, engine, event, at)
    held = told.tenant
    for (const change of told.events) apply(told.tenant, change)
  }
  for (const event of furniture()) tell(event, START)
  const tenant = held as TenantState | null
  if (tenant === null) throw new Error('no tenant')
  const grants = new Map<string, Grant>()
  let calls = 0

  function requestOf(agent: string, { tool, args }: Act, at: number) {
    const grant = grants.get(agent)
    if (grant === undefined) throw new Error(`${agent} was sent on no errand`)
    return {
      id: `c${String(++calls).padStart(9, '0')}`,
      at,
      grant,
      proof: { kind: 'dpop', provenAt: at } as const,
      operation: {
        server: SERVER,
        method: 'tools/call',
        kind: 'tool',
        name: tool,
        args: parsed(args),
      } as const,
      context: { channel: 'http', ip: null, client: null } as const,
    }
  }

  return {
    tenant,
    errand(agent, at) {
      if (!tenant.directory.agents.has(agent)) {
        tell({ type: 'epoch', tenant: TENANT, ref: ref('agent', agent) }, at)
        tell({ type: 'agent', agent: agentOf(agent) }, at)
      }
      const id = `${agent}-${at}`
      const details = { type: 'safeconduct_task' as const, task: id }
      const task = {
        tenant: TENANT,
        id,
        version: 1,
        agent,
        user: USER,
        intent: INTENT,
        intentDigest: null,
        implicit: false,
        details,
        status: 'active' as const,
        createdAt: at,
        expiresAt: at + 6 * DAY,
      }
      tell({ type: 'epoch', tenant: TENANT, ref: ref('task', id) }, at)
      tell({ type: 'task', task }, at)
      grants.set(agent, grantOf(agent, id, at))
    },
    act(agent, act, at) {
      const request = requestOf(agent, act, at)
      const decided = decideBriefly(state, request)
      for (const event of decided.events) apply(tenant, event)
      if (decided.forward) for (const event of outcome(tenant, request.id, act, at + 50)) apply(tenant, event)
      return decided
    },
    ask: (agent, act, at) => decideBriefly(state, requestOf(agent, act, at)),
    reset: (agent, at) => tell({ type: 'trust-reset', tenant: TENANT, agent, by: USER }, at),
    levelOf: (agent) => tenant.live.agents.get(agent)?.trust.level ?? 'elevated',
  }

  function outcome(of: TenantState, id: string, act: Act, at: number): EngineEvent[] {
    const open = of.live.calls.get(id)
    const tool = of.directory.tools.get(`${SERVER}/${act.tool}`)
    if (open === undefined || tool === undefined) return []
    const { structured, error } = answerOf(act)
    const flow = observe(of.live.flows.get(open.flow)?.state ?? emptyFlow(null), {
      callId: id,
      server: SERVER,
      tool: act.tool,
      roles: tool.roles,
      args: parsed(act.args),
      result: { text: [error ?? JSON.stringify(structured)], ...(structured === null ? {} : { structured }) },
      error: null,
    })
    const status = error === null ? 'ok' : 'tool_error'
    return [{ type: 'settled', id, at, status, flow, contestable: at + contestWindow }]
  }
}

function agentOf(id: string): Agent {
  return {
    tenant: TENANT,
    id,
    version: 1,
    name: id,
    owner: USER,
    registration: 'owner',
    jwks: [],
    redirectUris: [],
    composition: [],
    autonomous: false,
    status: 'active',
    trustCeiling: null,
    createdAt: START,
  }
}

function grantOf(agent: string, task: string, at: number): Grant {
  return {
    id: `g-${task}`,
    tenant: TENANT,
    agent,
    user: USER,
    via: [],
    clientId: agent,
    audience: [`http://localhost/mcp/${SERVER}`],
    scope: SCOPES,
    task,
    details: { type: 'safeconduct_task', task },
    epochs: [ref('tenant', TENANT), ref('agent', agent), ref('user', USER), ref('task', task)],
    jkt: 'thumbprint',
    issuedAt: at,
    expiresAt: at + 6 * DAY,
    authenticatedAt: at,
  }
}

function furniture(): ControlEvent[] {
  const { agentPolicies, userPolicies } = STARTER_POLICIES
  return [
    { type: 'epoch', tenant: TENANT, ref: ref('tenant', TENANT) },
    { type: 'epoch', tenant: TENANT, ref: ref('user', USER) },
    {
      type: 'server',
      server: {
        tenant: TENANT,
        id: SERVER,
        version: 1,
        name: SERVER,
        transport: { kind: 'http', url: 'http://localhost/mcp' },
        standing: 'approved',
        credential: null,
        trustedOutput: true,
        createdAt: START,
      },
    },
    ...TOOLS.map((definition): ControlEvent => {
      const name = String(definition.name)
      return {
        type: 'tool',
        tool: {
          tenant: TENANT,
          id: `${SERVER}/${name}`,
          version: 1,
          server: SERVER,
          name,
          digest: `sha256:${name}`,
          definition,
          status: 'active',
          reason: null,
          proposed: null,
          proposedDigest: null,
          firstSeen: START,
        },
      }
    }),
    {
      type: 'policy',
      tenant: TENANT,
      version: {
        tenant: TENANT,
        id: 'starter',
        version: 1,
        agentPolicies,
        userPolicies,
        digest: 'sha256:starter',
        status: 'active',
        createdAt: START,
        createdBy: USER,
      },
    },
  ]
}
