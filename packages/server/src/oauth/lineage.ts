/**
 * What stands behind a code or a refresh token: user, agent, task, delegation and the epochs all of them had when the
 * person consented. Read again whenever a token is issued, so that a revocation reaches refresh tokens, too.
 * @module
 */
import type { Repositories } from '@safeconduct/engine'
import {
  type Delegation,
  type EpochRef,
  epochRefSchema,
  type JsonObject,
  type Task,
  type TaskDetails,
} from '@safeconduct/protocol'
import * as z from 'zod'
import { announceEpochs, currentEpochs, epochsAlive, toTuples } from './epochs.ts'
import { invalidGrant } from './errors.ts'
import type { Context } from './options.ts'
import { IMPLICIT_IDLE, IMPLICIT_LIFETIME, insertTask, newTask, taskAlive } from './tasks.ts'

const MODEL = 'Lineage'

const linkSchema = z.object({
  agent: z.string(),
  user: z.string(),
  task: z.string(),
  delegation: z.string(),
  epochs: z.array(epochRefSchema),
  usedAt: z.number(),
})
type Link = z.infer<typeof linkSchema>

export interface Lineage {
  readonly agent: string
  readonly user: string
  readonly task: Task
  readonly delegation: Delegation
  readonly epochs: readonly EpochRef[]
  /** Of the task, with its id. */
  readonly details: TaskDetails
  /** Milliseconds; no token may live longer. */
  readonly expiresAt: number
}

/** Written in the same transaction as the task and the delegation it names. */
export async function saveLineage(
  t: Pick<Repositories, 'oauth'>,
  grantId: string,
  lineage: Pick<Lineage, 'agent' | 'user' | 'task' | 'delegation' | 'epochs'>,
  usedAt: number,
): Promise<void> {
  const link: Link = {
    agent: lineage.agent,
    user: lineage.user,
    task: lineage.task.id,
    delegation: lineage.delegation.id,
    epochs: toTuples(lineage.epochs),
    usedAt,
  }
  await t.oauth.upsert(MODEL, grantId, link as unknown as JsonObject, lineage.delegation.expiresAt)
}

async function readLink(context: Context, grantId: string): Promise<Link | null> {
  const parsed = linkSchema.safeParse(await context.store.oauth.find(MODEL, grantId))
  return parsed.success ? parsed.data : null
}

/** The delegation behind a grant of the library; null when there is none. */
export async function delegationOf(context: Context, grantId: string): Promise<string | null> {
  return (await readLink(context, grantId))?.delegation ?? null
}

/** @throws {OAuthError} `invalid_grant` when anything behind the grant was revoked, ended or expired */
export async function loadLineage(context: Context, grantId: string): Promise<Lineage> {
  const { store, tenant } = context
  const now = context.clock.now()
  const link = await readLink(context, grantId)
  if (link === null) throw invalidGrant('There is no task behind this grant.')
  const epochs = link.epochs.map(([kind, id, epoch]): EpochRef => ({ kind, id, epoch }))
  if (!(await epochsAlive(store, tenant, epochs))) throw invalidGrant('The grant has been revoked.')
  const [agent, user, delegation, task] = await Promise.all([
    store.agents.get(tenant, link.agent),
    store.users.get(tenant, link.user),
    store.delegations.get(tenant, link.delegation),
    store.tasks.get(tenant, link.task),
  ])
  if (agent?.status !== 'active' || user === null) throw invalidGrant('The grant has been revoked.')
  if (delegation === null || now >= delegation.expiresAt) throw invalidGrant('The delegation has expired.')
  const standing: Omit<Lineage, 'expiresAt' | 'details'> & { task: Task } = {
    agent: link.agent,
    user: link.user,
    delegation,
    epochs,
    task: requireTask(task, now),
  }
  const current = rollsOver(standing.task, link.usedAt, now)
    ? await rollOver(context, grantId, standing)
    : standing
  if (current === standing) await saveLineage(store, grantId, standing, now)
  return {
    ...current,
    details: current.task.details,
    expiresAt: Math.min(delegation.expiresAt, current.task.expiresAt),
  }
}

function requireTask(task: Task | null, now: number): Task {
  if (task === null || task.status !== 'active') throw invalidGrant('The task has ended.')
  if (!taskAlive(task, now) && !mayRollOver(task)) throw invalidGrant('The task has expired.')
  return task
}

/** A task with a budget never rolls over: that would hand the budget out anew. */
function mayRollOver(task: Task): boolean {
  return task.implicit && task.details.budget === undefined
}

function rollsOver(task: Task, usedAt: number, now: number): boolean {
  return mayRollOver(task) && (now >= task.expiresAt || now - usedAt > IMPLICIT_IDLE)
}

/** The same errand under a new task id: same delegation, same limits, same end. */
async function rollOver(
  context: Context,
  grantId: string,
  old: Omit<Lineage, 'expiresAt' | 'details'>,
): Promise<Omit<Lineage, 'expiresAt' | 'details'>> {
  const now = context.clock.now()
  const { task: _task, intent_digest: _intent, ...details } = old.task.details
  const task = newTask(context, {
    agent: old.agent,
    user: old.user,
    intent: null,
    implicit: true,
    details,
    expiresAt: Math.min(now + IMPLICIT_LIFETIME, old.delegation.expiresAt),
  })
  const ended: Task = { ...old.task, status: 'ended', version: old.task.version + 1 }
  // The link goes over to the new task; a link of another task is no link of the grant.
  const delegation = { ...old.delegation, task: task.id, version: old.delegation.version + 1 }
  const next = await context.store.tx(async (t) => {
    await t.tasks.replace(ended)
    await insertTask(t, context, task)
    await t.delegations.replace(delegation)
    const fresh = await currentEpochs(t, context.tenant, [['task', task.id]])
    const lineage = {
      ...old,
      task,
      delegation,
      epochs: [...old.epochs.filter((ref) => ref.kind !== 'task'), ...fresh],
    }
    await saveLineage(t, grantId, lineage, now)
    return lineage
  })
  context.onControl({ type: 'task', task: ended })
  context.onControl({ type: 'task', task })
  context.onControl({ type: 'delegation', delegation })
  announceEpochs(context.tenant, next.epochs, context.onControl)
  return next
}

/** For the record of a library grant that is gone. */
export async function dropLineage(context: Context, grantId: string): Promise<void> {
  await context.store.oauth.destroy(MODEL, grantId)
}
