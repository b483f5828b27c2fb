/**
 * @module The engine as it runs, with a memory store and ledger, around a tenant that fits the gateway's test world:
 * one user, one agent, one task, the given servers and policies.
 */

import type { ControlEvent, EngineSettings, PolicySource } from '@safeconduct/engine'
import { createCedarEngine, createDecider, type EngineDecider, STARTER_POLICIES } from '@safeconduct/engine'
import type { EpochRef, JsonObject, Server } from '@safeconduct/protocol'
import {
  type FakeStore,
  fakeBus,
  fakeIds,
  fakeKeyring,
  fakeLedger,
  fakeStore,
} from '../../packages/engine/src/testing/fakes.ts'
import { agent, policy, task } from '../../packages/engine/src/testing/world.ts'
import { TENANT } from '../../packages/gateway/src/testing/world.ts'

export { STARTER_POLICIES }

/** Both layers permit everything: for runs that ask what enforcement breaks, not what policy refuses. */
export const PERMIT_ALL: PolicySource = {
  agentPolicies: '@id("all") permit (principal, action, resource);',
  userPolicies: '@id("all") permit (principal, action, resource);',
}

export interface RealEngine {
  readonly decider: EngineDecider
  readonly store: FakeStore
  readonly ledger: ReturnType<typeof fakeLedger>
  /** Claims that make a token one of this tenant's task. */
  readonly claims: JsonObject
  tell(event: ControlEvent): void
}

export function createRealEngine(
  servers: readonly Server[],
  source: PolicySource | null = STARTER_POLICIES,
  settings: Partial<EngineSettings> = {},
): RealEngine {
  const store = fakeStore()
  const ledger = fakeLedger()
  const now = Date.now()
  const decider = createDecider({
    clock: { now: () => Date.now() },
    ids: fakeIds(),
    store,
    ledger,
    keyring: fakeKeyring(),
    bus: fakeBus(),
    policyEngine: createCedarEngine(),
    settings,
  })
  const epochs: readonly EpochRef[] = [
    { kind: 'tenant', id: TENANT, epoch: 1 },
    { kind: 'agent', id: 'agent-1', epoch: 1 },
    { kind: 'user', id: 'user-1', epoch: 1 },
    { kind: 'task', id: 'task-1', epoch: 1 },
  ]
  const events: ControlEvent[] = [
    ...epochs.map((ref): ControlEvent => ({ type: 'epoch', tenant: TENANT, ref })),
    { type: 'agent', agent: agent({ tenant: TENANT }) },
    ...servers.map((server): ControlEvent => ({ type: 'server', server })),
    { type: 'task', task: task({ tenant: TENANT, createdAt: now, expiresAt: now + 7 * 24 * 3_600_000 }) },
  ]
  if (source !== null) {
    events.push({ type: 'policy', tenant: TENANT, version: policy(source, { tenant: TENANT }) })
  }
  for (const event of events) decider.control(event)
  return {
    decider,
    store,
    ledger,
    claims: {
      safeconduct: {
        tenant: TENANT,
        task: 'task-1',
        epochs: epochs.map(({ kind, id, epoch }) => [kind, id, epoch]),
      },
    },
    tell: (event) => decider.control(event),
  }
}
