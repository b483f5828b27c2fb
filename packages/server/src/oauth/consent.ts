/**
 * Consent: the library hands an authorization request over here, a signed-in person answers it, and the library goes on.
 * @module
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Server, TaskDetails, User } from '@safeconduct/protocol'
import { TASK_DETAILS_TYPE } from '@safeconduct/protocol'
import type Provider from 'oidc-provider'
import type { Client, InteractionResults } from 'oidc-provider'
import { type ConsentServer, consentPage } from '../pages/consent-page.ts'
import { html, sendPage } from '../pages/html.ts'
import { needSignInPage, WAIT_SCRIPT } from '../pages/sign-in-page.ts'
import { isLoopbackUrl, redirectHost, redirectTarget } from './clients.ts'
import { askedDetails, type Choice, coveredTools, LONGEST_TASK, readChoice } from './consent-choice.ts'
import { agentOf, grantConsent } from './consent-grant.ts'
import { parseDetailsParameter } from './details.ts'
import { OAuthError, toOAuthError } from './errors.ts'
import { fromOurPage, parseForm, readBody, redirect } from './http.ts'
import { type Context, PATHS } from './options.ts'
import { asDetail } from './provider.ts'
import { claimOnce } from './replay.ts'
import { isScope, requireServer, serverOf, splitScope } from './resources.ts'
import { type OwnerSession, type Sessions, sameSecret } from './sessions.ts'

/** An authorization request that waits for its answer. */
interface Asked {
  readonly uid: string
  readonly client: Client
  readonly redirectUri: string
  readonly resources: readonly string[]
  readonly servers: readonly string[]
  readonly oidcScope: string
  readonly wantsWrite: boolean
  readonly details: TaskDetails
  /** The client sent details of its own. */
  readonly particular: boolean
  /** Seconds since the epoch; sign-ins before it are too old for this request. */
  readonly freshAfter: number
}

export interface ConsentPorts {
  readonly context: Context
  readonly provider: Provider
  readonly sessions: Sessions
}

/** `raw` is the request as the library may see it; `req` still has the body. */
export async function handleConsent(
  ports: ConsentPorts,
  req: IncomingMessage,
  raw: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  const { context, provider } = ports
  let asked: Asked
  try {
    asked = await readAsked(context, provider, raw, res)
  } catch (thrown) {
    const error = toOAuthError(thrown)
    if (error.error === 'server_error') context.log('debug', 'consent', thrown)
    return finishWithError(provider, raw, res, error)
  }
  if (!(req.url ?? '').split('?', 1)[0]?.endsWith(`/${asked.uid}`)) return expiredPage(res)
  const session = ports.sessions.find(req)
  const user = session === null ? null : await context.store.users.get(context.tenant, session.user)
  if (session === null || user === null || session.authenticatedAt / 1000 < asked.freshAfter) {
    return sendPage(res, {
      status: 401,
      title: 'Sign in to go on',
      body: needSignInPage({ next: `${PATHS.consent}/${asked.uid}`, problem: null }),
      script: WAIT_SCRIPT,
    })
  }
  if (req.method === 'GET' || req.method === 'HEAD') return showPage(ports, asked, session, user, res, null)
  return answer(ports, asked, session, user, req, raw, res)
}

async function readAsked(
  context: Context,
  provider: Provider,
  raw: IncomingMessage,
  res: ServerResponse,
): Promise<Asked> {
  const { uid, params, iat } = await provider.interactionDetails(raw, res)
  const client = await provider.Client.find(String(params.client_id))
  if (client === undefined) throw new OAuthError('invalid_request', 'The client is gone.')
  const resources = (Array.isArray(params.resource) ? params.resource : [params.resource]).map(String)
  const servers: string[] = []
  for (const resource of resources) {
    const server = await requireServer(context, resource)
    if (server !== null) servers.push(server)
  }
  const words = splitScope(typeof params.scope === 'string' ? params.scope : '')
  const text = typeof params.authorization_details === 'string' ? params.authorization_details : null
  const given = parseDetailsParameter(text)
  return {
    uid,
    client,
    redirectUri: String(params.redirect_uri),
    resources,
    servers,
    oidcScope: words.filter((word) => !isScope(word)).join(' '),
    wantsWrite: words.includes('mcp:write'),
    details: askedDetails(servers, given),
    particular: given !== null,
    freshAfter: freshAfter(params, iat ?? 0, context.clock.now() / 1000),
  }
}

/** OpenID Connect Core §3.1.2.1: `prompt=login` and `max_age` ask for a sign-in of that freshness. */
function freshAfter(params: Readonly<Record<string, unknown>>, askedAt: number, now: number): number {
  const prompts = typeof params.prompt === 'string' ? params.prompt.split(' ') : []
  const maxAge = params.max_age === undefined ? Number.POSITIVE_INFINITY : Number(params.max_age)
  // The request is dated in whole seconds, so only the next second is surely after it.
  return Math.max(prompts.includes('login') ? askedAt + 1 : 0, now - maxAge)
}

