/**
 * What a person's “Allow” makes durable: the agent if it was new, the task, the delegation from the user to the agent,
 * and the link from the library's grant to all of them. One transaction.
 * @module
 */
import { hash } from 'node:crypto'
import type { Agent, Delegation } from '@safeconduct/protocol'
import type { Client } from 'oidc-provider'
import { noteConsent } from '../admin/admission.ts'
import { withSigns } from '../admin/agents.ts'
import { keepClient } from './adapter.ts'
import type { Choice } from './consent-choice.ts'
import { announceEpochs, currentEpochs } from './epochs.ts'
import { saveLineage } from './lineage.ts'
import type { Context } from './options.ts'
import { IMPLICIT_LIFETIME, insertDelegation, insertTask, newTask } from './tasks.ts'

export interface Consent {
  readonly client: Client
  readonly user: string
  readonly choice: Choice
  /** The client asked for nothing in particular, and the person said nothing either. */
  readonly implicit: boolean
}

/** An agent record for a client that described itself. Its name is made from what it cannot choose freely. */
export function agentOf(context: Context, client: Client, user: string): Agent {
  const cimd = client.clientId.startsWith('https://')
  const said = cimd ? client.clientId.slice('https://'.length) : (client.clientName ?? 'client')
  const slug = said
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 48)
  return {
    tenant: context.tenant,
    id: client.clientId,
    version: 1,
    name: `${slug === '' ? 'client' : slug}-${hash('sha256', client.clientId, 'hex').slice(0, 6)}`,
    owner: user,
    registration: cimd ? 'cimd' : 'dcr',
    jwks: [],
    redirectUris: [...(client.redirectUris ?? [])],
    composition: [],
    autonomous: false,
    status: 'active',
    trustCeiling: null,
    createdAt: context.clock.now(),
  }
}

/** Where a grant of the library leads to; its details name the new task. */
export async function grantConsent(
  context: Context,
  consent: Consent,
  save: (task: Delegation['details']) => Promise<string>,
): Promise<string> {
  const { client, user, choice } = consent
  const now = context.clock.now()
  const task = newTask(context, {
    agent: client.clientId,
    user,
    intent: choice.intent,
    implicit: consent.implicit,
    details: choice.details,
    expiresAt: consent.implicit ? Math.min(now + IMPLICIT_LIFETIME, choice.until) : choice.until,
  })
  const grantId = await save(task.details)
  const delegation: Delegation = {
    tenant: context.tenant,
    id: context.ids.next(),
    version: 1,
    task: task.id,
    from: user,
    to: client.clientId,
    parent: null,
    depth: 0,
    details: task.details,
    createdAt: now,
    expiresAt: choice.until,
  }
  const { epochs, agent } = await context.store.tx(async (t) => {
    const known = await t.agents.get(context.tenant, client.clientId)
    const fresh = known === null ? await withSigns(t, agentOf(context, client, user)) : null
    if (fresh !== null) {
      await t.agents.insert(fresh)
      if (fresh.registration === 'dcr') await keepClient(t.oauth, client.clientId)
      await t.outbox.add(context.tenant, context.ids.next(), {
        event: 'agent.registered',
        agent: fresh.id,
        how: fresh.registration,
        at: now,
      })
    }
    const agent = known ?? fresh
    if (agent !== null) await noteConsent(t, agent)
    await insertTask(t, context, task)
    await insertDelegation(t, context, delegation)
    const current = await currentEpochs(t, context.tenant, [
      ['tenant', context.tenant],
      ['user', user],
      ['agent', client.clientId],
      ['task', task.id],
      ['delegation', delegation.id],
    ])
    await saveLineage(t, grantId, { agent: client.clientId, user, task, delegation, epochs: current }, now)
    return { epochs: current, agent: fresh }
  })
  if (agent !== null) context.onControl({ type: 'agent', agent })
  context.onControl({ type: 'task', task })
  context.onControl({ type: 'delegation', delegation })
  announceEpochs(context.tenant, epochs, context.onControl)
  return grantId
}
