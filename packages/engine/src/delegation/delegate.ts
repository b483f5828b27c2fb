/**
 * The delegate stage: for whom does the agent act, under which errand, narrowed how, and is every link alive? Reads
 * memory only. The order of the checks is the order in which a refusal is told.
 * @module
 */
import {
  type CallRequest,
  type Delegation,
  type ErrorCode,
  MAX_CHAIN_DEPTH,
  type Operation,
  type Scope,
  type Server,
  type Task,
  type TaskDetails,
} from '@safeconduct/protocol'
import { type KnownTool, methodEntry } from '../integrity/catalogue.ts'
import { toolId } from '../integrity/pins.ts'
import { flowKey, ROLLOVER, type TenantState } from '../state.ts'
import { type Purse, type Reservation, reserve } from './budget.ts'
import { checkDetails, type Refusal } from './details.ts'
import { epochKey, revokedLink } from './epochs.ts'
import { missingScopes } from './scopes.ts'

export interface Errand {
  /** The first thing that stands against the call, or null. */
  readonly refusal: Refusal | null
  /** The caller has no live grant: its call must not move anybody's risk or budget, in no mode of enforcement. */
  readonly dead: boolean
  readonly task: Task | null
  readonly server: Server | null
  readonly tool: KnownTool | null
  readonly depth: number
  /** All scopes the next token needs, when this one lacks one. */
  readonly scopes: readonly Scope[]
  readonly reservations: readonly Reservation[]
  readonly rolled: boolean
  readonly flowKey: string
}

/** Changes to a question for a tested counterfactual, and listing, where arguments are not known yet. */
export interface ErrandAssumption {
  readonly scopes?: boolean
  readonly details?: boolean
  readonly ignoreArguments?: boolean
}

export function delegate(
  state: TenantState | undefined,
  request: CallRequest,
  assume: ErrandAssumption = {},
): Errand {
  const { grant, operation } = request
  const none: Errand = {
    refusal: null,
    dead: true,
    task: null,
    server: null,
    tool: null,
    depth: grant.via.length,
    scopes: [],
    reservations: [],
    rolled: false,
    flowKey: grant.task,
  }
  const living = standOn(state, request)
  if ('refusal' in living) return { ...none, refusal: living.refusal }
  const { tenant, task, links } = living
  const errand = locate(tenant, operation, { ...none, dead: false, task }, request)
  if (errand.refusal !== null) return errand
  return narrow(tenant, request, errand, task, links, assume)
}

/** False once anything that the grant hangs on has ended: asked again when its intent is durable, before it goes out. */
export function isAlive(state: TenantState, request: Pick<CallRequest, 'grant' | 'at'>): boolean {
  return !('refusal' in standOn(state, request))
}

/** What a live grant hangs on, or why it is dead. */
function standOn(
  state: TenantState | undefined,
  { grant, at }: Pick<CallRequest, 'grant' | 'at'>,
):
  | { readonly tenant: TenantState; readonly task: Task; readonly links: readonly Delegation[] }
  | { readonly refusal: Refusal } {
  const stop = (code: ErrorCode, member: string, why: string): { readonly refusal: Refusal } => ({
    refusal: { code, member, why, fit: null },
  })
  if (state === undefined) return stop('revoked', 'tenant', 'The tenant is not known.')
  const link = revokedLink(state.directory.epochs, grant)
  if (link !== null)
    return stop('revoked', link.kind, `The ${link.kind} ${link.id} was revoked or is not known.`)
  if (at >= grant.expiresAt) return stop('invalid_token', 'grant', 'The grant has expired.')
  const task = state.directory.tasks.get(grant.task)
  const first = grant.via.at(-1) ?? grant.agent
  if (task === undefined || task.user !== grant.user || task.agent !== first) {
    return stop('revoked', 'task', 'The task is not known.')
  }
  if (task.status !== 'active') return stop('expired', 'task', 'The task has ended.')
  if (at >= task.expiresAt) return stop('expired', 'task', 'The task has expired.')
  for (const id of [grant.agent, ...grant.via]) {
    const agent = state.directory.agents.get(id)
    if (agent === undefined || agent.status !== 'active') {
      return stop('revoked', 'agent', `The agent ${id} is disabled or not known.`)
    }
  }
  const links: Delegation[] = []
  for (const ref of grant.epochs) {
    if (ref.kind !== 'delegation') continue
    const link = state.directory.delegations.get(ref.id)
    // Its limits cannot be looked at, so nothing may pass them.
    if (link === undefined || link.task !== grant.task) {
      return stop('revoked', 'delegation', `The delegation ${ref.id} is not known.`)
    }
    links.push(link)
  }
  const lapsed = links.find((each) => at >= each.expiresAt)
  if (lapsed !== undefined) return stop('expired', 'delegation', `The delegation ${lapsed.id} has expired.`)
  if (grant.via.length + 1 > MAX_CHAIN_DEPTH) {
    return stop('chain_too_long', 'chain', `The chain is longer than ${MAX_CHAIN_DEPTH} agents.`)
  }
  // Every hand-over is a link of its own, and could not be ended if the grant did not name it.
  if (links.length < grant.via.length)
    return stop('revoked', 'delegation', 'A link of the chain is not named.')
  return { tenant: state, task, links }
}

