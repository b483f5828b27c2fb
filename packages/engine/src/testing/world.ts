/**
 * A small tenant for tests: one owner, agents, a market server with tools, a task, grants and calls.
 * @module
 */
import { createHash } from 'node:crypto'
import type {
  Agent,
  Approval,
  CallRequest,
  CallResult,
  Delegation,
  EpochRef,
  Grant,
  JsonObject,
  JsonValue,
  PinnedTool,
  PolicyVersion,
  Proof,
  Server,
  Task,
  TaskDetails,
} from '@safeconduct/protocol'
import { apply } from '../apply.ts'
import { control } from '../control.ts'
import { createDecider, type DeciderPorts, type EngineDecider } from '../decider.ts'
import { createCedarEngine } from '../policy/cedar.ts'
import type { PolicySource } from '../policy/engine.ts'
import { STARTER_POLICIES } from '../policy/starter.ts'
import type { ControlEvent, Store } from '../ports.ts'
import { capture } from '../snapshot.ts'
import {
  createState,
  type EngineSettings,
  type EngineState,
  type TenantState,
  tenantState,
} from '../state.ts'
import {
  type FakeBus,
  type FakeClock,
  type FakeLedger,
  type FakeStore,
  fakeBus,
  fakeClock,
  fakeIds,
  fakeKeyring,
  fakeLedger,
  fakeStore,
} from './fakes.ts'

export const TENANT = 't1'
export const START = Date.UTC(2026, 0, 5, 10)
export const DAY = 24 * 3_600_000

export const engine = createCedarEngine()

export function details(extra: Partial<TaskDetails> = {}): TaskDetails {
  return { type: 'safeconduct_task', ...extra }
}

export function agent(extra: Partial<Agent> = {}): Agent {
  return {
    tenant: TENANT,
    id: 'agent-1',
    version: 1,
    name: 'trader',
    owner: 'user-1',
    registration: 'owner',
    jwks: [],
    redirectUris: [],
    composition: [{ kind: 'model', name: 'm', digest: `sha256:${'0'.repeat(64)}`, standing: 'declared' }],
    autonomous: false,
    status: 'active',
    trustCeiling: null,
    createdAt: START,
    ...extra,
  }
}

export function server(extra: Partial<Server> = {}): Server {
  return {
    tenant: TENANT,
    id: 'server-1',
    version: 1,
    name: 'market',
    transport: { kind: 'http', url: 'https://market.example' },
    standing: 'approved',
    credential: null,
    trustedOutput: false,
    createdAt: START,
    ...extra,
  }
}

export function definition(name: string, properties: JsonObject = {}, extra: JsonObject = {}): JsonObject {
  return { name, inputSchema: { type: 'object', properties }, ...extra }
}

export const QUOTE = definition('get_quote', { symbol: { type: 'string' } })
export const ORDER = definition('place_order', {
  symbol: { type: 'string' },
  quantity: { type: 'integer' },
  limit: { type: 'number' },
})
export const TRANSFER = definition('transfer_money', {
  recipient: { type: 'string' },
  amount: { type: 'number' },
})
/** A reversible write in a closed world. */
export const NOTE = definition('save_watchlist', { rank: { type: 'integer' } })
export const NEWS = definition('read_news_articles', { topic: { type: 'string' } })

export function pinned(of: JsonObject, extra: Partial<PinnedTool> = {}): PinnedTool {
  const name = String(of.name)
  const serverName = extra.server ?? 'market'
  return {
    tenant: TENANT,
    id: `${serverName}/${name}`,
    version: 1,
    server: serverName,
    name,
    digest: `sha256:${createHash('sha256').update(JSON.stringify(of)).digest('hex')}`,
    definition: of,
    status: 'active',
    reason: null,
    proposed: null,
    proposedDigest: null,
    firstSeen: START,
    ...extra,
  }
}

