/**
 * What could be changed about a call or its world, each as a step and as what it does to a fork of the state. The same
 * thing is done when a person does it: the verb is named beside each.
 * @module
 */
import {
  type Approval,
  type CallRequest,
  type CounterfactualStep,
  type JsonValue,
  SCOPES,
  type TaskDetails,
} from '@safeconduct/protocol'
import { valuesAt } from '../delegation/details.ts'
import { epochKey } from '../delegation/epochs.ts'
import type { TurnEvent } from '../events.ts'
import { knownTool } from '../integrity/catalogue.ts'
import { flowKey as zoneFlowKey } from '../policy/bindings.ts'
import type { RelationFacts } from '../ports.ts'
import type { EngineState, TenantState } from '../state.ts'
import type { Assumption } from './combine.ts'
import { happens } from './fork.ts'

/** A question as it would be. The state is a fork and may be changed. */
export interface Hypothesis {
  readonly state: EngineState
  readonly tenant: TenantState
  readonly request: CallRequest
  readonly approval: Approval | null
  readonly assume: Assumption
}

/** null when the step cannot be taken there. */
export type Change = (from: Hypothesis) => Hypothesis | null

const MINUTE = 60_000

/** What a repeated call meets: the turn of this one has been taken, and a moment has passed. */
function later(from: Hypothesis, turn: TurnEvent): Hypothesis {
  happens(from.tenant, turn)
  const at = from.request.at + 1
  const { proof } = from.request
  return {
    ...from,
    request: { ...from.request, at, proof: proof.provenAt === null ? proof : { ...proof, provenAt: at } },
  }
}

/** `approvals approve`, then the same call again. */
export function approved(turn: TurnEvent): Change {
  return (from) => {
    const next = later(from, turn)
    const { grant, operation, at, id } = next.request
    const approval: Approval = {
      tenant: grant.tenant,
      id,
      version: 2,
      decision: id,
      agent: grant.agent,
      user: grant.user,
      task: grant.task,
      server: operation.server,
      tool: operation.name ?? operation.method,
      argsDigest: '',
      args: operation.args,
      why: [],
      status: 'approved',
      createdAt: at,
      expiresAt: at + MINUTE,
      decidedBy: null,
      decidedAt: at,
    }
    return { ...next, approval: next.approval?.status === 'approved' ? next.approval : approval }
  }
}

/** The same call again with a new proof. */
export function provenAgain(turn: TurnEvent): Change {
  return (from) => (from.request.proof.provenAt === null ? null : later(from, turn))
}

export function argument(path: string, value: JsonValue): Change {
  return (from) => {
    const { request } = from
    const { operation } = request
    const args = { ...operation.args, [path]: value }
    return { ...from, approval: null, request: { ...request, operation: { ...operation, args } } }
  }
}

/** A token with the scopes that were missing. */
export function withScopes(scopes: readonly string[]): Change {
  return (from) => {
    const { grant } = from.request
    const scope = SCOPES.filter((one) => grant.scope.includes(one) || scopes.includes(one))
    return { ...from, request: { ...from.request, grant: { ...grant, scope } } }
  }
}

/** A client that holds a key: `agents register --jwks`, and DPoP on its calls. */
export const keyed: Change = (from) => {
  const { request } = from
  const { grant, at } = request
  const proof = { kind: 'dpop', provenAt: at } as const
  return { ...from, request: { ...request, proof, grant: { ...grant, jkt: grant.jkt ?? 'a key' } } }
}

/** Rewrites the details of the task, of each link and of the grant. */
function rewritten(from: Hypothesis, rewrite: (details: TaskDetails) => TaskDetails): Hypothesis | null {
  const { grant } = from.request
  const { tasks, delegations } = from.tenant.directory
  const task = tasks.get(grant.task)
  if (task === undefined) return null
  tasks.set(task.id, { ...task, details: rewrite(task.details) })
  for (const ref of grant.epochs) {
    const link = ref.kind === 'delegation' ? delegations.get(ref.id) : undefined
    if (link !== undefined) delegations.set(link.id, { ...link, details: rewrite(link.details) })
  }
  const details = rewrite(grant.details)
  return { ...from, request: { ...from.request, grant: { ...grant, details } } }
}

