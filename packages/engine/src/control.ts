/**
 * Carries registrations, tools, policies and epochs into the directory. Returns the events that a change means for the
 * live state: they are applied and recorded like those of a call. What a record that cannot be taken in was before goes,
 * too: the store has another one by now, and what is unknown is denied.
 * @module
 */
import type { Agent, Approval, PinnedTool, PolicyVersion, Server, User } from '@safeconduct/protocol'
import { raise } from './delegation/epochs.ts'
import { agentEntity, putElevation, userEntity } from './elevation/held.ts'
import type { EngineEvent } from './events.ts'
import { afterHearing } from './flow/index.ts'
import { type KnownTool, knownTool } from './integrity/catalogue.ts'
import { compositionDigest } from './integrity/composition.ts'
import type { CompiledPolicies, PolicyEngine } from './policy/engine.ts'
import { GROUPS, METHOD_ACTIONS } from './policy/schema.ts'
import type { ControlEvent } from './ports.ts'
import { bindingKey, type Directory, type EngineState, type TenantState, tenantState } from './state.ts'

export function control(
  state: EngineState,
  engine: PolicyEngine,
  event: ControlEvent,
  at: number,
): { readonly tenant: TenantState; readonly events: readonly EngineEvent[] } {
  const tenant = tenantState(state, tenantOf(event))
  return { tenant, events: carry(tenant, engine, event, at) }
}

export function tenantOf(event: ControlEvent): string {
  switch (event.type) {
    case 'agent':
      return event.agent.tenant
    case 'server':
      return event.server.tenant
    case 'tool':
      return event.tool.tenant
    case 'task':
      return event.task.tenant
    case 'approval':
      return event.approval.tenant
    case 'delegation':
      return event.delegation.tenant
    case 'user':
      return event.user.tenant
    case 'elevation':
      return event.elevation.tenant
    default:
      return event.tenant
  }
}

function carry(tenant: TenantState, engine: PolicyEngine, event: ControlEvent, at: number): EngineEvent[] {
  const { directory } = tenant
  switch (event.type) {
    case 'epoch':
      raise(directory.epochs, event.ref)
      return []
    case 'agent':
      return takeAgent(tenant, event.agent, at)
    case 'user':
      directory.users.set(event.user.id, event.user)
      if (directory.policy !== null) putUser(directory.policy.compiled, event.user)
      return []
    case 'elevation':
      putElevation(directory, event.elevation, at)
      return []
    case 'server':
      directory.servers.set(event.server.name, event.server)
      if (directory.policy !== null) putServer(directory.policy.compiled, event.server)
      // Roles depend on what the owner says of the server.
      putTools(
        directory,
        [...directory.tools.values()].flatMap(({ pin }) => (pin?.server === event.server.name ? [pin] : [])),
      )
      return []
    case 'server-removed':
      return removeServer(directory, event.server)
    case 'tool':
      putTool(directory, event.tool)
      return []
    case 'task':
      directory.tasks.set(event.task.id, event.task)
      forgetOld(directory, at)
      return []
    case 'delegation':
      directory.delegations.set(event.delegation.id, event.delegation)
      return []
    case 'policy':
      activate(directory, engine, event.version)
      return []
    // It is asked beside the decisions and is no part of what they are made from (`decider/trials.ts`).
    case 'shadow':
      return []
    case 'approval':
      putApproval(directory, event.approval, at)
      return []
    case 'relations':
      directory.relations = event.facts
      return []
    case 'heard': {
      const { server, source, texts } = event
      if (!directory.servers.has(server)) return []
      directory.heard.set(server, afterHearing(directory.heard.get(server) ?? [], server, source, texts))
      return []
    }
    case 'trust-reset':
      return [{ type: 'trust-reset', agent: event.agent, at, by: event.by }]
    case 'erased':
      return eraseUser(tenant, event.user)
  }
}

function takeAgent(tenant: TenantState, agent: Agent, at: number): EngineEvent[] {
  const { agents, policy } = tenant.directory
  agents.delete(agent.id)
  const events = recomposed(tenant, agent, at)
  agents.set(agent.id, agent)
  if (policy !== null) putAgent(policy.compiled, agent)
  return events
}

function recomposed({ live }: TenantState, agent: Agent, at: number): EngineEvent[] {
  const digest = compositionDigest(agent.composition)
  const known = live.agents.get(agent.id)?.composition.current ?? ''
  return known === digest ? [] : [{ type: 'composition', agent: agent.id, at, digest, first: known === '' }]
}

/** A message about an older version of the same record is late and says nothing. */
function putApproval(directory: Directory, approval: Approval, at: number): void {
  const key = bindingKey(approval)
  const before = directory.approvals.get(key)
  if (before?.id === approval.id && before.version > approval.version) return
  // What is over must not hide a newer request for the same call.
  const over = approval.status === 'used' || approval.status === 'expired'
  if (over && before !== undefined && before.id !== approval.id) return
  if (before === undefined && (over || at >= approval.expiresAt)) return
  directory.approvals.set(key, approval)
}