export function task(extra: Partial<Task> = {}): Task {
  return {
    tenant: TENANT,
    id: 'task-1',
    version: 1,
    agent: 'agent-1',
    user: 'user-1',
    intent: 'Buy 10 shares of ACME and transfer 50 to bob@example.com, then save my watchlist order please.',
    intentDigest: null,
    implicit: false,
    details: details(),
    status: 'active',
    createdAt: START,
    expiresAt: START + DAY,
    ...extra,
  }
}

export function link(extra: Partial<Delegation> = {}): Delegation {
  return {
    tenant: TENANT,
    id: 'link-1',
    version: 1,
    task: 'task-1',
    from: 'user-1',
    to: 'agent-1',
    parent: null,
    depth: 1,
    details: details(),
    createdAt: START,
    expiresAt: START + DAY,
    ...extra,
  }
}

export function policy(
  source: PolicySource = STARTER_POLICIES,
  extra: Partial<PolicyVersion> = {},
): PolicyVersion {
  return {
    tenant: TENANT,
    id: 'policy-1',
    version: 1,
    agentPolicies: source.agentPolicies,
    userPolicies: source.userPolicies,
    digest: `sha256:${createHash('sha256')
      .update(source.agentPolicies + source.userPolicies)
      .digest('hex')}`,
    status: 'active',
    createdAt: START,
    createdBy: 'user-1',
    ...extra,
  }
}

export function epoch(kind: EpochRef['kind'], id: string, number = 1): EpochRef {
  return { kind, id, epoch: number }
}

export function grant(extra: Partial<Grant> = {}): Grant {
  const agentId = extra.agent ?? 'agent-1'
  const user = extra.user === undefined ? 'user-1' : extra.user
  const taskId = extra.task ?? 'task-1'
  const via = extra.via ?? []
  return {
    id: 'grant-1',
    tenant: TENANT,
    agent: agentId,
    user,
    via,
    clientId: agentId,
    audience: ['http://localhost:7070/mcp/market'],
    scope: ['mcp:write'],
    task: taskId,
    details: details(),
    epochs: [
      epoch('tenant', extra.tenant ?? TENANT),
      epoch('agent', agentId),
      epoch('task', taskId),
      ...(user === null ? [] : [epoch('user', user)]),
      ...via.map((id) => epoch('agent', id)),
    ],
    jkt: 'thumbprint',
    issuedAt: START,
    expiresAt: START + DAY,
    authenticatedAt: START,
    ...extra,
  }
}

let count = 0
export interface CallShape {
  readonly id?: string
  readonly at?: number
  readonly grant?: Grant
  readonly proof?: Proof
  readonly server?: string
  readonly tool?: string
  readonly args?: JsonObject
  readonly operation?: Partial<CallRequest['operation']>
  readonly ip?: string | null
}

/** A tool call with a proof made now. Ids only have to differ, so the counter is shared by all tests. */
export function call(shape: CallShape = {}): CallRequest {
  const at = shape.at ?? START + 1000
  return {
    id: shape.id ?? `call-${String(++count).padStart(8, '0')}`,
    at,
    grant: shape.grant ?? grant(),
    proof: shape.proof ?? { kind: 'dpop', provenAt: at },
    operation: {
      server: shape.server ?? 'market',
      method: 'tools/call',
      kind: 'tool',
      name: shape.tool ?? 'get_quote',
      args: shape.args ?? {},
      ...shape.operation,
    },
    context: { channel: 'http', ip: shape.ip ?? null, client: null },
  }
}

export const BEARER: Proof = { kind: 'bearer', provenAt: null }

export function ok(text = '', extra: Partial<CallResult> = {}): CallResult {
  return {
    status: 'ok',
    text: [text],
    structured: null,
    digest: 'sha256:0',
    bytes: text.length,
    error: null,
    ...extra,
  }
}

