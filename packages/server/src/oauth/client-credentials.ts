/**
 * `client_credentials` for agents that act without a user, under an implicit task of their own; and, for any agent,
 * a token that proves nothing but who it is, to be handed on to as the actor of an exchange (RFC 8693 §2.1).
 * @module
 */
import { signJws } from '@safeconduct/engine'
import {
  type Agent,
  type EpochRef,
  TASK_DETAILS_TYPE,
  type Task,
  type TaskDetails,
} from '@safeconduct/protocol'
import { parseDetailsParameter, refuseForeignTask } from './details.ts'
import { currentEpochs, epochsAlive, toTuples } from './epochs.ts'
import { OAuthError } from './errors.ts'
import { passGate } from './gate.ts'
import type { Form } from './http.ts'
import type { KeyRing } from './keys.ts'
import { mint } from './mint.ts'
import type { Context } from './options.ts'
import { defaultResources, isScope, requireServer, splitScope } from './resources.ts'
import { detailsDigest, IMPLICIT_IDLE, IMPLICIT_LIFETIME, openTask, taskAlive } from './tasks.ts'
import type { TokenResponse } from './token-response.ts'

export const ACTOR_TOKEN_TYPE = 'safeconduct-actor+jwt'

export type ClientCredentials = (form: Form, agent: Agent, jkt: string | null) => Promise<TokenResponse>

/** Which task an agent is on, by agent, servers and limits; least recently used out first. */
type Current = Map<string, OnTask>
interface OnTask {
  readonly task: string
  readonly epochs: readonly EpochRef[]
  readonly usedAt: number
}
const MAX_CURRENT = 10_000

export function createClientCredentials(context: Context, keys: KeyRing): ClientCredentials {
  const current: Current = new Map()
  return async (form, agent, jkt) => {
    const resources = form.all('resource')
    if (resources.length === 1 && resources[0] === context.issuer) {
      return actorToken(context, keys, form, agent, jkt)
    }
    if (!agent.autonomous) {
      throw new OAuthError('unauthorized_client', 'The agent may not act without a user.')
    }
    const audience = resources.length > 0 ? [...new Set(resources)] : await defaultResources(context)
    const servers = await serversOf(context, audience)
    const scope = requestedScope(form)
    const wish = parseDetailsParameter(form.one('authorization_details'))
    const asked = { ...(wish === null ? {} : refuseForeignTask(wish)), type: TASK_DETAILS_TYPE } as const
    const { task, epochs } = await taskFor(context, current, agent, narrowServers(asked, servers))
    const now = context.clock.now()
    const ends = [now + context.settings.accessTokenTtl * 1000, task.expiresAt]
    if (task.details.expires !== undefined) ends.push(task.details.expires * 1000)
    const expiresAt = Math.floor(Math.min(...ends) / 1000) * 1000
    if (expiresAt <= now)
      throw new OAuthError('invalid_authorization_details', 'The task would have expired.')
    await passGate(context, {
      kind: 'client_credentials',
      tenant: context.tenant,
      agent: agent.id,
      user: null,
      via: [],
      task: task.id,
      scope,
      audience,
      details: task.details,
      bound: jkt !== null,
    })
    const token = mint(keys.main, {
      issuer: context.issuer,
      tenant: context.tenant,
      id: context.ids.next(),
      agent: agent.id,
      user: null,
      actors: [],
      audience,
      scope,
      task: task.id,
      details: task.details,
      epochs,
      jkt,
      now,
      expiresAt,
      authenticatedAt: null,
    })
    return {
      access_token: token,
      token_type: jkt === null ? 'Bearer' : 'DPoP',
      expires_in: Math.floor((expiresAt - now) / 1000),
      scope: scope.join(' '),
      authorization_details: [task.details],
    }
  }
}

async function serversOf(context: Context, audience: readonly string[]): Promise<string[]> {
  const servers: string[] = []
  for (const resource of audience) {
    const name = await requireServer(context, resource)
    if (name !== null) servers.push(name)
  }
  return servers
}

/** The task never reaches further than the token's audience. */
function narrowServers(asked: TaskDetails, servers: readonly string[]): TaskDetails {
  const wanted = asked.servers ?? servers
  if (!wanted.every((name) => servers.includes(name))) {
    throw new OAuthError(
      'invalid_authorization_details',
      'The servers are not those of the requested resources.',
    )
  }
  return { ...asked, servers: [...wanted] }
}

function requestedScope(form: Form): string[] {
  const words = splitScope(form.one('scope') ?? 'mcp:read mcp:write')
  if (words.length === 0 || !words.every(isScope))
    throw new OAuthError('invalid_scope', 'The scope is unknown.')
  return words
}

/** The implicit task of this agent for these servers and limits: 30 min idle, 8 h at most. */
async function taskFor(
  context: Context,
  current: Current,
  agent: Agent,
  details: TaskDetails,
): Promise<{ task: Task; epochs: readonly EpochRef[] }> {
  const key = `${agent.id} ${detailsDigest(details)}`
  const now = context.clock.now()
  const known = current.get(key)
  if (known !== undefined && now - known.usedAt <= IMPLICIT_IDLE) {
    const task = await context.store.tasks.get(context.tenant, known.task)
    // A task keeps the epochs it was opened under: one that was revoked is not revived by the next token.
    if (taskAlive(task, now) && (await epochsAlive(context.store, context.tenant, known.epochs))) {
      remember(current, key, { ...known, usedAt: now })
      return { task, epochs: known.epochs }
    }
  }
  const { task, epochs } = await openTask(context, {
    agent: agent.id,
    user: null,
    intent: null,
    implicit: true,
    details,
    expiresAt: now + IMPLICIT_LIFETIME,
  })
  remember(current, key, { task: task.id, epochs, usedAt: now })
  return { task, epochs }
}

function remember(current: Current, key: string, value: OnTask): void {
  current.delete(key)
  current.set(key, value)
  for (const oldest of current.keys()) {
    if (current.size <= MAX_CURRENT) return
    current.delete(oldest)
  }
}

/** Opens nothing: another `typ`, our own issuer as audience, no scope and no task. */
async function actorToken(
  context: Context,
  keys: KeyRing,
  form: Form,
  agent: Agent,
  jkt: string | null,
): Promise<TokenResponse> {
  if (form.one('scope') !== null || form.one('authorization_details') !== null) {
    throw new OAuthError('invalid_scope', 'An actor token carries no scope and no task.')
  }
  await passGate(context, {
    kind: 'actor_token',
    tenant: context.tenant,
    agent: agent.id,
    user: null,
    via: [],
    task: null,
    scope: [],
    audience: [context.issuer],
    details: null,
    bound: jkt !== null,
  })
  const epochs = await currentEpochs(context.store, context.tenant, [
    ['tenant', context.tenant],
    ['agent', agent.id],
  ])
  const issuedAt = Math.floor(context.clock.now() / 1000)
  const payload = {
    iss: context.issuer,
    sub: agent.id,
    aud: context.issuer,
    client_id: agent.id,
    iat: issuedAt,
    exp: issuedAt + context.settings.accessTokenTtl,
    jti: context.ids.next(),
    ...(jkt === null ? {} : { cnf: { jkt } }),
    safeconduct: { tenant: context.tenant, epochs: toTuples(epochs) },
  }
  return {
    access_token: signJws({ typ: ACTOR_TOKEN_TYPE, kid: keys.main.kid }, payload, keys.main.privateKey),
    token_type: jkt === null ? 'Bearer' : 'DPoP',
    expires_in: context.settings.accessTokenTtl,
  }
}
