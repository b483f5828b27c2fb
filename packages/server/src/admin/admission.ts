/**
 * Under which epochs an agent may be run on this machine: the first ones, or those at which the owner admitted it anew
 * after a revocation (`readmission.ts`).
 * @module
 */
import type { Repositories, Store } from '@safeconduct/engine'
import { type Agent, SafeconductError } from '@safeconduct/protocol'
import * as z from 'zod'

const MODEL = 'Readmission'
const FIRST_EPOCH = 1
const recordSchema = z.object({ epoch: z.int() })

type Subject = readonly [kind: 'agent' | 'user', id: string]

function subjectsOf(agent: Agent): readonly Subject[] {
  return [
    ['agent', agent.id],
    ['user', agent.owner],
  ]
}

function keyOf(tenant: string, [kind, id]: Subject): string {
  return JSON.stringify([tenant, kind, id])
}

type Epochs = Pick<Store, 'epochs' | 'oauth'>

/** Which of the two was revoked since the agent was admitted; null = neither. */
async function revoked(store: Epochs, agent: Agent): Promise<Subject[0] | null> {
  for (const subject of subjectsOf(agent)) {
    const now = await store.epochs.ensure(agent.tenant, ...subject)
    const record = recordSchema.safeParse(await store.oauth.find(MODEL, keyOf(agent.tenant, subject)))
    if (now !== (record.success ? record.data.epoch : FIRST_EPOCH)) return subject[0]
  }
  return null
}

export async function isAdmitted(store: Epochs, agent: Agent): Promise<boolean> {
  return (await revoked(store, agent)) === null
}

/** @throws `revoked`, saying how the agent is let in again */
export async function requireAdmitted(store: Epochs, agent: Agent): Promise<void> {
  const kind = await revoked(store, agent)
  if (kind === null) return
  throw new SafeconductError('revoked', {
    message: `The ${kind === 'agent' ? 'agent' : 'owner'} was revoked. Once the owner confirms it, the agent runs again: ./safeconduct agents readmit ${agent.name}`,
  })
}

export async function admit(t: Repositories, agent: Agent): Promise<void> {
  for (const subject of subjectsOf(agent)) {
    const epoch = await t.epochs.ensure(agent.tenant, ...subject)
    await t.oauth.upsert(MODEL, keyOf(agent.tenant, subject), { epoch }, null)
  }
}
