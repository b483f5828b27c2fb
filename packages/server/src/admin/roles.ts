/**
 * Roles held for good, zones, users, and the report of privileges: what the owner assigns and what stands around.
 * @module
 */
import { type ControlEvent, privilegeReport, type Repositories } from '@safeconduct/engine'
import {
  type Agent,
  LABEL_PATTERN,
  MAX_SENSITIVITY,
  type RoleGrant,
  SafeconductError,
  type User,
} from '@safeconduct/protocol'
import * as z from 'zod'
import { type Route, route } from '../http/route.ts'
import { findAgent } from './agents.ts'
import { notFound } from './not-found.ts'
import { type AdminPorts, byOf, change } from './ports.ts'
import { findServer } from './servers.ts'

const label = z.string().regex(LABEL_PATTERN, 'a role or zone is 1–63 of a–z, 0–9 and "-"')
const roleChange = z.strictObject({ role: label, held: z.boolean() })
const MAX_ROLES = 64
const HOUR = 3_600_000

export function roleRoutes(ports: AdminPorts): Route[] {
  return [
    holderRoute<Agent>(ports, {
      kind: 'agent',
      find: findAgent,
      save: (t, next) => t.agents.replace(next),
      told: (agent) => ({ type: 'agent', agent }),
    }),
    route({
      method: 'POST',
      path: '/api/v1/agents/:id/zone',
      who: 'confirmed',
      summary: 'Puts an agent into a zone, or into none.',
      body: z.strictObject({ zone: label.nullable() }),
      confirm: async ({ zone }, { tenant, params }) => {
        await findAgent(ports, tenant, params.id)
        return `Put the agent into ${zone === null ? 'no zone' : `the zone ${zone}`}`
      },
      handle: async ({ tenant, params, body, caller }) => {
        const { zone: _old, ...agent } = await findAgent(ports, tenant, params.id)
        const next = {
          ...agent,
          ...(body.zone === null ? {} : { zone: body.zone }),
          version: agent.version + 1,
        }
        const event = { event: 'agent.zone', agent: agent.id, ...body, by: byOf(caller) }
        return change(ports, event, async (t) => {
          await t.agents.replace(next)
          return { result: { agent: agent.id, zone: body.zone }, control: [{ type: 'agent', agent: next }] }
        })
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/servers/:name/zone',
      who: 'confirmed',
      summary: 'Says in which zone a server is, and how sensitive what lies behind it is.',
      body: z.strictObject({ zone: label.nullable(), sensitivity: z.int().min(0).max(MAX_SENSITIVITY) }),
      confirm: async ({ zone, sensitivity }, { tenant, params }) => {
        await findServer(ports, tenant, params.name)
        return `Put the server into ${zone === null ? 'no zone' : `the zone ${zone}`}, sensitivity ${sensitivity}`
      },
      handle: async ({ tenant, params, body, caller }) => {
        const { zone: _old, ...server } = await findServer(ports, tenant, params.name)
        const { zone, sensitivity } = body
        const next = {
          ...server,
          sensitivity,
          ...(zone === null ? {} : { zone }),
          version: server.version + 1,
        }
        const event = { event: 'server.zone', server: server.id, ...body, by: byOf(caller) }
        return change(ports, event, async (t) => {
          await t.servers.replace(next)
          return { result: { server: server.name, ...body }, control: [{ type: 'server', server: next }] }
        })
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/users',
      who: 'reader',
      summary: 'Users with their roles.',
      handle: async ({ tenant }) => {
        const users = await ports.store.users.list(tenant, { limit: 1000 })
        return {
          users: users.map(({ id, name, owner, roles }) => ({ id, name, owner, roles: heldOf(roles ?? []) })),
        }
      },
    }),
    holderRoute<User>(ports, {
      kind: 'user',
      find: findUser,
      save: (t, next) => t.users.replace(next),
      told: (user) => ({ type: 'user', user }),
    }),
    route({
      method: 'GET',
      path: '/api/v1/privileges',
      who: 'reader',
      summary: 'Privilege-hours: roles held for good beside roles held for an errand and a time.',
      query: z.strictObject({ hours: z.coerce.number().int().min(1).max(8784).default(168) }),
      handle: async ({ tenant, query }) => {
        const to = ports.clock.now()
        return privilegeReport({
          agents: await everything((page) => ports.store.agents.list(tenant, page)),
          users: await everything((page) => ports.store.users.list(tenant, page)),
          elevations: await everything((page) => ports.store.elevations.list(tenant, page)),
          from: to - query.hours * HOUR,
          to,
        })
      },
    }),
  ]
}

/** Whoever can hold a role: where they are kept, and what tells the decider of them. */
interface Holder<T extends Agent | User> {
  readonly kind: 'agent' | 'user'
  readonly find: (ports: AdminPorts, tenant: string, idOrName: string | undefined) => Promise<T>
  readonly save: (t: Repositories, next: T) => Promise<unknown>
  readonly told: (next: T) => ControlEvent
}

function holderRoute<T extends Agent | User>(
  ports: AdminPorts,
  { kind, find, save, told }: Holder<T>,
): Route {
  return route({
    method: 'POST',
    path: `/api/v1/${kind}s/:id/roles`,
    who: 'confirmed',
    summary: `Gives ${kind === 'agent' ? 'an agent' : 'a user'} a role for good, or takes it away.`,
    body: roleChange,
    confirm: async (body, { tenant, params }) => {
      const { roles } = await find(ports, tenant, params.id)
      withRole(roles, body, ports.clock.now())
      return sentence(kind, body)
    },
    handle: async ({ tenant, params, body, caller }) => {
      const holder = await find(ports, tenant, params.id)
      const roles = withRole(holder.roles, body, ports.clock.now())
      const next: T = { ...holder, roles, version: holder.version + 1 }
      const event = { event: `${kind}.roles`, [kind]: holder.id, ...body, by: byOf(caller) }
      return change(ports, event, async (t) => {
        await save(t, next)
        return { result: { [kind]: holder.id, roles: heldOf(roles) }, control: [told(next)] }
      })
    },
  })
}

/** Whom it is about is told after it, as with every change. */
function sentence(kind: 'agent' | 'user', { role, held }: z.infer<typeof roleChange>): string {
  return held ? `Give the ${kind} the role ${role}` : `Take the role ${role} from the ${kind}`
}

async function findUser(ports: AdminPorts, tenant: string, idOrName = '') {
  const user =
    (await ports.store.users.get(tenant, idOrName)) ??
    (await ports.store.users.find(tenant, 'name', idOrName))[0]
  if (user !== undefined) return user
  throw notFound('user')
}

function heldOf(roles: readonly RoleGrant[]): string[] {
  return roles.filter(({ until }) => until === null).map(({ role }) => role)
}

/** What was held stays for the report, the latest of it. @throws `conflict` when nothing would change */
function withRole(
  before: readonly RoleGrant[] = [],
  { role, held }: z.infer<typeof roleChange>,
  now: number,
): RoleGrant[] {
  const holds = heldOf(before).includes(role)
  if (holds === held)
    throw new SafeconductError('conflict', {
      message: held ? `It holds ${role} already.` : `It does not hold ${role}.`,
    })
  if (held) {
    if (heldOf(before).length >= MAX_ROLES)
      throw new SafeconductError('invalid_request', { message: 'Too many roles.' })
    return [...ended(before), { role, since: now, until: null }]
  }
  return ended(before.map((one) => (one.role === role && one.until === null ? { ...one, until: now } : one)))
}

function ended(roles: readonly RoleGrant[]): RoleGrant[] {
  const past = roles.filter(({ until }) => until !== null).slice(-MAX_ROLES)
  return [...past, ...roles.filter(({ until }) => until === null)]
}

const PAGE = 1000

async function everything<T extends { readonly id: string }>(
  list: (page: { limit: number; after?: string }) => Promise<T[]>,
): Promise<T[]> {
  const found: T[] = []
  for (;;) {
    const last = found.at(-1)
    const next = await list({ limit: PAGE, ...(last === undefined ? {} : { after: last.id }) })
    found.push(...next)
    if (next.length < PAGE) return found
  }
}
