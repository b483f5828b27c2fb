/**
 * Tasks and delegations as they come to be: by a person's consent, by an agent that acts alone, and by the rollover of
 * a task that nobody asked for by name.
 * @module
 */
import { hash } from 'node:crypto'
import type { Repositories } from '@safeconduct/engine'
import {
  canonicalize,
  type Delegation,
  type EpochRef,
  type JsonObject,
  TASK_DETAILS_TYPE,
  type Task,
  type TaskDetails,
} from '@safeconduct/protocol'
import { announceEpochs, currentEpochs } from './epochs.ts'
import type { Context } from './options.ts'

/** An implicit task ends after this much idleness, milliseconds… */
export const IMPLICIT_IDLE = 30 * 60_000
/** …and after this long in any case. */
export const IMPLICIT_LIFETIME = 8 * 60 * 60_000

export function intentDigest(intent: string): string {
  return `sha256:${hash('sha256', intent, 'hex')}`
}

export function detailsDigest(details: TaskDetails): string {
  return hash('sha256', canonicalize(details as unknown as JsonObject), 'base64url')
}

export interface TaskWish {
  readonly agent: string
  readonly user: string | null
  readonly intent: string | null
  readonly implicit: boolean
  /** Without task and intent: both are written here. */
  readonly details: TaskDetails
  readonly expiresAt: number
}

export function newTask(context: Context, wish: TaskWish): Task {
  const id = context.ids.next()
  const digest = wish.intent === null ? null : intentDigest(wish.intent)
  return {
    tenant: context.tenant,
    id,
    version: 1,
    agent: wish.agent,
    user: wish.user,
    intent: wish.intent,
    intentDigest: digest,
    implicit: wish.implicit,
    details: {
      ...wish.details,
      type: TASK_DETAILS_TYPE,
      task: id,
      ...(digest === null ? {} : { intent_digest: digest }),
    },
    status: 'active',
    createdAt: context.clock.now(),
    expiresAt: wish.expiresAt,
  }
}

/** The event names digests only: the intent itself is the user's and stays out of the ledger. */
export async function insertTask(t: Repositories, context: Context, task: Task): Promise<void> {
  await t.tasks.insert(task)
  await t.outbox.add(context.tenant, context.ids.next(), {
    event: 'task.opened',
    task: task.id,
    agent: task.agent,
    user: task.user,
    implicit: task.implicit,
    intent: task.intentDigest,
    details: detailsDigest(task.details),
    expires: task.expiresAt,
    at: context.clock.now(),
  })
}

export async function insertDelegation(
  t: Repositories,
  context: Context,
  delegation: Delegation,
): Promise<void> {
  await t.delegations.insert(delegation)
  await t.outbox.add(context.tenant, context.ids.next(), {
    event: 'delegation.made',
    delegation: delegation.id,
    task: delegation.task,
    from: delegation.from,
    to: delegation.to,
    parent: delegation.parent,
    details: detailsDigest(delegation.details),
    expires: delegation.expiresAt,
    at: context.clock.now(),
  })
}

export interface OpenTask {
  readonly task: Task
  readonly epochs: readonly EpochRef[]
}

/** Opens a task for an agent that acts without a user, or for a channel that has no consent page (`run`). */
export async function openTask(context: Context, wish: TaskWish): Promise<OpenTask> {
  const task = newTask(context, wish)
  const epochs = await context.store.tx(async (t) => {
    await insertTask(t, context, task)
    return currentEpochs(t, context.tenant, [
      ['tenant', context.tenant],
      ...(wish.user === null ? [] : ([['user', wish.user]] as const)),
      ['agent', wish.agent],
      ['task', task.id],
    ])
  })
  context.onControl({ type: 'task', task })
  announceEpochs(context.tenant, epochs, context.onControl)
  return { task, epochs }
}

export function taskAlive(task: Task | null, now: number): task is Task {
  return task !== null && task.status === 'active' && now < task.expiresAt
}
