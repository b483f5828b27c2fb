/**
 * Policy stores of other applications: immutable versions, one of a name active, compiled once and kept in memory.
 * @module
 */
import { hash } from 'node:crypto'
import { type CompiledStore, compileStore, STORE_LIMITS, type Store } from '@safeconduct/engine'
import { type JsonObject, type PolicyStore, SafeconductError } from '@safeconduct/protocol'
import * as z from 'zod'
import { notFound } from '../admin/not-found.ts'
import { type AdminPorts, byOf, change } from '../admin/ports.ts'
import { type Route, route } from '../http/route.ts'

export interface ActiveStore {
  readonly name: string
  readonly digest: string
  readonly compiled: CompiledStore
}

export interface PolicyStores {
  /** null when there is none by that name, or none that can be asked. */
  get(name: string): ActiveStore | null
  put(version: PolicyStore, compiled: CompiledStore): void
}

/** Names of stores at one time. */
const MAX_STORES = 64

/** A version that can no longer be compiled is not there: every question to it is denied. */
export async function loadPolicyStores(
  store: Store,
  tenant: string,
  onUnusable: (name: string, cause: unknown) => void,
): Promise<PolicyStores> {
  const active = new Map<string, ActiveStore>()
  const put: PolicyStores['put'] = ({ name, digest }, compiled) => {
    active.set(name, { name, digest, compiled })
  }
  for (const version of await store.policyStores.find(tenant, 'status', 'active', { limit: 1000 })) {
    try {
      put(version, compileStore(version))
    } catch (cause) {
      onUnusable(version.name, cause)
    }
  }
  return { get: (name) => active.get(name) ?? null, put }
}

const text = z.string().max(STORE_LIMITS.text)
const object = z.custom<JsonObject>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  'an entity is an object',
)
const source = z.strictObject({
  policies: text,
  schema: text,
  entities: z.array(object).max(STORE_LIMITS.entities).default([]),
})
const storeName = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,62}$/)

export interface PolicyStorePorts extends AdminPorts {
  readonly access: { readonly stores: PolicyStores }
}

export function policyStoreRoutes(ports: PolicyStorePorts): Route[] {
  const { store } = ports
  return [
    route({
      method: 'GET',
      path: '/api/v1/stores',
      who: 'reader',
      summary: 'Policy stores and their active versions.',
      handle: async ({ tenant }) => ({
        stores: (await store.policyStores.find(tenant, 'status', 'active', { limit: 1000 })).map(view),
      }),
    }),
    route({
      method: 'GET',
      path: '/api/v1/stores/:name',
      who: 'reader',
      summary: 'One policy store: the active version whole, and the versions it had.',
      handle: async ({ tenant, params }) => {
        const page = { limit: 100, newestFirst: true }
        const versions = await store.policyStores.find(tenant, 'name', params.name ?? '', page)
        const active = versions.find(({ status }) => status === 'active')
        if (active === undefined) throw notFound('policy store')
        return { active, versions: versions.map(view) }
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/stores/:name/check',
      who: 'reader',
      summary: 'Compiles and strictly validates a policy store; changes nothing.',
      body: source,
      handle: async ({ body }) => {
        await ports.checks.store(body)
        return { valid: true, digest: digestOf(body) }
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/stores/:name',
      who: 'confirmed',
      summary: 'Activates a version of a policy store from the next question on.',
      body: source,
      confirm: async (body) => {
        await ports.checks.as('ask').store(body)
        return `Activate the policy store version ${digestOf(body).slice(0, 19)}…`
      },
      handle: async ({ tenant, params, body, caller }) =>
        apply(ports, tenant, params.name ?? '', body, byOf(caller)),
    }),
    route({
      method: 'POST',
      path: '/api/v1/stores/:name/rollback',
      who: 'confirmed',
      summary: 'Activates an earlier version of a policy store again.',
      body: z.strictObject({ id: z.string().max(256) }),
      confirm: async ({ id }, { tenant, params }) => {
        await ports.checks.as('ask').store(await findVersion(ports, tenant, params.name, id))
        return `Go back to the policy store version ${id}`
      },
      handle: async ({ tenant, params, body, caller }) => {
        const earlier = await findVersion(ports, tenant, params.name, body.id)
        return apply(ports, tenant, earlier.name, earlier, byOf(caller))
      },
    }),
  ]
}

async function findVersion(
  { store }: PolicyStorePorts,
  tenant: string,
  name: string | undefined,
  id: string,
): Promise<PolicyStore> {
  const version = await store.policyStores.get(tenant, id)
  if (version !== null && version.name === name) return version
  throw notFound('policy store version')
}

type Source = Pick<PolicyStore, 'policies' | 'schema' | 'entities'>

function digestOf({ policies, schema, entities }: Source): string {
  return `sha256:${hash('sha256', JSON.stringify([policies, schema, entities]))}`
}

/** @throws `policy_invalid`, saying where; nothing is activated then */
async function apply(
  ports: PolicyStorePorts,
  tenant: string,
  name: string,
  { policies, schema, entities }: Source,
  by: string,
): Promise<object> {
  if (!storeName.safeParse(name).success)
    throw new SafeconductError('invalid_request', { message: 'That is no name of a policy store.' })
  await ports.checks.as('confirmed').store({ policies, schema, entities })
  const compiled = compileStore({ policies, schema, entities }, true)
  const version: PolicyStore = {
    tenant,
    id: `ps_${ports.ids.next()}`,
    version: 1,
    name,
    policies,
    schema,
    entities,
    digest: digestOf({ policies, schema, entities }),
    status: 'active',
    createdAt: ports.clock.now(),
    createdBy: by,
  }
  const event = { event: 'store.activated', store: name, version: version.id, digest: version.digest, by }
  await change(ports, event, async (t) => {
    const active = await t.policyStores.find(tenant, 'status', 'active', { limit: 1000 })
    const old = active.filter((one) => one.name === name)
    if (old.length === 0 && active.length >= MAX_STORES)
      throw new SafeconductError('overloaded', { message: 'There are as many policy stores as allowed.' })
    for (const one of old)
      await t.policyStores.replace({ ...one, status: 'retired', version: one.version + 1 })
    await t.policyStores.insert(version)
    return { result: null, control: [] }
  })
  ports.access.stores.put(version, compiled)
  return view(version)
}

function view({
  policies: _policies,
  schema: _schema,
  tenant: _tenant,
  entities,
  ...shown
}: PolicyStore): object {
  return { ...shown, entities: entities.length }
}