/** Each of them, whatever becomes of the others. @throws what the first one throws that cannot be taken in */
function putTools(directory: Directory, pins: readonly PinnedTool[]): void {
  const failures: unknown[] = []
  for (const pin of pins) {
    try {
      putTool(directory, pin)
    } catch (cause) {
      failures.push(cause)
    }
  }
  if (failures.length > 0) throw failures[0]
}

function putTool(directory: Directory, pin: PinnedTool): void {
  directory.tools.delete(pin.id)
  directory.revision = null
  const tool = knownTool(pin, directory.servers.get(pin.server))
  directory.tools.set(pin.id, tool)
  if (directory.policy !== null) putToolEntities(directory.policy.compiled, tool)
}

function removeServer(directory: Directory, name: string): EngineEvent[] {
  // Events name a server by id or by name; both are unique in a tenant.
  const server =
    directory.servers.get(name) ?? [...directory.servers.values()].find((each) => each.id === name)
  if (server === undefined) return []
  directory.servers.delete(server.name)
  directory.heard.delete(server.name)
  const compiled = directory.policy?.compiled
  compiled?.drop({ type: 'Server', id: server.name })
  for (const [id, tool] of directory.tools) {
    if (tool.pin?.server !== server.name) continue
    directory.tools.delete(id)
    for (const type of ['Action', 'Tool']) compiled?.drop({ type, id })
  }
  directory.revision = null
  return []
}

/**
 * Compiles the version and puts it in force. A version that does not compile leaves nothing in force: an active
 * version that cannot be read must deny, not leave its predecessor ruling.
 * @throws {SafeconductError} `policy_invalid`
 */
function activate(directory: Directory, engine: PolicyEngine, version: PolicyVersion): void {
  if (version.status !== 'active') {
    if (directory.policy?.digest === version.digest) directory.policy = null
    return
  }
  directory.policy = null
  // It was validated against the schema when it was written; a tool that is gone since must not unload it.
  const compiled = engine.compile(version, null)
  for (const id of GROUPS) compiled.put({ uid: { type: 'Action', id }, attrs: {}, parents: [] })
  for (const [id, group] of Object.entries(METHOD_ACTIONS)) {
    compiled.put({ uid: { type: 'Action', id }, attrs: {}, parents: [{ type: 'Action', id: group }] })
  }
  for (const agent of directory.agents.values()) putAgent(compiled, agent)
  for (const user of directory.users.values()) putUser(compiled, user)
  for (const server of directory.servers.values()) putServer(compiled, server)
  for (const tool of directory.tools.values()) putToolEntities(compiled, tool)
  directory.policy = { digest: version.digest, compiled }
}

function putAgent(compiled: CompiledPolicies, agent: Agent): void {
  compiled.put(agentEntity(agent))
}

function putUser(compiled: CompiledPolicies, user: User): void {
  compiled.put(userEntity(user))
}

function putServer(compiled: CompiledPolicies, { name, standing, zone = '', sensitivity = 0 }: Server): void {
  compiled.put({
    uid: { type: 'Server', id: name },
    attrs: { name, standing, zone, sensitivity },
    parents: [],
  })
}

function putToolEntities(compiled: CompiledPolicies, { action, groups, pin }: KnownTool): void {
  const parents = groups.map((id) => ({ type: 'Action', id }))
  compiled.put({ uid: { type: 'Action', id: action }, attrs: {}, parents })
  if (pin !== null) {
    compiled.put({
      uid: { type: 'Tool', id: action },
      attrs: {},
      parents: [{ type: 'Server', id: pin.server }],
    })
  }
}

const TASKS_KEPT = 50_000

/** Ended errands and what hangs on them go when the directory grows large; unknown still means refused. */
function forgetOld(directory: Directory, at: number): void {
  if (directory.tasks.size <= TASKS_KEPT) return
  for (const [id, task] of directory.tasks) {
    if (task.status !== 'active' || task.expiresAt <= at) directory.tasks.delete(id)
  }
  for (const [id, link] of directory.delegations) if (link.expiresAt <= at) directory.delegations.delete(id)
}

function eraseUser({ directory, live }: TenantState, user: string): EngineEvent[] {
  // Whose a task was that is no longer known, nobody can say; it is dead, so what it read goes, too.
  const tasks = [...live.tasks.keys()].filter((id) => !directory.tasks.has(id))
  for (const [id, task] of directory.tasks) {
    if (task.user !== user) continue
    tasks.push(id)
    directory.tasks.delete(id)
  }
  directory.users.delete(user)
  for (const [key, approval] of directory.approvals)
    if (approval.user === user) directory.approvals.delete(key)
  return [{ type: 'erased', user, tasks }]
}