/** A new consent that includes what the member left out. */
export function errandIncludes(member: string): Change {
  return (from) => {
    const { server, name } = from.request.operation
    const tool = `${server}/${name ?? ''}`
    const more = (list: readonly string[] | undefined, item: string): string[] | undefined =>
      list === undefined ? undefined : [...list, item]
    return rewritten(from, (details) => {
      switch (member) {
        case 'servers':
          return changed(details, 'servers', more(details.servers, server))
        case 'tools':
          return changed(details, 'tools', more(details.tools, tool))
        case 'resources':
          return changed(details, 'resources', more(details.resources, name ?? ''))
        default:
          return withoutLimit(details, tool, member)
      }
    })
  }
}

function changed<K extends keyof TaskDetails>(
  details: TaskDetails,
  key: K,
  value: TaskDetails[K],
): TaskDetails {
  return value === undefined ? details : { ...details, [key]: value }
}

/** `argument_limits.<tool>.<path>`: the limit on that argument is gone. */
function withoutLimit(details: TaskDetails, tool: string, member: string): TaskDetails {
  const limits = details.argument_limits
  const prefix = `argument_limits.${tool}.`
  if (limits === undefined || !Object.hasOwn(limits, tool) || !member.startsWith(prefix)) return details
  const { [member.slice(prefix.length)]: _gone, ...rest } = limits[tool] ?? {}
  return { ...details, argument_limits: { ...limits, [tool]: rest } }
}

/** What the budget for `budget.calls`, `budget.writes` or `budget.sums.<name>` has to be for the call; null = no number helps. */
export function budgetNeeded(tenant: TenantState, request: CallRequest, member: string): number | null {
  const { grant, operation } = request
  const links = grant.epochs.filter(({ kind }) => kind === 'delegation')
  const keys = [epochKey('task', grant.task), ...links.map(({ id }) => epochKey('delegation', id))]
  const spent = keys.map((key) => tenant.live.spent.get(key))
  if (member === 'budget.calls') return Math.max(...spent.map((one) => one?.calls ?? 0)) + 1
  if (member === 'budget.writes') return Math.max(...spent.map((one) => one?.writes ?? 0)) + 1
  const name = member.startsWith('budget.sums.') ? member.slice('budget.sums.'.length) : null
  const path = name?.slice(`${operation.server}/${operation.name ?? ''}:`.length)
  if (name === null || path === undefined) return null
  let amount = 0
  const values = valuesAt(operation.args, path)
  for (const value of values) {
    if (typeof value !== 'number' || value < 0) return null
    amount += value
  }
  return values.length === 0 ? null : Math.max(...spent.map((one) => one?.sums.get(name) ?? 0)) + amount
}

export function budgetOf(member: string, limit: number): Change {
  return (from) =>
    rewritten(from, (details) => {
      const { budget } = details
      if (budget === undefined) return details
      if (member === 'budget.calls' || member === 'budget.writes') {
        const key = member === 'budget.calls' ? 'calls' : 'writes'
        const old = budget[key]
        return old === undefined
          ? details
          : { ...details, budget: { ...budget, [key]: Math.max(old, limit) } }
      }
      const name = member.slice('budget.sums.'.length)
      const old = budget.sums?.[name]
      if (old === undefined) return details
      return { ...details, budget: { ...budget, sums: { ...budget.sums, [name]: Math.max(old, limit) } } }
    })
}

/** `servers approve-tool`: the definition that waits becomes the one that counts. */
export const toolApproved: Change = (from) => {
  const { server, name } = from.request.operation
  const { tools, servers } = from.tenant.directory
  const known = tools.get(`${server}/${name ?? ''}`)
  if (known?.pin == null) return null
  const definition = known.pin.proposed ?? known.pin.definition
  const tool = knownTool({ ...known.pin, definition, status: 'active' }, servers.get(server))
  // Policies are asked with the groups that the tool has now.
  if (tool.groups.join() !== known.groups.join()) return null
  tools.set(tool.pin?.id ?? '', tool)
  return from
}