/** Server and tool of the operation, and the window of the task. */
function locate(state: TenantState, operation: Operation, errand: Errand, request: CallRequest): Errand {
  const { grant, at } = request
  const refuse = (code: ErrorCode, member: string, why: string): Errand => ({
    ...errand,
    refusal: { code, member, why, fit: null },
  })
  const server = state.directory.servers.get(operation.server)
  if (server === undefined) return refuse('not_found', 'server', `There is no server ${operation.server}.`)
  const implicit = errand.task?.implicit === true
  const window = state.live.tasks.get(grant.task)
  const located: Errand = {
    ...errand,
    server,
    tool: toolOf(state, operation),
    rolled:
      implicit &&
      window !== undefined &&
      (at - window.lastAt > ROLLOVER.idle || at - window.startedAt > ROLLOVER.age),
    // What one agent of the chain has read, the others may act on: they share what is known of it.
    flowKey: flowKey(grant.task, implicit, grant.via.at(-1) ?? grant.agent, grant.user),
  }
  if (located.tool !== null) return located
  return {
    ...located,
    refusal: {
      code: 'unknown_tool',
      member: 'tool',
      why: 'The tool was never listed by its server.',
      fit: null,
    },
  }
}

function toolOf(state: TenantState, operation: Operation): KnownTool | null {
  if (operation.kind !== 'tool') return methodEntry(operation.kind)
  return operation.name === null
    ? null
    : (state.directory.tools.get(toolId(operation.server, operation.name)) ?? null)
}

/** Scope, details of task, links and grant, and budget: each can only narrow. */
function narrow(
  state: TenantState,
  request: CallRequest,
  errand: Errand,
  task: Task,
  links: readonly Delegation[],
  assume: ErrandAssumption,
): Errand {
  const { grant, operation, at } = request
  const write = errand.tool?.write === true
  const scopes = assume.scopes === true ? [] : missingScopes(grant.scope, write ? 'mcp:write' : 'mcp:read')
  if (scopes.length > 0) {
    const why = 'The access token lacks a scope that the operation needs.'
    return { ...errand, scopes, refusal: { code: 'insufficient_scope', member: 'scope', why, fit: null } }
  }
  if (assume.details !== true) {
    const question = { operation, at, ignoreArguments: assume.ignoreArguments === true }
    for (const details of [task.details, ...links.map((link) => link.details), grant.details]) {
      const refusal = checkDetails(details, question)
      if (refusal !== null) return { ...errand, refusal }
    }
  }
  // Opening a session and listing spend nothing: a budget counts what an errand does.
  if (operation.kind === 'list' || operation.kind === 'session') return errand
  const tool = operation.kind === 'tool' && errand.tool !== null ? errand.tool.action : null
  const budget = reserve(
    errand.rolled ? withoutTask(state, task) : state.live.spent,
    pursesOf(request, task, links),
    {
      tool: assume.ignoreArguments === true ? null : tool,
      args: operation.args,
      write,
    },
  )
  return { ...errand, refusal: budget.refusal, reservations: budget.reservations }
}

function withoutTask(state: TenantState, task: Task): TenantState['live']['spent'] {
  const spent = new Map(state.live.spent)
  spent.delete(epochKey('task', task.id))
  return spent
}

/**
 * Whoever draws, the task's purse pays, and the purse of every link above. What the grant says on top of its last
 * link holds for that link's purse.
 */
function pursesOf({ grant }: CallRequest, task: Task, links: readonly Delegation[]): Purse[] {
  const { expiresAt } = task
  const purses = [purseOf(epochKey('task', task.id), expiresAt, task.details)]
  for (const link of links) {
    const key = epochKey('delegation', link.id)
    const known = purses.find((purse) => purse.key === key)
    if (known === undefined) purses.push(purseOf(key, expiresAt, link.details))
    else put(known, link.details)
  }
  const last = links.at(-1)
  const key = last === undefined ? purses[0]?.key : epochKey('delegation', last.id)
  const pays = purses.find((purse) => purse.key === key)
  if (pays !== undefined) put(pays, grant.details)
  return purses
}

interface OpenPurse extends Purse {
  readonly budgets: NonNullable<TaskDetails['budget']>[]
}

function purseOf(key: string, expiresAt: number, { budget }: TaskDetails): OpenPurse {
  return { key, expiresAt, budgets: budget === undefined ? [] : [budget] }
}

function put({ budgets }: OpenPurse, { budget }: TaskDetails): void {
  if (budget !== undefined) budgets.push(budget)
}
