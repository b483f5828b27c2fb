/**
 * Grants of tokens whose signature was checked already: an agent presents the same token for minutes, and checking it
 * costs more than deciding the call. Nothing is trusted longer for it: epochs and proofs are looked at on every call.
 * A token is known by its digest alone, together with the resource it was checked for. When the issuer's keys change in
 * any way, everything is forgotten and checked anew.
 * @module
 */
import { hash } from 'node:crypto'
import type { SigningKey } from '@safeconduct/engine'
import type { Grant } from '@safeconduct/protocol'

export interface GrantCache {
  /**
   * The grant of `token` at `resource`; `verify` is asked when it is not known, or no longer valid by its own word, and
   * what it throws is kept nowhere.
   */
  get(
    presented: {
      readonly token: string
      readonly resource: string
      readonly keys: ReadonlyMap<string, SigningKey>
      readonly now: number
    },
    verify: () => Grant,
  ): Grant
  readonly size: number
}

/** @param limit grants kept; the least recently used goes first */
export function createGrantCache(limit = 10_000): GrantCache {
  const kept = new Map<string, Grant>()
  let under: readonly (readonly [string, SigningKey])[] = []

  const changed = (keys: ReadonlyMap<string, SigningKey>) =>
    under.length !== keys.size || under.some(([kid, key]) => keys.get(kid) !== key)

  return {
    get({ token, resource, keys, now }, verify) {
      if (changed(keys)) {
        kept.clear()
        under = [...keys]
      }
      const name = `${hash('sha256', token, 'base64url')} ${resource}`
      const known = kept.get(name)
      kept.delete(name)
      // Not before its time and not at its end: at the edges the check itself has the word, skew included.
      const grant = known !== undefined && known.issuedAt <= now && now < known.expiresAt ? known : verify()
      kept.set(name, grant)
      if (kept.size > limit) kept.delete(kept.keys().next().value ?? '')
      return grant
    },
    get size() {
      return kept.size
    },
  }
}
