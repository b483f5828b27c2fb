/**
 * Records that are right in every member, one maker per collection, and helpers of the suite.
 * @module
 */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import type { Store } from '@safeconduct/engine'
import {
  type Agent,
  type Approval,
  type DecisionSummary,
  type Delegation,
  type Elevation,
  type Enforcer,
  type ErrorCode,
  isSafeconductError,
  type OwnerRequest,
  type PinnedTool,
  type PolicyStore,
  type PolicyVersion,
  type RelationModel,
  type RelationSpace,
  type Server,
  type Task,
  type User,
} from '@safeconduct/protocol'

/** Opens the store kept under `place`: the same place gives the same data again once it was closed. */
export type OpenStore = (place: string) => Promise<Store>

/** Checks that an implementation cannot have, each with the reason. */
export interface Skips {
  readonly reopen?: string
  readonly secondOpener?: string
}

/** One test on a store of its own, closed afterwards. */
export function onStore(name: string, open: OpenStore, body: (store: Store) => Promise<void>): void {
  test(name, async () => {
    const store = await open(randomUUID())
    try {
      await body(store)
    } finally {
      await store.close()
    }
  })
}

export async function refuses(code: ErrorCode, work: () => Promise<unknown>): Promise<void> {
  await assert.rejects(work, (error) => {
    assert.ok(isSafeconductError(error), String(error))
    assert.equal(error.code, code)
    return true
  })
}

const LARGEST = Number.MAX_SAFE_INTEGER

export function user(id: string, more: Partial<User> = {}): User {
  return { tenant: 'acme', id, version: 1, name: `name of ${id}`, owner: false, createdAt: LARGEST, ...more }
}

export function agent(id: string, more: Partial<Agent> = {}): Agent {
  return {
    tenant: 'acme',
    id,
    version: 1,
    name: `name of ${id}`,
    owner: 'u1',
    registration: 'owner',
    jwks: [{ kty: 'EC', crv: 'P-256', x: 'x', y: 'y' }],
    redirectUris: ['http://localhost/cb'],
    composition: [{ kind: 'model', name: 'm', digest: `sha256:${'0'.repeat(64)}`, standing: 'declared' }],
    autonomous: false,
    status: 'active',
    trustCeiling: null,
    createdAt: 0,
    ...more,
  }
}

export function server(id: string, more: Partial<Server> = {}): Server {
  return {
    tenant: 'acme',
    id,
    version: 1,
    name: `name-of-${id}`,
    transport: { kind: 'stdio', argv: ['node', '-e', ''], env: { A: 'b' } },
    standing: 'new',
    credential: null,
    trustedOutput: false,
    createdAt: 1,
    ...more,
  }
}

export function tool(id: string, more: Partial<PinnedTool> = {}): PinnedTool {
  return {
    tenant: 'acme',
    id,
    version: 1,
    server: 'market',
    name: 'quote',
    digest: `sha256:${'1'.repeat(64)}`,
    definition: { name: 'quote', inputSchema: { type: 'object', properties: {} } },
    status: 'active',
    reason: null,
    proposed: null,
    proposedDigest: null,
    firstSeen: 2,
    ...more,
  }
}

export function task(id: string, more: Partial<Task> = {}): Task {
  return {
    tenant: 'acme',
    id,
    version: 1,
    agent: 'a1',
    user: 'u1',
    intent: 'buy one share',
    intentDigest: null,
    implicit: false,
    details: { type: 'safeconduct_task', tools: ['market/*'], budget: { calls: 3 } },
    status: 'active',
    createdAt: 3,
    expiresAt: 4,
    ...more,
  }
}

export function delegation(id: string, more: Partial<Delegation> = {}): Delegation {
  return {
    tenant: 'acme',
    id,
    version: 1,
    task: 't1',
    from: 'u1',
    to: 'a1',
    parent: null,
    depth: 0,
    details: { type: 'safeconduct_task' },
    createdAt: 5,
    expiresAt: 6,
    ...more,
  }
}

