/**
 * Epochs as the authorization server uses them: read from the store, never from memory, so that what was revoked a
 * moment ago is seen here as well.
 * @module
 */
import type { ControlEvent, Repositories } from '@safeconduct/engine'
import type { EpochKind, EpochRef } from '@safeconduct/protocol'

export type Subject = readonly [kind: EpochKind, id: string]

/** The current epochs of these, in their order, each once; one that has none yet begins at 1. */
export async function currentEpochs(
  repositories: Pick<Repositories, 'epochs'>,
  tenant: string,
  subjects: readonly Subject[],
): Promise<EpochRef[]> {
  const seen = new Map<string, EpochRef>()
  for (const [kind, id] of subjects) {
    const key = `${kind} ${id}`
    if (!seen.has(key)) seen.set(key, { kind, id, epoch: await repositories.epochs.ensure(tenant, kind, id) })
  }
  return [...seen.values()]
}

/** True when every one still has the epoch it is said to have. */
export async function epochsAlive(
  repositories: Pick<Repositories, 'epochs'>,
  tenant: string,
  refs: readonly EpochRef[],
): Promise<boolean> {
  for (const ref of refs) {
    if ((await repositories.epochs.ensure(tenant, ref.kind, ref.id)) !== ref.epoch) return false
  }
  return true
}

/** Joins chains; a later number for the same subject replaces nothing, since both have to be alive. */
export function joinEpochs(...chains: readonly (readonly EpochRef[])[]): EpochRef[] {
  const seen = new Map<string, EpochRef>()
  for (const ref of chains.flat()) seen.set(`${ref.kind} ${ref.id} ${ref.epoch}`, ref)
  return [...seen.values()]
}

export function toTuples(refs: readonly EpochRef[]): [EpochKind, string, number][] {
  return refs.map((ref) => [ref.kind, ref.id, ref.epoch])
}

export function announceEpochs(
  tenant: string,
  refs: readonly EpochRef[],
  onControl: (event: ControlEvent) => void,
): void {
  for (const ref of refs) onControl({ type: 'epoch', tenant, ref })
}
