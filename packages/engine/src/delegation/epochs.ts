/**
 * Revocation by counting: a grant names the epoch of everything it hangs on; another number now, or none, means
 * revoked. Nothing below a revoked link is ever listed. Reads memory only.
 * @module
 */
import type { EpochKind, EpochRef, Grant } from '@safeconduct/protocol'

export function epochKey(kind: EpochKind, id: string): string {
  return `${kind}:${id}`
}

/**
 * The first link whose epoch moved on or is unknown, or null. A grant that leaves out one of the links it must hang
 * on (tenant, calling agent, user, task, every agent that handed on) is revoked, too: nobody could end it.
 */
export function revokedLink(epochs: ReadonlyMap<string, number>, grant: Grant): EpochRef | null {
  const named = new Set<string>()
  for (const ref of grant.epochs) {
    const key = epochKey(ref.kind, ref.id)
    if (epochs.get(key) !== ref.epoch) return ref
    named.add(key)
  }
  for (const [kind, id] of requiredLinks(grant)) {
    if (!named.has(epochKey(kind, id))) return { kind, id, epoch: 0 }
  }
  return null
}

function requiredLinks(grant: Grant): [EpochKind, string][] {
  const links: [EpochKind, string][] = [
    ['tenant', grant.tenant],
    ['agent', grant.agent],
    ['task', grant.task],
  ]
  if (grant.user !== null) links.push(['user', grant.user])
  for (const agent of grant.via) links.push(['agent', agent])
  return links
}
