/**
 * Elevations: a role asked for one errand, with a reason, for a time. A rule of the policy grants it, or the signed-in
 * owner does; it lapses by itself and can be revoked before.
 * @module
 */
import { MAX_HELD } from '@safeconduct/engine'
import { type Elevation, elevationRequestSchema, SafeconductError } from '@safeconduct/protocol'
import * as z from 'zod'
import { type Caller, type Route, route } from '../http/route.ts'
import { notFound } from './not-found.ts'
import { type AdminPorts, byOf, change } from './ports.ts'

const MINUTE = 60_000
/** A question that nobody answers lapses. */
const ASKED_TTL_MS = 24 * 3_600_000

/** An agent asks under the errand of its grant; a person names one. */
const asked = elevationRequestSchema.partial({ task: true })

export function elevationRoutes(ports: AdminPorts): Route[] {
  return [
    route({
      method: 'POST',
      path: '/api/v1/elevations',
      who: 'asker',
      lean: true,
      summary: 'Asks for a role for one errand and a time, with a reason; a rule or the owner decides.',
      body: asked,
      handle: async ({ tenant, body, caller }) => view(await ask(ports, tenant, body, caller), ports),
    }),
    route({
      method: 'GET',
      path: '/api/v1/elevations',
      who: 'reader',
      summary: 'Elevations, newest first.',
      handle: async ({ tenant }) => {
        const found = await ports.store.elevations.list(tenant, { limit: 200, newestFirst: true })
        return { elevations: found.map((one) => view(one, ports)) }
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/elevations/:id/decide',
      who: 'confirmed',
      summary: 'Grants or refuses an elevation that waits.',
      body: z.strictObject({ grant: z.boolean() }),
      confirm: async ({ grant }, { tenant, params }) =>
        sentence(await waiting(ports, tenant, params.id), grant),
      handle: async ({ tenant, params, body, caller }) =>
        view(await decide(ports, tenant, params.id, body.grant, byOf(caller)), ports),
    }),
    route({
      method: 'POST',
      path: '/api/v1/elevations/:id/revoke',
      who: 'reader',
      summary: 'Ends an elevation, or a request for one, now.',
      body: z.strictObject({}),
      handle: async ({ tenant, params, caller }) => {
        const known = asOf(await find(ports, tenant, params.id), ports.clock.now())
        if (known.status !== 'active' && known.status !== 'pending') {
          throw new SafeconductError('conflict', { message: `It has ended already: ${known.status}.` })
        }
        const ended = { ...known, status: 'revoked', endedAt: ports.clock.now() } as const
        return view(await store(ports, ended, byOf(caller)), ports)
      },
    }),
  ]
}

/** What has run out has lapsed, whether or not anybody has written that down. */
function asOf(elevation: Elevation, now: number): Elevation {
  const open = elevation.status === 'active' || elevation.status === 'pending'
  return open && elevation.expiresAt <= now ? { ...elevation, status: 'lapsed' } : elevation
}

function view(elevation: Elevation, ports: AdminPorts): object {
  const { tenant: _tenant, version: _version, ...rest } = asOf(elevation, ports.clock.now())
  return rest
}

async function find(ports: AdminPorts, tenant: string, id: string | undefined): Promise<Elevation> {
  const found = await ports.store.elevations.get(tenant, id ?? '')
  if (found === null) throw notFound('elevation')
  return found
}

async function ask(
  ports: AdminPorts,
  tenant: string,
  { role, reason, minutes, for: kind, task: named }: z.infer<typeof asked>,
  caller: Caller,
): Promise<Elevation> {
  if (caller.kind === 'enforcer' || caller.kind === 'anonymous') throw new SafeconductError('forbidden')
  const grant = caller.kind === 'agent' ? caller.grant : null
  const task = named ?? grant?.task
  if (task === undefined)
    throw new SafeconductError('invalid_request', { message: 'Name the task for which it is meant.' })
  const at = ports.clock.now()
  const ruling = ports.policies.ruleOnElevation({ tenant, at, task, role, minutes, for: kind, grant })
  const principal = kind === 'agent' ? ruling.agent : ruling.user
  if (ruling.outcome === 'refused' || principal === null) {
    // The agent hears no more than that; why is for people.
    const message = caller.kind === 'agent' ? undefined : ruling.why
    throw new SafeconductError('denied', message === undefined ? {} : { message })
  }
  const open = await openOf(ports, tenant, task, at)
  const same = open.find((one) => one.for === kind && one.principal === principal && one.role === role)
  if (same !== undefined) return same
  if (open.length >= MAX_HELD)
    throw new SafeconductError('rate_limited', {
      message: 'Too many elevations of this task are open already.',
    })
  // Over the control socket anybody asks who runs as this user: the rule was made for others, so a person decides.
  const granted = ruling.outcome === 'active' && caller.kind !== 'local'
  const elevation: Elevation = {
    tenant,
    id: `el_${ports.ids.next()}`,
    version: 1,
    for: kind,
    principal,
    role,
    task,
    purpose: ruling.purpose,
    reason,
    minutes,
    status: granted ? 'active' : 'pending',
    askedBy: caller.kind === 'agent' ? caller.grant.agent : byOf(caller),
    createdAt: at,
    decidedBy: granted ? `policy:${ruling.rule ?? ''}` : null,
    decidedAt: granted ? at : null,
    expiresAt: Math.min(ruling.endsAt, at + (granted ? minutes * MINUTE : ASKED_TTL_MS)),
    endedAt: null,
  }
  return store(ports, elevation, elevation.askedBy, true)
}

/** What a person has to know before agreeing. */
function sentence(
  { for: kind, principal, role, minutes, task, purpose, reason }: Elevation,
  grant: boolean,
): string {
  const errand = purpose === '' ? `the task ${task}` : `the task ${task} (${purpose})`
  return `${grant ? 'Give' : 'Refuse'} the ${kind} ${principal} the role ${role} for ${minutes} minutes, for ${errand} only. Its reason: ${JSON.stringify(reason)}`
}

async function waiting(ports: AdminPorts, tenant: string, id: string | undefined): Promise<Elevation> {
  const known = asOf(await find(ports, tenant, id), ports.clock.now())
  if (known.status === 'pending') return known
  throw new SafeconductError('conflict', { message: `It does not wait any more: ${known.status}.` })
}

async function openOf(ports: AdminPorts, tenant: string, task: string, at: number): Promise<Elevation[]> {
  const found = await ports.store.elevations.find(tenant, 'task', task, { limit: 1000, newestFirst: true })
  return found.map((one) => asOf(one, at)).filter(({ status }) => status === 'active' || status === 'pending')
}

async function decide(
  ports: AdminPorts,
  tenant: string,
  id: string | undefined,
  grant: boolean,
  by: string,
): Promise<Elevation> {
  const at = ports.clock.now()
  const known = await waiting(ports, tenant, id)
  if (!grant)
    return store(ports, { ...known, status: 'refused', decidedBy: by, decidedAt: at, endedAt: at }, by)
  // What has changed since it was asked for counts: the errand may have ended, the policy may forbid it by now.
  const { role, minutes, task, for: kind, principal } = known
  const agent = kind === 'agent' ? { agent: principal } : {}
  const asked = { tenant, at, task, role, minutes, for: kind, grant: null, ...agent }
  const ruling = ports.policies.ruleOnElevation(asked)
  if (ruling.outcome === 'refused') throw new SafeconductError('denied', { message: ruling.why })
  const expiresAt = Math.min(ruling.endsAt, at + minutes * MINUTE)
  return store(ports, { ...known, status: 'active', decidedBy: by, decidedAt: at, expiresAt }, by)
}

/**
 * The record, the entry that tells of it, and the engine: in force from the next call on.
 * @param given made of the record as it was read: who changed it meanwhile comes first
 * @throws `conflict`
 */
async function store(ports: AdminPorts, given: Elevation, by: string, isNew = false): Promise<Elevation> {
  const elevation = isNew ? given : { ...given, version: given.version + 1 }
  const { id, role, principal, task, status, minutes, expiresAt } = elevation
  const event = {
    event: `elevation.${status}`,
    elevation: id,
    role,
    principal: `${elevation.for}:${principal}`,
    task,
    minutes,
    expiresAt,
    by,
  }
  return change(ports, event, async (t) => {
    if (isNew) await t.elevations.insert(elevation)
    else await t.elevations.replace(elevation)
    return {
      result: elevation,
      control: status === 'pending' ? [] : [{ type: 'elevation', elevation }],
    }
  })
}
