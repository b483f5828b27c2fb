/**
 * What is held of an agent or a user beyond its registration, shown and erased. Records sealed under the subject's key
 * cannot be read any more afterwards; their digests stay in the ledger.
 * @module
 */
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue, type User } from '@safeconduct/protocol'
import * as z from 'zod'
import { type Route, route } from '../http/route.ts'
import { findAgent } from './agents.ts'
import { notFound } from './not-found.ts'
import { type AdminPorts, byOf } from './ports.ts'

type Kind = 'agent' | 'user'

export function subjectRoutes(ports: AdminPorts): Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/v1/subjects/:kind/:id',
      who: 'reader',
      summary: 'What was learned of an agent, or which agents learned from calls for a user.',
      handle: async ({ tenant, params }) => {
        const { kind, id } = await find(ports, tenant, params)
        const held = await ports.people.inspect(tenant, { kind, id })
        return { subject: { kind, id }, ...mapMembers(held) }
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/subjects/:kind/:id/erase',
      who: 'confirmed',
      summary:
        'Erases what was learned and every record of the subject; its grants end, what speaks against an agent stays.',
      body: z.strictObject({}),
      confirm: async (_, { tenant, params }) => {
        const { kind, name } = await find(ports, tenant, params)
        return `Erase for good what is held of the ${kind} ${name}, and end its grants`
      },
      handle: async ({ tenant, params, caller }) => {
        const { kind, id, user } = await find(ports, tenant, params)
        const by = byOf(caller)
        // First nothing new comes: errands that go on would be recorded under a new key.
        await ports.revoke({ tenant, kind, id, by })
        await ports.people.erase(tenant, { kind, id }, by)
        // Registered they still are; whoever lets an agent act for them again begins anew.
        if (user !== null) ports.decider.control({ type: 'user', user })
        return { erased: { kind, id } }
      },
    }),
  ]
}

/** State as people read it: maps as objects, without the tags that tell one from the other when it is read back. */
function readable(value: JsonValue): JsonValue {
  if (isJsonObject(value)) return mapMembers(value)
  if (value === null || typeof value !== 'object') return value
  const [tag, ...items] = value
  if (tag === '~map')
    return Object.fromEntries(
      items.map((item) => {
        const [key = '', held = null] = isJsonArray(item) ? item : []
        return [String(key), readable(held)]
      }),
    )
  return (tag === '~array' ? items : value).map(readable)
}

function mapMembers(value: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, readable(member ?? null)]))
}

interface Found {
  readonly kind: Kind
  readonly id: string
  readonly name: string
  readonly user: User | null
}

async function find(
  ports: AdminPorts,
  tenant: string,
  params: Readonly<Record<string, string>>,
): Promise<Found> {
  const id = params.id ?? ''
  if (params.kind === 'agent') {
    const agent = await findAgent(ports, tenant, id)
    return { kind: 'agent', id: agent.id, name: agent.name, user: null }
  }
  const user =
    params.kind !== 'user'
      ? undefined
      : ((await ports.store.users.get(tenant, id)) ?? (await ports.store.users.find(tenant, 'name', id))[0])
  if (user === undefined) throw notFound('subject')
  return { kind: 'user', id: user.id, name: user.name, user }
}
