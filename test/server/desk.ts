/**
 * What a control plane has to look after: an agent under a task, a server nobody has approved yet, its tools, a policy.
 */
import type { ControlEvent } from '@safeconduct/engine'
import type { CallRequest } from '@safeconduct/protocol'
import {
  agent,
  call,
  definition,
  epoch,
  grant,
  pinned,
  policy,
  QUOTE,
  server,
  task,
} from '../../packages/engine/src/testing/world.ts'
import { TENANT, type World } from './world.ts'

const TRANSFER = definition('transfer_money', {
  recipient: { type: 'string' },
  amount: { type: 'number' },
})

/** In the store, as the truth, and in the decider's memory. */
export async function furnish({ store, decider }: World): Promise<void> {
  const given = {
    agent: agent({ autonomous: true }),
    server: server({ standing: 'new' }),
    tools: [pinned(QUOTE), pinned(TRANSFER)],
    task: task(),
    policy: policy(),
  }
  await store.agents.insert(given.agent)
  await store.servers.insert(given.server)
  for (const tool of given.tools) await store.tools.insert(tool)
  await store.tasks.insert(given.task)
  await store.policies.insert(given.policy)
  await store.epochs.ensure(TENANT, 'agent', given.agent.id)
  await store.epochs.ensure(TENANT, 'task', given.task.id)
  const refs = [
    epoch('tenant', TENANT),
    epoch('user', 'user-1'),
    epoch('agent', given.agent.id),
    epoch('task', given.task.id),
  ]
  const events: ControlEvent[] = [
    ...refs.map((ref): ControlEvent => ({ type: 'epoch', tenant: TENANT, ref })),
    { type: 'agent', agent: given.agent },
    { type: 'server', server: given.server },
    ...given.tools.map((tool): ControlEvent => ({ type: 'tool', tool })),
    { type: 'task', task: given.task },
    { type: 'policy', tenant: TENANT, version: given.policy },
  ]
  for (const event of events) decider.control(event)
}

const PAYMENT = { recipient: 'bob@example.com', amount: 50 }

/** A write on a new server: it waits for a person. */
export function payment({ clock }: World, args = PAYMENT): CallRequest {
  const at = clock.now()
  return call({ at, tool: 'transfer_money', args, proof: { kind: 'dpop', provenAt: at } })
}

/** A read: allowed. */
export function quote({ clock }: World): CallRequest {
  const at = clock.now()
  return call({ at, args: { symbol: 'ACME' }, proof: { kind: 'dpop', provenAt: at }, grant: grant() })
}
