/**
 * Under which epochs an agent may be run on this machine: the first ones, or those at which the owner admitted it anew
 * after a revocation (`readmission.ts`). A consent after a revocation does not admit: it is for its errand alone. It is
 * noted, because the agent may act again, and whoever looks at it must not be told otherwise.
 * @module
 */
import type { Store } from '@safeconduct/engine'
import { type Agent, SafeconductError } from '@safeconduct/protocol'
import * as z from 'zod'

const MODEL = 'Readmission'
const CONSENTED = 'ConsentedUnder'
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

/** Which of the two was revoked since this was noted; null = neither. */
async function revokedSince(note: string, store: Epochs, agent: Agent): Promise<Subject[0] | null> {
  for (const subject of subjectsOf(agent)) {
    const now = await store.epochs.ensure(agent.tenant, ...subject)
    const record = recordSchema.safeParse(await store.oauth.find(note, keyOf(agent.tenant, subject)))
    if (now !== (record.success ? record.data.epoch : FIRST_EPOCH)) return subject[0]
  }
  return null
}

/** Whether anything may have been issued to it since it, or its owner, was last revoked. */
export async function mayAct(store: Epochs, agent: Agent): Promise<boolean> {
  return (
    (await revokedSince(MODEL, store, agent)) === null ||
    (await revokedSince(CONSENTED, store, agent)) === null
  )
}

/** @throws `revoked`, saying how the agent is let in again */
export async function requireAdmitted(store: Epochs, agent: Agent): Promise<void> {
  const kind = await revokedSince(MODEL, store, agent)
  if (kind === null) return
  throw new SafeconductError('revoked', {
    message: `The ${kind === 'agent' ? 'agent' : 'owner'} was revoked. Once the owner confirms it, the agent runs again: ./safeconduct agents readmit ${agent.name}`,
  })
}

export const admit = (t: Epochs, agent: Agent): Promise<void> => note(MODEL, t, agent)

/** In the transaction of the consent. */
export const noteConsent = (t: Epochs, agent: Agent): Promise<void> => note(CONSENTED, t, agent)

async function note(model: string, t: Epochs, agent: Agent): Promise<void> {
  for (const subject of subjectsOf(agent)) {
    const epoch = await t.epochs.ensure(agent.tenant, ...subject)
    await t.oauth.upsert(model, keyOf(agent.tenant, subject), { epoch }, null)
  }
}
