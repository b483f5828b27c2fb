/**
 * What a bench in process registers before its calls: a tenant with the starter policy and one approved server, and agents
 * with proven keys that its one user sends. Times are milliseconds.
 * @module
 */
import { type ControlEvent, STARTER_POLICIES } from '@safeconduct/engine'
import {
  type Agent,
  type EpochKind,
  type EpochRef,
  type Grant,
  type JsonObject,
  SCOPES,
} from '@safeconduct/protocol'

export const USER = 'user'

const ref = (kind: EpochKind, id: string): EpochRef => ({ kind, id, epoch: 1 })

const epoch = (tenant: string, each: EpochRef): ControlEvent => ({ type: 'epoch', tenant, ref: each })

/** A tenant whose policy is the one that ships. */
export function tenantEvents(tenant: string, at: number): ControlEvent[] {
  const version = {
    tenant,
    id: 'starter',
    version: 1,
    ...STARTER_POLICIES,
    digest: 'sha256:starter',
    status: 'active' as const,
    createdAt: at,
    createdBy: USER,
  }
  return [
    epoch(tenant, ref('tenant', tenant)),
    epoch(tenant, ref('user', USER)),
    { type: 'policy', tenant, version },
  ]
}

/** An approved server whose output is trusted as far as its fields say. */
export function serverEvent(tenant: string, name: string, at: number): ControlEvent {
  const server = {
    tenant,
    id: name,
    version: 1,
    name,
    transport: { kind: 'http' as const, url: 'http://localhost/mcp' },
    standing: 'approved' as const,
    credential: null,
    trustedOutput: true,
    createdAt: at,
  }
  return { type: 'server', server }
}

/** A tool as it was pinned and approved. */
export function toolEvent(tenant: string, server: string, definition: JsonObject, at: number): ControlEvent {
  const name = String(definition.name)
  const tool = {
    tenant,
    id: `${server}/${name}`,
    version: 1,
    server,
    name,
    digest: `sha256:${name}`,
    definition,
    status: 'active' as const,
    reason: null,
    proposed: null,
    proposedDigest: null,
    firstSeen: at,
  }
  return { type: 'tool', tool }
}

/** @param composition none unless given */
export function agentEvents(
  tenant: string,
  id: string,
  at: number,
  composition: Agent['composition'] = [],
): ControlEvent[] {
  const agent: Agent = {
    tenant,
    id,
    version: 1,
    name: id,
    owner: USER,
    registration: 'owner',
    jwks: [],
    redirectUris: [],
    composition,
    autonomous: false,
    status: 'active',
    trustCeiling: null,
    createdAt: at,
  }
  return [epoch(tenant, ref('agent', id)), { type: 'agent', agent }]
}

export interface Errand {
  readonly tenant: string
  readonly agent: string
  /** Id of the task. */
  readonly task: string
  /** The user's words; null = nobody knows them. */
  readonly intent: string | null
  readonly at: number
  /** How long task and grant hold, ms. */
  readonly life: number
}

/** A task of an agent that is there, and a grant for it that is bound to a key. */
export function errandOf(errand: Errand): { readonly events: ControlEvent[]; readonly grant: Grant } {
  const { tenant, agent, task: id, intent, at, life } = errand
  const details = { type: 'safeconduct_task' as const, task: id }
  const task = {
    tenant,
    id,
    version: 1,
    agent,
    user: USER,
    intent,
    intentDigest: null,
    implicit: intent === null,
    details,
    status: 'active' as const,
    createdAt: at,
    expiresAt: at + life,
  }
  const grant: Grant = {
    id: `${id}-grant`,
    tenant,
    agent,
    user: USER,
    via: [],
    clientId: agent,
    audience: [],
    scope: SCOPES,
    task: id,
    details,
    epochs: [ref('tenant', tenant), ref('user', USER), ref('agent', agent), ref('task', id)],
    jkt: 'bench',
    issuedAt: at,
    expiresAt: at + life,
    authenticatedAt: at,
  }
  return { events: [epoch(tenant, ref('task', id)), { type: 'task', task }], grant }
}
