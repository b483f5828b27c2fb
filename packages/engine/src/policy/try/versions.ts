/**
 * The policies that ruled, by the digest that decisions name. Versions are immutable, so a compiled one stays right; the
 * least recently used one goes when there are more than a few.
 * @module
 */
import { SafeconductError } from '@safeconduct/protocol'
import { touch } from '../../bounded.ts'
import type { Store } from '../../ports.ts'
import type { CompiledPolicies, PolicyEngine } from '../engine.ts'

export interface Versions {
  /** null when there is no such version, or it cannot be read any more. */
  byDigest(digest: string): Promise<CompiledPolicies | null>
}

const COMPILED_KEPT = 8
/** Texts are long: few at a time. */
const PAGE = 50

export async function createVersions(
  { store, policyEngine }: { readonly store: Store; readonly policyEngine: PolicyEngine },
  tenant: string,
): Promise<Versions> {
  const ids = await idsByDigest(store, tenant)
  const compiled = new Map<string, CompiledPolicies | null>()

  async function load(digest: string): Promise<CompiledPolicies | null> {
    const id = ids.get(digest)
    const version = id === undefined ? null : await store.policies.get(tenant, id)
    if (version === null) return null
    try {
      return policyEngine.compile(version, null)
    } catch (error) {
      if (error instanceof SafeconductError) return null
      throw error
    }
  }

  return {
    async byDigest(digest) {
      const known = compiled.get(digest)
      const found = known === undefined ? await load(digest) : known
      touch(compiled, digest, found, COMPILED_KEPT)
      return found
    },
  }
}

async function idsByDigest(store: Store, tenant: string): Promise<ReadonlyMap<string, string>> {
  const ids = new Map<string, string>()
  let after: string | undefined
  for (;;) {
    const page = await store.policies.list(tenant, { limit: PAGE, ...(after === undefined ? {} : { after }) })
    for (const { digest, id } of page) ids.set(digest, id)
    after = page.at(-1)?.id
    if (page.length < PAGE) return ids
  }
}
