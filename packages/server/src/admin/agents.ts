/**
 * Agents: registered, shown, given another composition; trust reset by a person.
 * @module
 */
import { type ControlEvent, login, parsePublicJwk, type Repositories } from '@safeconduct/engine'
import {
  type Agent,
  type JsonObject,
  type PublicJwk,
  SafeconductError,
  TRUST_LEVELS,
} from '@safeconduct/protocol'
import * as z from 'zod'
import { type Route, route } from '../http/route.ts'
import { mayAct } from './admission.ts'
import { notFound } from './not-found.ts'
import { type AdminPorts, byOf, change } from './ports.ts'

const name = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'a name is 1–63 of a–z, 0–9, ".", "_" and "-"')
// A private part is an accident that must not be stored, nor passed over in silence.
const secret = z.never('the JWK has a private part; register the public key').optional()
const SECRETS = {
  d: secret,
  k: secret,
  p: secret,
  q: secret,
  dp: secret,
  dq: secret,
  qi: secret,
  oth: secret,
}
const coordinate = z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'a coordinate is 32 bytes in base64url')
const kid = z.string().min(1).max(256).optional()
const use = z.literal('sig').optional()
const jwk = z
  .discriminatedUnion('kty', [
    z.object({
      kty: z.literal('EC'),
      crv: z.literal('P-256'),
      x: coordinate,
      y: coordinate,
      alg: z.literal('ES256').optional(),
      kid,
      use,
      ...SECRETS,
    }),
    z.object({
      kty: z.literal('OKP'),
      crv: z.literal('Ed25519'),
      x: coordinate,
      alg: z.enum(['EdDSA', 'Ed25519']).optional(),
      kid,
      use,
      ...SECRETS,
    }),
  ])
  .refine(isOnItsCurve, 'the JWK is not a point on its curve')
const part = z.strictObject({
  kind: z.enum(['model', 'prompt', 'tools']),
  // Half a surrogate pair has no canonical form, so no digest could be made of what holds one.
  name: z
    .string()
    .min(1)
    .max(256)
    .refine((text) => text.isWellFormed(), 'a name is well-formed Unicode'),
  digest: z.string().regex(/^sha256:[0-9a-f]{64}$/, 'a digest is sha256: and 64 hex digits'),
})
const registration = z.strictObject({
  name,
  jwks: z.strictObject({ keys: z.array(jwk).max(8) }).optional(),
  composition: z.array(part).max(64).optional(),
  redirect_uris: z
    .array(
      z
        .string()
        .max(2048)
        .refine(
          isRedirect,
          'a redirect URI is https, http on loopback, or a reverse-domain scheme; no fragment',
        ),
    )
    .max(16)
    .optional(),
})

function isOnItsCurve(key: object): boolean {
  try {
    parsePublicJwk(key)
    return true
  } catch {
    return false
  }
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]'])

/** RFC 8252 §7: what a browser would run or open itself (`javascript:`, `data:`) has no dot in its scheme. */
function isRedirect(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, hostname, username, password } = new URL(text)
  if (text.includes('#') || username !== '' || password !== '') return false
  if (protocol === 'http:') return LOOPBACK.has(hostname)
  return protocol === 'https:' || protocol.includes('.')
}

/** Only its public members are kept. */
type GivenKey = Pick<PublicJwk, 'kty'> & {
  readonly [M in 'crv' | 'x' | 'y' | 'kid' | 'alg']?: string | undefined
}

export interface AgentGiven {
  readonly name: string
  readonly jwks?: { readonly keys: readonly GivenKey[] } | undefined
  readonly composition?: readonly Omit<Agent['composition'][number], 'standing'>[] | undefined
  readonly redirect_uris?: readonly string[] | undefined
}

