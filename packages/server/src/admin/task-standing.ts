/**
 * What a task is worth now: its record says whether it was ended, its grants may have died otherwise.
 * @module
 */
import type { EpochStore } from '@safeconduct/engine'
import type { EpochKind, Task } from '@safeconduct/protocol'

export type TaskStatus = 'active' | 'ended' | 'revoked' | 'expired'

/** When a subject was last revoked, asked once for each. */
export type RevokedAt = (kind: EpochKind, id: string) => Promise<number | null>

export function revocations(epochs: EpochStore, tenant: string): RevokedAt {
  const asked = new Map<string, Promise<number | null>>()
  return (kind, id) => {
    const key = `${kind} ${id}`
    const known = asked.get(key) ?? epochs.bumpedAt(tenant, kind, id)
    asked.set(key, known)
    return known
  }
}

/** Every grant of a task names the epochs it was issued under, and none is issued anew under another one. */
export async function taskStatus(task: Task, revokedAt: RevokedAt, now: number): Promise<TaskStatus> {
  if (task.status === 'ended') return 'ended'
  const subjects: [EpochKind, string][] = [
    ['task', task.id],
    ['agent', task.agent],
    ...(task.user === null ? [] : ([['user', task.user]] as [EpochKind, string][])),
    ['tenant', task.tenant],
  ]
  for (const [kind, id] of subjects) {
    const at = await revokedAt(kind, id)
    if (at !== null && at >= task.createdAt) return 'revoked'
  }
  return task.expiresAt <= now ? 'expired' : 'active'
}