async function showPage(
  ports: ConsentPorts,
  asked: Asked,
  session: OwnerSession,
  user: User,
  res: ServerResponse,
  problem: string | null,
): Promise<void> {
  const { context } = ports
  const { client } = asked
  const known = await context.store.agents.get(context.tenant, client.clientId)
  const { registration } = known ?? agentOf(context, client, user.id)
  sendPage(res, {
    status: problem === null ? 200 : 400,
    title: 'An agent asks to act for you',
    formTargets: [redirectTarget(asked.redirectUri)],
    body: consentPage({
      action: `${PATHS.consent}/${asked.uid}`,
      csrf: session.csrf,
      userName: user.name,
      agentName: client.clientName ?? client.clientId,
      agentId: client.clientId,
      registration,
      known: known !== null,
      redirectHost: redirectHost(asked.redirectUri),
      loopbackOnly: (client.redirectUris ?? []).every(isLoopbackUrl),
      servers: await Promise.all(asked.servers.map((name) => serverView(context, asked.details, name))),
      wantsWrite: asked.wantsWrite,
      asked: asked.details,
      lifetimes: lifetimes(context, asked.details.expires),
      problem,
    }),
  })
}

async function serverView(context: Context, asked: TaskDetails, name: string): Promise<ConsentServer> {
  const [server]: (Server | undefined)[] = await context.store.servers.find(context.tenant, 'name', name, {
    limit: 1,
  })
  const pinned = await context.store.tools.find(context.tenant, 'server', name, { limit: 200 })
  const known = pinned.filter((tool) => tool.status === 'active').map((tool) => `${name}/${tool.name}`)
  return { name, standing: server?.standing ?? 'new', ...coveredTools(asked, name, known) }
}

function lifetimes(context: Context, expires: number | undefined): { seconds: number; label: string }[] {
  const left = expires === undefined ? LONGEST_TASK : expires - Math.floor(context.clock.now() / 1000)
  const first = Math.max(60, Math.min(context.settings.taskTtl, left, LONGEST_TASK))
  const others = [3600, 8 * 3600, 24 * 3600, LONGEST_TASK].filter(
    (seconds) => seconds <= left && seconds !== first,
  )
  return [first, ...others].map((seconds) => ({ seconds, label: duration(seconds) }))
}

function duration(seconds: number): string {
  const [amount, unit] =
    seconds >= 2 * 86_400
      ? [seconds / 86_400, 'day']
      : seconds >= 3600
        ? [seconds / 3600, 'hour']
        : [seconds / 60, 'minute']
  const rounded = Math.floor(amount)
  return `${rounded} ${unit}${rounded === 1 ? '' : 's'} from now`
}

async function answer(
  ports: ConsentPorts,
  asked: Asked,
  session: OwnerSession,
  user: User,
  req: IncomingMessage,
  raw: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  const { context, provider } = ports
  const form = parseForm(req, await readBody(req))
  if (!fromOurPage(req, context.issuer) || !sameSecret(form.one('csrf') ?? '', session.csrf)) {
    return sendPage(res, {
      status: 403,
      title: 'This form is not valid',
      body: html`<p>It did not come from this page of Safeconduct, or it is too old. Nothing was granted.</p>`,
    })
  }
  const said = form.one('answer')
  if (said === 'refuse') {
    return finish(provider, raw, res, { error: 'access_denied', error_description: 'The person refused.' })
  }
  let choice: Choice
  try {
    if (said !== 'allow') throw new OAuthError('invalid_request', 'Choose “Allow” or “Refuse”.')
    choice = readChoice(form, asked.details, asked.wantsWrite, context.clock.now())
  } catch (thrown) {
    return showPage(ports, asked, session, user, res, toOAuthError(thrown).message)
  }
  if (!(await claimOnce(context, `consent:${asked.uid}`, context.clock.now() + 3_600_000)))
    return expiredPage(res)
  const grantId = await grantConsent(
    context,
    {
      client: asked.client,
      user: user.id,
      choice,
      implicit: !asked.particular && choice.intent === null,
    },
    (details) => saveGrant(ports, asked, user.id, choice, details),
  )
  return finish(provider, raw, res, {
    login: { accountId: user.id, ts: Math.floor(session.authenticatedAt / 1000), remember: false },
    consent: { grantId },
  })
}

async function saveGrant(
  { context, provider }: ConsentPorts,
  asked: Asked,
  user: string,
  choice: Choice,
  details: TaskDetails,
): Promise<string> {
  const grant = new provider.Grant({ accountId: user, clientId: asked.client.clientId })
  const scope = choice.write ? 'mcp:read mcp:write' : 'mcp:read'
  // A server the person unticked is not granted, whatever the request named.
  const chosen = choice.details.servers ?? []
  for (const resource of asked.resources) {
    const server = serverOf(context.issuer, resource)
    if (server === null || chosen.includes(server)) grant.addResourceScope(resource, scope)
  }
  if (asked.oidcScope !== '') grant.addOIDCScope(asked.oidcScope)
  grant.addRar({ ...asDetail(details), type: TASK_DETAILS_TYPE })
  return grant.save()
}

function expiredPage(res: ServerResponse): void {
  sendPage(res, {
    status: 400,
    title: 'This request is no longer open',
    body: html`<p>It was answered already, or waited too long. Start again from the agent.</p>`,
  })
}

async function finish(
  provider: Provider,
  raw: IncomingMessage,
  res: ServerResponse,
  result: InteractionResults,
): Promise<void> {
  redirect(res, await provider.interactionResult(raw, res, result, { mergeWithLastSubmission: false }))
}

async function finishWithError(
  provider: Provider,
  raw: IncomingMessage,
  res: ServerResponse,
  error: OAuthError,
): Promise<void> {
  if (error.error === 'server_error') return expiredPage(res)
  return finish(provider, raw, res, { error: error.error, error_description: error.message })
}
