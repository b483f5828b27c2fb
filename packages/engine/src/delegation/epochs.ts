/**
 * Revocation by counting: a grant names the epoch of everything it hangs on; another number now, or none, means
 * revoked. Nothing below a revoked link is ever listed. Reads memory only.
 * @module
 */
import type { EpochKind, EpochRef, Grant } from '@safeconduct/protocol'

/** By kind, then by id: asked several times a call, so that no key has to be made of the two. Unknown means revoked. */
export type Epochs = ReadonlyMap<EpochKind, ReadonlyMap<string, number>>
export type EpochTable = Map<EpochKind, Map<string, number>>

/** The counter of a purse: `task:<id>` or `delegation:<id>`. */
export function epochKey(kind: EpochKind, id: string): string {
  return `${kind}:${id}`
}

/** Epochs only grow: a late message must not bring a revoked grant back. */
export function raise(epochs: EpochTable, { kind, id, epoch }: EpochRef): void {
  const known = epochs.get(kind) ?? new Map<string, number>()
  epochs.set(kind, known)
  if (epoch > (known.get(id) ?? -1)) known.set(id, epoch)
}

/**
 * The first link whose epoch moved on or is unknown, or null. A grant that leaves out one of the links it must hang
 * on (tenant, calling agent, user, task, every agent that handed on) is revoked, too: nobody could end it.
 */
export function revokedLink(epochs: Epochs, grant: Grant): EpochRef | null {
  for (const ref of grant.epochs) {
    if (epochs.get(ref.kind)?.get(ref.id) !== ref.epoch) return ref
  }
  const unnamed =
    unless(grant, 'tenant', grant.tenant) ??
    unless(grant, 'agent', grant.agent) ??
    unless(grant, 'task', grant.task) ??
    (grant.user === null ? null : unless(grant, 'user', grant.user))
  if (unnamed !== null) return unnamed
  for (const agent of grant.via) {
    const handedOn = unless(grant, 'agent', agent)
    if (handedOn !== null) return handedOn
  }
  return null
}

/** The link, unless the grant names it. */
function unless({ epochs }: Grant, kind: EpochKind, id: string): EpochRef | null {
  for (const ref of epochs) if (ref.id === id && ref.kind === kind) return null
  return { kind, id, epoch: 0 }
}