export function approval(id: string, more: Partial<Approval> = {}): Approval {
  return {
    tenant: 'acme',
    id,
    version: 1,
    decision: 'd1',
    agent: 'a1',
    user: null,
    task: 't1',
    server: 'market',
    tool: 'place_order',
    argsDigest: `sha256:${'2'.repeat(64)}`,
    args: { amount: 1.5, nested: [null, true, { deep: '\u0000' }] },
    why: ['because'],
    status: 'pending',
    createdAt: 7,
    expiresAt: 8,
    decidedBy: null,
    decidedAt: null,
    ...more,
  }
}

export function elevation(id: string, more: Partial<Elevation> = {}): Elevation {
  return {
    tenant: 'acme',
    id,
    version: 1,
    for: 'agent',
    principal: 'a1',
    role: 'deployment-engineer',
    task: 't1',
    purpose: 'release 2',
    reason: 'the canary is green',
    minutes: 60,
    status: 'pending',
    askedBy: 'a1',
    createdAt: 5,
    decidedBy: null,
    decidedAt: null,
    expiresAt: 6,
    endedAt: null,
    ...more,
  }
}

export function policy(id: string, more: Partial<PolicyVersion> = {}): PolicyVersion {
  return {
    tenant: 'acme',
    id,
    version: 1,
    agentPolicies: 'permit(principal, action, resource);',
    userPolicies: '',
    digest: `sha256:${'3'.repeat(64)}`,
    status: 'active',
    createdAt: 9,
    createdBy: 'u1',
    ...more,
  }
}

export function enforcer(id: string, more: Partial<Enforcer> = {}): Enforcer {
  return {
    tenant: 'acme',
    id,
    version: 1,
    name: `pep-${id}`,
    keyDigest: `sha256:${'2'.repeat(64)}`,
    scopes: ['evaluate', 'calls'],
    servers: ['market'],
    stores: ['todo'],
    obligations: [],
    status: 'active',
    createdAt: 5,
    createdBy: 'u1',
    ...more,
  }
}

export function policyStore(id: string, more: Partial<PolicyStore> = {}): PolicyStore {
  return {
    tenant: 'acme',
    id,
    version: 1,
    name: 'todo',
    policies: 'permit(principal, action, resource);',
    schema: 'entity user;',
    entities: [{ uid: { type: 'user', id: 'ann' }, attrs: {}, parents: [] }],
    digest: `sha256:${'3'.repeat(64)}`,
    status: 'active',
    createdAt: 6,
    createdBy: 'u1',
    ...more,
  }
}

export function relationSpace(id: string, more: Partial<RelationSpace> = {}): RelationSpace {
  return {
    tenant: 'acme',
    id,
    version: 1,
    name: `space ${id}`,
    role: 'policy',
    createdAt: 7,
    updatedAt: 8,
    ...more,
  }
}

export function relationModel(id: string, more: Partial<RelationModel> = {}): RelationModel {
  return {
    tenant: 'acme',
    id,
    version: 1,
    space: 's1',
    definition: { schema_version: '1.1', type_definitions: [{ type: 'user' }] },
    dsl: 'model\n  schema 1.1\ntype user\n',
    createdAt: 9,
    assertions: [{ expectation: true }],
    ...more,
  }
}

export function ownerRequest(id: string, more: Partial<OwnerRequest> = {}): OwnerRequest {
  return {
    tenant: 'acme',
    id,
    version: 1,
    verb: 'servers add',
    summary: 'Adds a server.',
    params: { name: 'market' },
    status: 'pending',
    result: null,
    createdAt: 10,
    expiresAt: 11,
    ...more,
  }
}

export function decision(id: string, more: Partial<DecisionSummary> = {}): DecisionSummary {
  return {
    tenant: 'acme',
    id,
    version: 1,
    at: 12,
    agent: 'a1',
    user: 'u1',
    task: 't1',
    server: 'market',
    tool: 'quote',
    outcome: 'allow',
    trust: 'standard',
    risk: 0.25,
    code: null,
    result: null,
    intentIndex: 0,
    outcomeIndex: null,
    ...more,
  }
}
