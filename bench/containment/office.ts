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
  type TenantState,
} from '@safeconduct/engine'
import { canonicalize, type Grant, type JsonObject, parseJson } from '@safeconduct/protocol'
import { agentEvents, errandOf, serverEvent, tenantEvents, toolEvent, USER } from '../lib/tenant.ts'
import { type Act, answerOf, INTENT, TOOLS } from './scenario.ts'

const TENANT = 'bench'
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
        for (const event of agentEvents(TENANT, agent, at)) tell(event, at)
      }
      const task = `${agent}-${at}`
      const { events, grant } = errandOf({ tenant: TENANT, agent, task, intent: INTENT, at, life: 6 * DAY })
      for (const event of events) tell(event, at)
      grants.set(agent, grant)
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

function furniture(): ControlEvent[] {
  return [
    ...tenantEvents(TENANT, START),
    serverEvent(TENANT, SERVER, START),
    ...TOOLS.map((definition) => toolEvent(TENANT, SERVER, definition, START)),
  ]
}