export function setup(
  extra: readonly ControlEvent[] = [],
  source: PolicySource | null = STARTER_POLICIES,
): ControlEvent[] {
  const tools = [QUOTE, ORDER, TRANSFER, NOTE, NEWS].map(
    (of): ControlEvent => ({ type: 'tool', tool: pinned(of) }),
  )
  const epochs = [
    epoch('tenant', TENANT),
    epoch('agent', 'agent-1'),
    epoch('user', 'user-1'),
    epoch('task', 'task-1'),
  ]
  return [
    ...epochs.map((ref): ControlEvent => ({ type: 'epoch', tenant: TENANT, ref })),
    { type: 'agent', agent: agent() },
    { type: 'server', server: server() },
    ...tools,
    { type: 'task', task: task() },
    ...(source === null ? [] : [{ type: 'policy', tenant: TENANT, version: policy(source) } as const]),
    ...extra,
  ]
}

export interface World {
  readonly state: EngineState
  readonly tenant: TenantState
  tell(...events: ControlEvent[]): void
}

/** State without a host, for tests of `decide` and `apply`. */
export function world(
  events: readonly ControlEvent[] = setup(),
  settings: Partial<EngineSettings> = {},
): World {
  const state = createState(settings)
  const tell = (...more: ControlEvent[]): void => {
    for (const event of more) {
      const told = control(state, engine, event, START)
      for (const change of told.events) apply(told.tenant, change)
    }
  }
  tell(...events)
  return { state, tenant: tenantState(state, TENANT), tell }
}

/** The live state as a snapshot of this turn has it. */
export function written(of: TenantState): JsonValue[] {
  return [...capture(of).pieces].map((piece) => JSON.parse(JSON.stringify(piece)))
}

export interface Host {
  readonly decider: EngineDecider
  readonly ports: DeciderPorts & {
    readonly store: FakeStore
    readonly ledger: FakeLedger
    readonly clock: FakeClock
    readonly bus: FakeBus
  }
}

export function fakePorts(settings: Partial<EngineSettings> = {}): Host['ports'] {
  return {
    clock: fakeClock(START),
    ids: fakeIds(),
    store: fakeStore(),
    ledger: fakeLedger(),
    keyring: fakeKeyring(),
    bus: fakeBus(),
    policyEngine: engine,
    settings,
  }
}

/** A decider that was told of a tenant, without a start from the store. */
export function host(
  events: readonly ControlEvent[] = setup(),
  settings: Partial<EngineSettings> = {},
): Host {
  const ports = fakePorts(settings)
  const decider = createDecider(ports)
  for (const event of events) decider.control(event)
  return { decider, ports }
}

/** The same records in the store, for a start from it. */
export async function fill(store: Store, events: readonly ControlEvent[] = setup()): Promise<void> {
  for (const event of events) {
    if (event.type === 'epoch') await store.epochs.ensure(event.tenant, event.ref.kind, event.ref.id)
    else if (event.type === 'agent') await store.agents.insert(event.agent)
    else if (event.type === 'server') await store.servers.insert(event.server)
    else if (event.type === 'tool') await store.tools.insert(event.tool)
    else if (event.type === 'task') await store.tasks.insert(event.task)
    else if (event.type === 'policy') await store.policies.insert(event.version)
    else if (event.type === 'delegation') await store.delegations.insert(event.delegation)
    else if (event.type === 'approval') await store.approvals.insert(event.approval)
  }
  await store.users.insert({
    tenant: TENANT,
    id: 'user-1',
    version: 1,
    name: 'owner',
    owner: true,
    createdAt: START,
  })
}

/** A person's answer, as the control plane gives it: into the store, then to the decider. */
export async function answer(
  { decider, ports }: Host,
  id: string,
  status: 'approved' | 'refused',
): Promise<Approval> {
  const held = await ports.store.approvals.get(TENANT, id)
  if (held === null) throw new Error('there is no such approval')
  const decided: Approval = {
    ...held,
    status,
    version: held.version + 1,
    decidedBy: 'user-1',
    decidedAt: ports.clock.now(),
  }
  await ports.store.approvals.replace(decided)
  decider.control({ type: 'approval', approval: decided })
  return decided
}