export function agentRoutes(ports: AdminPorts): Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/v1/agents',
      who: 'reader',
      summary: 'Agents with their trust now.',
      handle: async ({ tenant }) => {
        const agents = await ports.store.agents.list(tenant, { limit: 1000 })
        return { agents: await Promise.all(agents.map((agent) => view(ports, agent))) }
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/agents/:id',
      who: 'reader',
      summary: 'One agent, by id or name.',
      handle: async ({ tenant, params }) => view(ports, await findAgent(ports, tenant, params.id)),
    }),
    route({
      method: 'POST',
      path: '/api/v1/agents',
      who: 'reader',
      summary: 'Registers an agent.',
      body: registration,
      handle: async ({ tenant, body, caller }) => {
        const owner = caller.kind === 'owner' ? caller.user : await firstOwner(ports, tenant)
        return view(ports, await registerAgent(ports, tenant, owner, body, 'owner'))
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/agents/:id/composition',
      who: 'reader',
      summary: 'Declares another composition; trust starts again from `restricted`.',
      body: z.strictObject({ composition: z.array(part).max(64) }),
      handle: async ({ tenant, params, body, caller }) => {
        const agent = await findAgent(ports, tenant, params.id)
        const composition = body.composition.map((one) => ({ ...one, standing: 'declared' as const }))
        const event = { event: 'agent.composition', by: byOf(caller) }
        return view(ports, await replaceAgent(ports, { ...agent, composition }, event))
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/agents/:id/autonomy',
      who: 'confirmed',
      summary: 'Lets an agent act without a user, or stops it.',
      body: z.strictObject({ autonomous: z.boolean() }),
      confirm: async (body, { tenant, params }) => {
        await findAgent(ports, tenant, params.id)
        return body.autonomous ? 'Let an agent act without a user' : 'Stop an agent acting without a user'
      },
      handle: async ({ tenant, params, body, caller }) => {
        const agent = await findAgent(ports, tenant, params.id)
        const event = { event: 'agent.autonomy', by: byOf(caller), autonomous: body.autonomous }
        return view(ports, await replaceAgent(ports, { ...agent, ...body }, event))
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/agents/:id/trust',
      who: 'confirmed',
      summary:
        'A person reviewed the agent: its risk is reset, its trust capped at `ceiling` (null: no cap).',
      body: z.strictObject({ ceiling: z.enum(TRUST_LEVELS).nullable() }),
      confirm: async (body, { tenant, params }) => {
        await findAgent(ports, tenant, params.id)
        return `Reset the risk of an agent${body.ceiling === null ? '' : ` and cap its trust at ${body.ceiling}`}`
      },
      handle: async ({ tenant, params, body, caller }) => {
        const agent = await findAgent(ports, tenant, params.id)
        const by = byOf(caller)
        const changed = { ...agent, trustCeiling: body.ceiling }
        const after: ControlEvent = { type: 'trust-reset', tenant, agent: agent.id, by }
        const event = { event: 'agent.trust', by, ceiling: body.ceiling }
        return view(ports, await replaceAgent(ports, changed, event, [after]))
      },
    }),
  ]
}

/** Everything public about an agent; no key material beyond thumbprints would help a reader. */
async function view(ports: AdminPorts, agent: Agent): Promise<object> {
  const standing = ports.decider.standing(agent.tenant, agent.id)
  return {
    id: agent.id,
    name: agent.name,
    owner: agent.owner,
    registration: agent.registration,
    autonomous: agent.autonomous,
    status: (await mayAct(ports.store, agent)) ? agent.status : 'revoked',
    composition: agent.composition,
    keys: agent.jwks.length,
    trustCeiling: agent.trustCeiling,
    createdAt: agent.createdAt,
    signs: agent.signs ?? null,
    trust: standing?.trust ?? null,
    risk: standing?.risk ?? null,
    baseline: standing?.baseline ?? null,
    why: standing?.why ?? [],
    trend: standing?.trend ?? [],
    learning: standing?.learning ?? null,
  }
}

export async function findAgent(
  ports: AdminPorts,
  tenant: string,
  idOrName: string | undefined,
): Promise<Agent> {
  const text = idOrName ?? ''
  const agent =
    (await ports.store.agents.get(tenant, text)) ?? (await ports.store.agents.find(tenant, 'name', text))[0]
  if (agent === undefined) throw notFound('agent')
  return agent
}

async function firstOwner(ports: AdminPorts, tenant: string): Promise<string> {
  const owner = (await ports.store.users.list(tenant, { limit: 1000 })).find((user) => user.owner)
  if (owner === undefined)
    throw new SafeconductError('not_found', { message: 'The tenant has no owner yet.' })
  return owner.id
}

export async function registerAgent(
  ports: AdminPorts,
  tenant: string,
  owner: string,
  given: AgentGiven,
  how: Agent['registration'],
): Promise<Agent> {
  const agent: Agent = {
    tenant,
    id: `ag_${ports.ids.next()}`,
    version: 1,
    name: given.name,
    owner,
    registration: how,
    jwks: (given.jwks?.keys ?? []).map(({ kty, crv, x, y, kid, alg }) => ({
      kty,
      ...(crv === undefined ? {} : { crv }),
      ...(x === undefined ? {} : { x }),
      ...(y === undefined ? {} : { y }),
      ...(kid === undefined ? {} : { kid }),
      ...(alg === undefined ? {} : { alg }),
    })),
    redirectUris: given.redirect_uris ?? [],
    composition: (given.composition ?? []).map((one) => ({ ...one, standing: 'declared' })),
    autonomous: false,
    status: 'active',
    trustCeiling: null,
    createdAt: ports.clock.now(),
  }
  return change(ports, { event: 'agent.registered', agent: agent.id, how }, async (t) => {
    if ((await t.agents.find(tenant, 'name', agent.name)).length > 0) {
      throw new SafeconductError('conflict', {
        message: `An agent named ${agent.name} is registered already.`,
      })
    }
    const signed = await withSigns(t, agent)
    await t.agents.insert(signed)
    const epoch = await t.epochs.ensure(tenant, 'agent', agent.id)
    return {
      result: signed,
      control: [
        { type: 'epoch', tenant, ref: { kind: 'agent', id: agent.id, epoch } },
        { type: 'agent', agent: signed },
      ],
    }
  })
}

/** The agent with what is strange about its registration beside those that are there. */
export async function withSigns(t: Pick<Repositories, 'agents'>, agent: Agent): Promise<Agent> {
  const newest = await t.agents.list(agent.tenant, { limit: login.COMPARED, newestFirst: true })
  const signs = login.registrationSigns(agent, newest)
  return signs === null ? agent : { ...agent, signs }
}

async function replaceAgent(
  ports: AdminPorts,
  agent: Agent,
  event: JsonObject,
  more: readonly ControlEvent[] = [],
) {
  const next = { ...agent, version: agent.version + 1 }
  return change(ports, { ...event, agent: agent.id }, async (t) => {
    await t.agents.replace(next)
    return { result: next, control: [{ type: 'agent', agent: next }, ...more] }
  })
}