/** `servers approve`. */
export const serverApproved: Change = (from) => {
  const { servers } = from.tenant.directory
  const server = servers.get(from.request.operation.server)
  if (server === undefined || server.standing === 'approved') return null
  servers.set(server.name, { ...server, standing: 'approved' })
  return from
}

/** A new errand whose intent holds the values: nothing has been read in it yet. */
export function spokenBy(values: readonly string[], flow: string): Change {
  return (from) => {
    const { tasks } = from.tenant.directory
    const task = tasks.get(from.request.grant.task)
    if (task === undefined) return null
    tasks.set(task.id, { ...task, intent: intentWith(task.intent, values) })
    from.tenant.live.flows.delete(flow)
    return from
  }
}

export function intentWith(intent: string | null, values: readonly string[]): string {
  return [...(intent === null ? [] : [intent]), ...values].join('\n')
}

/** `agents trust`: a person looked, and what is remembered against the agent is gone. */
export function reviewed(agent: string): Change {
  return (from) => {
    if (!from.tenant.live.agents.has(agent)) return null
    happens(from.tenant, { type: 'trust-reset', agent, at: from.request.at, by: '' })
    return from
  }
}

/** `agents trust --ceiling none`, which resets its risk, too. */
export function uncapped(agent: string): Change {
  return (from) => {
    const { agents } = from.tenant.directory
    const known = agents.get(agent)
    if (known === undefined || known.trustCeiling === null) return null
    agents.set(agent, { ...known, trustCeiling: null })
    return reviewed(agent)(from) ?? from
  }
}

/** A tuple, or whatever else makes the relation hold. */
export function related(step: Extract<CounterfactualStep, { kind: 'relation' }>): Change {
  return (from) => {
    const facts = from.assume.relations ?? from.tenant.directory.relations
    return facts === null ? null : { ...from, assume: { ...from.assume, relations: withFact(facts, step) } }
  }
}

function withFact(
  facts: RelationFacts,
  fact: { readonly user: string; readonly relation: string; readonly object: string },
): RelationFacts {
  const { relationsOf } = facts
  return {
    revision: facts.revision,
    check: (user, relation, object) =>
      (user === fact.user && relation === fact.relation && object === fact.object) ||
      facts.check(user, relation, object),
    ...(relationsOf === undefined ? {} : { relationsOf: (type: string) => relationsOf.call(facts, type) }),
  }
}

/** `tasks elevate`, granted; or `agents role`. */
export function elevated(step: Extract<CounterfactualStep, { kind: 'elevation' }>): Change {
  return (from) => {
    const { grant, at } = from.request
    const { elevations } = from.tenant.directory
    const held = elevations.get(grant.task) ?? new Map()
    const id = `${step.principal}:${step.id}:${step.role}`
    held.set(id, {
      tenant: grant.tenant,
      id,
      version: 1,
      for: step.principal,
      principal: step.id,
      role: step.role,
      task: grant.task,
      purpose: '',
      reason: '',
      minutes: 1,
      status: 'active',
      askedBy: '',
      createdAt: at,
      decidedBy: '',
      decidedAt: at,
      expiresAt: at + MINUTE,
      endedAt: null,
    })
    elevations.set(grant.task, held)
    return from
  }
}

/** A version whose `@flows` has the rule. */
export function flowing(step: Extract<CounterfactualStep, { kind: 'zone-flow' }>): Change {
  return (from) => {
    const { directory } = from.tenant
    const { policy } = directory
    if (policy === null) return null
    const { bindings } = policy.compiled
    const flows = new Set([...bindings.flows, zoneFlowKey(step.from, step.to, step.effect)])
    directory.policy = { ...policy, compiled: { ...policy.compiled, bindings: { ...bindings, flows } } }
    return from
  }
}
