/**
 * Delegations from agent to agent: one record for each hand-over of the same limits, and the epochs it was made under.
 * @module
 */
import {
  type Delegation,
  type EpochRef,
  epochRefSchema,
  type Grant,
  type JsonObject,
  type TaskDetails,
} from '@safeconduct/protocol'
import * as z from 'zod'
import { announceEpochs, currentEpochs, epochsAlive, toTuples } from './epochs.ts'
import { invalidGrant } from './errors.ts'
import type { Context } from './options.ts'
import { detailsDigest, insertDelegation } from './tasks.ts'

const MODEL = 'Handover'
const linkSchema = z.object({
  epochs: z.array(epochRefSchema),
  scope: z.array(z.string()),
  audience: z.array(z.string()),
})
/** Hand-overs of one task; more than that is no longer an errand. */
const MAX_HANDOVERS = 1_000

export interface Handover extends Handed {
  readonly delegation: Delegation
  /** Of the actor and of the delegation itself. */
  readonly epochs: readonly EpochRef[]
}

/** What was handed over; whoever takes it up again gets no more. */
export interface Handed {
  readonly details: TaskDetails
  readonly scope: readonly string[]
  readonly audience: readonly string[]
}

/** An earlier hand-over from the one agent to the other under the task, if everything it counts is still alive. */
export async function findHandover(context: Context, grant: Grant, actor: string): Promise<Handover | null> {
  for (const delegation of await handoversOf(context, grant, actor)) {
    const found = await aliveHandover(context, delegation)
    if (found !== null) return found
  }
  return null
}

async function handoversOf(context: Context, grant: Grant, actor: string): Promise<Delegation[]> {
  const now = context.clock.now()
  const all = await context.store.delegations.find(context.tenant, 'task', grant.task, {
    limit: MAX_HANDOVERS,
  })
  if (all.length >= MAX_HANDOVERS) throw invalidGrant('The task was handed on too often.')
  return all.filter(
    (one) =>
      one.from === grant.agent &&
      one.to === actor &&
      one.parent === lastDelegation(grant) &&
      now < one.expiresAt,
  )
}

async function aliveHandover(context: Context, delegation: Delegation): Promise<Handover | null> {
  const parsed = linkSchema.safeParse(await context.store.oauth.find(MODEL, delegation.id))
  if (!parsed.success) return null
  const epochs = parsed.data.epochs.map(([kind, id, epoch]): EpochRef => ({ kind, id, epoch }))
  if (!(await epochsAlive(context.store, context.tenant, epochs))) return null
  const { scope, audience } = parsed.data
  return { delegation, epochs, details: delegation.details, scope, audience }
}

/** The link that the grant stands on; null when it stands on none. */
export function lastDelegation(grant: Grant): string | null {
  return grant.epochs.findLast((ref) => ref.kind === 'delegation')?.id ?? null
}

/** The record of this hand-over: the one that exists for the same limits, or a new one. */
export async function handOver(
  context: Context,
  grant: Grant,
  actor: string,
  { details, scope, audience }: Handed,
  expiresAt: number,
): Promise<Handover> {
  const digest = detailsDigest(details)
  for (const delegation of await handoversOf(context, grant, actor)) {
    if (detailsDigest(delegation.details) !== digest) continue
    const found = await aliveHandover(context, delegation)
    if (found !== null && same(found.scope, scope) && same(found.audience, audience)) return found
  }
  const delegation: Delegation = {
    tenant: context.tenant,
    id: context.ids.next(),
    version: 1,
    task: grant.task,
    from: grant.agent,
    to: actor,
    parent: lastDelegation(grant),
    depth: grant.via.length + 1,
    details,
    createdAt: context.clock.now(),
    expiresAt,
  }
  const epochs = await context.store.tx(async (t) => {
    await insertDelegation(t, context, delegation)
    const made = await currentEpochs(t, context.tenant, [
      ['agent', actor],
      ['delegation', delegation.id],
    ])
    const link: z.infer<typeof linkSchema> = {
      epochs: toTuples(made),
      scope: [...scope],
      audience: [...audience],
    }
    await t.oauth.upsert(MODEL, delegation.id, link as unknown as JsonObject, expiresAt)
    return made
  })
  context.onControl({ type: 'delegation', delegation })
  announceEpochs(context.tenant, epochs, context.onControl)
  return { delegation, epochs, details, scope, audience }
}

function same(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((item) => b.includes(item))
}
