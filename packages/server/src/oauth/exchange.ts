/**
 * Token exchange (RFC 8693): the user's grant that one agent holds becomes a narrower grant for another, with the
 * chain of who handed on written into it.
 * @module
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { parseJws, verifyAccessToken, verifyJws } from '@safeconduct/engine'
import {
  type Agent,
  type EpochRef,
  epochRefSchema,
  type Grant,
  isJsonObject,
  type JsonObject,
  type Task,
} from '@safeconduct/protocol'
import * as z from 'zod'
import { ACTOR_TOKEN_TYPE } from './client-credentials.ts'
import { parseDetailsParameter } from './details.ts'
import { epochsAlive, joinEpochs } from './epochs.ts'
import { invalidGrant, OAuthError } from './errors.ts'
import { passGate } from './gate.ts'
import { findHandover, handOver, lastDelegation } from './handovers.ts'
import type { Form } from './http.ts'
import type { KeyRing } from './keys.ts'
import { mint } from './mint.ts'
import { narrowGrant } from './narrow-grant.ts'
import { type Context, PATHS } from './options.ts'
import type { ProofCheck } from './proof.ts'
import { splitScope } from './resources.ts'
import { taskAlive } from './tasks.ts'
import type { TokenResponse } from './token-response.ts'

export const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'
const JWT = 'urn:ietf:params:oauth:token-type:jwt'
/** No forgiveness for clocks: issuer and verifier are the same machine. */
const SKEW = 0

/** Who will hold the result, and the key it is bound to if that is not the key of the request's own proof. */
interface Actor {
  readonly id: string
  readonly jkt: string | null
}

interface Subject {
  readonly grant: Grant
  readonly mayAct: string | null
  readonly task: Task
}

export type Exchange = (
  form: Form,
  client: Agent,
  req: IncomingMessage,
  res: ServerResponse,
) => Promise<TokenResponse>

export function createExchange(context: Context, keys: KeyRing, prove: ProofCheck): Exchange {
  return async (form, client, req, res) => {
    checkTypes(form)
    const { grant, mayAct, task } = await readSubject(context, keys, form)
    const actor = await readActor(context, keys, form, client)
    const proof = await prove(req, res, client.id, PATHS.token)
    if (mayAct !== null && mayAct !== actor.id) throw invalidGrant('The subject token is not for this actor.')
    const earlier = await findHandover(context, grant, actor.id)
    const holds = grant.jkt === null ? client.id === grant.agent : proof !== null && proof === grant.jkt
    // Without holding the subject's key, an agent may only take up for itself what was handed to it before.
    const takesUp = actor.id === client.id && (mayAct === actor.id || earlier !== null)
    if (!holds && !takesUp) throw invalidGrant('The subject token is not yours to hand on.')
    const jkt = actor.id === client.id ? proof : actor.jkt
    if (grant.jkt !== null && jkt === null)
      throw invalidGrant('A key-bound grant cannot become a bearer grant.')

    const now = context.clock.now()
    const self = actor.id === grant.agent
    // What is taken up is the link that was made: its limits, its end, its purse, and no new one beside it.
    const taken = holds || self ? null : earlier
    const taskEnd = Math.min(
      task.expiresAt,
      await delegationEnd(context, grant),
      taken?.delegation.expiresAt ?? Number.POSITIVE_INFINITY,
    )
    const narrowed = narrowGrant(
      grant,
      {
        actor: actor.id,
        scope: scopeOf(form),
        audience: audienceOf(form),
        details: parseDetailsParameter(form.one('authorization_details')),
      },
      {
        now,
        lifetime: context.settings.accessTokenTtl * 1000,
        ends: [taskEnd],
        delegated: taken,
      },
    )
    const [, ...via] = narrowed.actors
    await passGate(context, {
      kind: 'token_exchange',
      tenant: context.tenant,
      agent: actor.id,
      user: grant.user,
      via,
      task: grant.task,
      scope: narrowed.scope,
      audience: narrowed.audience,
      details: narrowed.details,
      bound: jkt !== null,
    })
    const end = Math.min(taskEnd, (narrowed.details.expires ?? 1e12) * 1000)
    const link = self ? [] : (taken ?? (await handOver(context, grant, actor.id, narrowed, end))).epochs
    const token = mint(keys.main, {
      issuer: context.issuer,
      tenant: context.tenant,
      id: context.ids.next(),
      agent: actor.id,
      user: grant.user,
      actors: narrowed.actors,
      audience: narrowed.audience,
      scope: narrowed.scope,
      task: grant.task,
      details: narrowed.details,
      epochs: joinEpochs(grant.epochs, link),
      jkt,
      now,
      expiresAt: narrowed.expiresAt,
      authenticatedAt: grant.authenticatedAt,
    })
    return {
      access_token: token,
      issued_token_type: ACCESS_TOKEN,
      token_type: jkt === null ? 'Bearer' : 'DPoP',
      expires_in: Math.floor((narrowed.expiresAt - now) / 1000),
      scope: narrowed.scope.join(' '),
      authorization_details: [narrowed.details],
    }
  }
}

/** What is said of a token must be what it is; its `typ` is checked when it is read. */
function checkTypes(form: Form): void {
  if (form.one('subject_token') === null) throw new OAuthError('invalid_request', 'subject_token is missing.')
  if (form.one('subject_token_type') !== ACCESS_TOKEN) {
    throw new OAuthError('invalid_request', 'Only an access token of this issuer can be exchanged.')
  }
  const requested = form.one('requested_token_type')
  if (requested !== null && requested !== ACCESS_TOKEN) {
    throw new OAuthError('invalid_request', 'Only an access token can be requested.')
  }
  const actorType = form.one('actor_token_type')
  if ((form.one('actor_token') === null) !== (actorType === null)) {
    throw new OAuthError('invalid_request', 'actor_token and actor_token_type go together.')
  }
}

