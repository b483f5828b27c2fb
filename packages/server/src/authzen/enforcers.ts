/**
 * Registered enforcement points. The owner registers them; the secret is made where the command runs, and only its
 * digest comes here.
 * @module
 */
import { hash } from 'node:crypto'
import type { Store } from '@safeconduct/engine'
import { ENFORCER_SCOPES, type Enforcer, SafeconductError } from '@safeconduct/protocol'
import * as z from 'zod'
import { notFound } from '../admin/not-found.ts'
import { type AdminPorts, byOf, change } from '../admin/ports.ts'
import { type Route, route } from '../http/route.ts'

/** In memory, so that nothing waits for the store while somebody asks. */
export interface Enforcers {
  /** null for an unknown secret and for one that was revoked. */
  find(secret: string): Enforcer | null
  put(enforcer: Enforcer): void
}

/** What a secret looks like: this and 32 random bytes in base64url. */
export const SECRET_PREFIX = 'sce_'
const SECRET = /^sce_[A-Za-z0-9_-]{43}$/
const PAGE = 1000

export async function loadEnforcers(store: Store, tenant: string): Promise<Enforcers> {
  const byDigest = new Map<string, Enforcer>()
  const put = (enforcer: Enforcer) => {
    if (enforcer.status === 'active') byDigest.set(enforcer.keyDigest, enforcer)
    else byDigest.delete(enforcer.keyDigest)
  }
  for (const enforcer of await store.enforcers.find(tenant, 'status', 'active', { limit: PAGE }))
    put(enforcer)
  return {
    // Found by its digest: how long that takes says nothing about the secret.
    find: (secret) => (SECRET.test(secret) ? (byDigest.get(digestOf(secret)) ?? null) : null),
    put,
  }
}

function digestOf(secret: string): string {
  return `sha256:${hash('sha256', secret)}`
}

const name = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'a name is 1–63 of a–z, 0–9, ".", "_" and "-"')
const registration = z.strictObject({
  name,
  key_digest: z.string().regex(/^sha256:[0-9a-f]{64}$/, 'a digest is sha256: and 64 hex digits'),
  scopes: z.array(z.enum(ENFORCER_SCOPES)).min(1).max(ENFORCER_SCOPES.length),
  servers: z.array(z.string().max(63)).max(64).default([]),
  stores: z.array(name).max(64).default([]),
  obligations: z.array(z.string().max(64)).max(32).default([]),
})

export interface EnforcerPorts extends AdminPorts {
  readonly access: { readonly enforcers: Enforcers }
}

export function enforcerRoutes(ports: EnforcerPorts): Route[] {
  const { store, ids, clock } = ports
  return [
    route({
      method: 'GET',
      path: '/api/v1/enforcers',
      who: 'reader',
      summary: 'Registered enforcement points.',
      handle: async ({ tenant }) => ({
        enforcers: (await store.enforcers.list(tenant, { limit: PAGE })).map(view),
      }),
    }),
    route({
      method: 'POST',
      path: '/api/v1/enforcers',
      who: 'confirmed',
      summary: 'Registers an enforcement point; only the digest of its secret is sent.',
      body: registration,
      confirm: (body) =>
        `Register the enforcement point ${body.name} (${body.scopes.join(', ')}; servers: ${listed(body.servers)}; policy stores: ${listed(body.stores)})`,
      handle: async ({ tenant, body, caller }) => {
        const by = byOf(caller)
        const enforcer: Enforcer = {
          tenant,
          id: `ep_${ids.next()}`,
          version: 1,
          name: body.name,
          keyDigest: body.key_digest,
          scopes: [...new Set(body.scopes)],
          servers: body.servers,
          stores: body.stores,
          obligations: body.obligations,
          status: 'active',
          createdAt: clock.now(),
          createdBy: by,
        }
        const event = { event: 'enforcer.registered', enforcer: enforcer.id, scopes: enforcer.scopes, by }
        await change(ports, event, async (t) => {
          if ((await t.enforcers.find(tenant, 'name', enforcer.name)).length > 0)
            throw new SafeconductError('conflict', {
              message: `There is an enforcement point ${body.name} already.`,
            })
          const all = await t.enforcers.list(tenant, { limit: PAGE })
          if (all.length >= PAGE) throw new SafeconductError('overloaded')
          if (all.some((one) => one.keyDigest === enforcer.keyDigest))
            throw new SafeconductError('conflict', { message: 'That secret is registered already.' })
          await t.enforcers.insert(enforcer)
          return { result: null, control: [] }
        })
        ports.access.enforcers.put(enforcer)
        return view(enforcer)
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/enforcers/:name/revoke',
      who: 'reader',
      summary: 'Revokes an enforcement point: it is nobody from its next request on.',
      body: z.strictObject({}),
      handle: async ({ tenant, params, caller }) => {
        const [known] = await store.enforcers.find(tenant, 'name', params.name ?? '')
        if (known === undefined) throw notFound('enforcement point')
        if (known.status === 'revoked') return view(known)
        const revoked: Enforcer = { ...known, version: known.version + 1, status: 'revoked' }
        const event = { event: 'enforcer.revoked', enforcer: known.id, by: byOf(caller) }
        await change(ports, event, async (t) => {
          await t.enforcers.replace(revoked)
          return { result: null, control: [] }
        })
        ports.access.enforcers.put(revoked)
        return view(revoked)
      },
    }),
  ]
}

const listed = (names: readonly string[]) => (names.length === 0 ? 'none' : names.join(', '))

function view({ tenant: _tenant, version: _version, keyDigest, ...shown }: Enforcer): object {
  return { ...shown, key: keyDigest.slice(0, 19) }
}