async function readSubject(context: Context, keys: KeyRing, form: Form): Promise<Subject> {
  const token = form.one('subject_token') ?? ''
  const rules = {
    issuer: context.issuer,
    audience: null,
    keys: keys.verifying,
    now: context.clock.now(),
    skew: SKEW,
  }
  let grant: Grant
  try {
    grant = verifyAccessToken(token, rules)
  } catch (cause) {
    throw invalidGrant('The subject token is not valid.', cause)
  }
  if (grant.tenant !== context.tenant) throw invalidGrant('The subject token is not valid.')
  if (grant.user === null) throw invalidGrant('The subject token does not carry a user.')
  if (!(await epochsAlive(context.store, context.tenant, grant.epochs))) {
    throw invalidGrant('The subject token has been revoked.')
  }
  const task = await context.store.tasks.get(context.tenant, grant.task)
  if (!taskAlive(task, context.clock.now())) throw invalidGrant('The task has ended.')
  await requireActive(context, [grant.agent, ...grant.via])
  return { grant, mayAct: mayActOf(parseJws(token).payload), task }
}

/** RFC 8693 §4.4. A claim we cannot read names nobody, so nobody may act. */
function mayActOf(claims: JsonObject): string | null {
  const { may_act: mayAct } = claims
  if (mayAct === undefined) return null
  return isJsonObject(mayAct) && typeof mayAct.sub === 'string' ? mayAct.sub : ''
}

async function requireActive(context: Context, agents: readonly string[]): Promise<void> {
  for (const id of agents) {
    const agent = await context.store.agents.get(context.tenant, id)
    if (agent?.status !== 'active') throw invalidGrant('An agent of the chain is not active.')
  }
}

/** Without an actor token the actor is the agent that authenticated. */
async function readActor(context: Context, keys: KeyRing, form: Form, client: Agent): Promise<Actor> {
  const token = form.one('actor_token')
  if (token === null) return { id: client.id, jkt: null }
  const actor =
    form.one('actor_token_type') === JWT
      ? readActorToken(context, keys, token)
      : readActorGrant(context, keys, form.one('actor_token_type'), token)
  if (!(await epochsAlive(context.store, context.tenant, actor.epochs))) {
    throw invalidGrant('The actor token has been revoked.')
  }
  await requireActive(context, [actor.id])
  if (actor.id !== client.id && actor.jkt === null) {
    throw invalidGrant('An actor token of another agent must be bound to its key.')
  }
  return { id: actor.id, jkt: actor.jkt }
}

const actorClaims = z.object({
  iss: z.string(),
  sub: z.string().max(256),
  aud: z.string(),
  exp: z.int(),
  cnf: z.object({ jkt: z.string().max(128) }).optional(),
  safeconduct: z.object({ tenant: z.string(), epochs: z.array(epochRefSchema).max(8) }),
})

function readActorToken(context: Context, keys: KeyRing, token: string): Actor & { epochs: EpochRef[] } {
  try {
    const jws = parseJws(token)
    const key = typeof jws.header.kid === 'string' ? keys.verifying.get(jws.header.kid) : undefined
    if (jws.header.typ !== ACTOR_TOKEN_TYPE || key === undefined) throw invalidGrant('Not an actor token.')
    verifyJws(jws, key)
    const claims = actorClaims.parse(jws.payload)
    const ours = claims.iss === context.issuer && claims.aud === context.issuer
    if (!ours || claims.safeconduct.tenant !== context.tenant) throw invalidGrant('Not from here.')
    if (claims.exp * 1000 <= context.clock.now()) throw invalidGrant('Expired.')
    const epochs = claims.safeconduct.epochs.map(([kind, id, epoch]): EpochRef => ({ kind, id, epoch }))
    return { id: claims.sub, jkt: claims.cnf?.jkt ?? null, epochs }
  } catch (cause) {
    throw invalidGrant('The actor token is not valid.', cause)
  }
}

/** An agent's own grant also says who it is; one that carries a user says more than that and is not taken. */
function readActorGrant(
  context: Context,
  keys: KeyRing,
  type: string | null,
  token: string,
): Actor & { epochs: readonly EpochRef[] } {
  if (type !== ACCESS_TOKEN)
    throw new OAuthError('invalid_request', 'That type of actor token is not accepted.')
  const rules = {
    issuer: context.issuer,
    audience: null,
    keys: keys.verifying,
    now: context.clock.now(),
    skew: SKEW,
  }
  try {
    const grant = verifyAccessToken(token, rules)
    if (grant.user !== null || grant.tenant !== context.tenant)
      throw invalidGrant('It is not an agent alone.')
    return { id: grant.agent, jkt: grant.jkt, epochs: grant.epochs }
  } catch (cause) {
    throw invalidGrant('The actor token is not valid.', cause)
  }
}

function scopeOf(form: Form): string[] | null {
  const text = form.one('scope')
  return text === null ? null : splitScope(text)
}

/** `audience` and `resource` name the same things here. */
function audienceOf(form: Form): string[] | null {
  const named = [...new Set([...form.all('resource'), ...form.all('audience')])]
  return named.length === 0 ? null : named
}

/** End of the link that the subject stands on. @throws {OAuthError} `invalid_grant` when it is gone */
async function delegationEnd(context: Context, grant: Grant): Promise<number> {
  const id = lastDelegation(grant)
  const delegation = id === null ? null : await context.store.delegations.get(context.tenant, id)
  if (delegation === null || context.clock.now() >= delegation.expiresAt) {
    throw invalidGrant('The delegation has expired.')
  }
  return delegation.expiresAt
}
