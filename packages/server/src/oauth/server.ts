/**
 * The authorization server as one request handler: what is hot or ours is answered here, the rest by the library behind
 * it. Owns the in-memory sessions; everything else is the caller's.
 * @module
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type SigningKey, signJws } from '@safeconduct/engine'
import {
  type EpochRef,
  type JsonObject,
  type PublicJwk,
  parseJson,
  SafeconductError,
} from '@safeconduct/protocol'
import type Provider from 'oidc-provider'
import { html, sendPage } from '../pages/html.ts'
import { createClientAuth } from './client-auth.ts'
import { createClientCredentials } from './client-credentials.ts'
import { selfDescribed } from './clients.ts'
import { handleConsent } from './consent.ts'
import { OAuthError, toOAuthError } from './errors.ts'
import { createExchange } from './exchange.ts'
import { type Form, formOf, parseForm, readBody, replay, sendJson, sendOAuthError } from './http.ts'
import { loadKeys } from './keys.ts'
import { createLimiter } from './limiter.ts'
import { serverMetadata, TOKEN_EXCHANGE } from './metadata.ts'
import { type AuthorizationServerOptions, type Context, PATHS } from './options.ts'
import { createProofCheck } from './proof.ts'
import { createProvider, registrationAllowed } from './provider.ts'
import { ALL_SCOPES } from './resources.ts'
import { type RevokeTarget, revoke } from './revoke.ts'
import { selfCheck } from './self-check.ts'
import { createSessions, type OwnerSession } from './sessions.ts'
import { handleSignIn, handleSignOut, signInLink } from './sign-in.ts'
import { type OpenTask, openTask, type TaskWish } from './tasks.ts'
import { introspect, isStructured, revokeToken } from './token-status.ts'

export interface AuthorizationServer {
  /** True when it answered: `/oauth/*`, its well-knowns, `/signin`, `/signout`. The body must not have been read. */
  handler(req: IncomingMessage, res: ServerResponse): Promise<boolean>
  /** Public keys, as served at `/oauth/jwks`. */
  jwks(): readonly PublicJwk[]
  /** The same keys for `verifyAccessToken`, by `kid`. */
  readonly keys: ReadonlyMap<string, SigningKey>
  /** A JWS of ours that is no token: `type` says what it is. Ed25519, so the same payload has the same signature. */
  sign(type: string, payload: JsonObject): string
  /** A link that signs this user in once, within ten minutes. Print it once and forget it. */
  createSignInLink(user: string): string
  ownerSession(req: IncomingMessage): OwnerSession | null
  /** A revoked user is signed out, too. */
  revoke(target: RevokeTarget): Promise<EpochRef>
  /** A task for a channel without a consent page (`run`), with the epochs a grant under it has to name. */
  openTask(wish: TaskWish): Promise<OpenTask>
  /** Signs everybody out. The store and the fetch stay open: they are the caller's. */
  close(): Promise<void>
}

type Answer = (req: IncomingMessage, res: ServerResponse) => Promise<void>

/** A person trying things out registers a few; a program that loops is stopped. */
const REGISTRATIONS_PER_MINUTE = 60
const WELL_KNOWN = ['/.well-known/oauth-authorization-server', '/.well-known/openid-configuration']

/** @throws {SafeconductError} `invalid_request` for an issuer that is not an origin, `internal` when a self-check fails */
export async function createAuthorizationServer(
  options: AuthorizationServerOptions,
): Promise<AuthorizationServer> {
  const { origin, protocol } = options.issuer
  if (options.issuer.href !== `${origin}/` || !/^https?:$/.test(protocol)) {
    throw new SafeconductError('invalid_request', {
      message: 'The issuer must be an origin, without a path.',
    })
  }
  const sessions = createSessions(options.clock, origin)
  const context: Context = {
    ...options,
    issuer: origin,
    log: options.log ?? (() => undefined),
  }
  const keys = await loadKeys(options.secrets)
  const provider = createProvider(context, keys)
  await selfCheck(context, provider, keys)
  const library = libraryAnswer(context, provider)
  const auth = createClientAuth(context, provider)
  const prove = createProofCheck(context)
  const mayRegister = createLimiter(options.clock, REGISTRATIONS_PER_MINUTE)
  const clientCredentials = createClientCredentials(context, keys)
  const exchange = createExchange(context, keys, prove)

  const token: Answer = async (req, res) => {
    const body = await readBody(req)
    const form = parseForm(req, body)
    const grant = form.one('grant_type')
    if (grant === 'client_credentials') {
      const agent = await auth.proven(form, PATHS.token, addressOf(req))
      const jkt = await prove(req, res, agent.id, PATHS.token)
      return sendJson(res, 200, { ...(await clientCredentials(form, agent, jkt)) } as never)
    }
    if (grant === TOKEN_EXCHANGE) {
      const agent = await auth.proven(form, PATHS.token, addressOf(req))
      return sendJson(res, 200, { ...(await exchange(form, agent, req, res)) } as never)
    }
    return library(req, res, body)
  }
  const status = (
    own: (form: Form, token: string, ip: string | null) => Promise<(res: ServerResponse) => void>,
  ): Answer => {
    return async (req, res) => {
      const body = await readBody(req)
      const form = parseForm(req, body)
      const value = form.one('token')
      if (value === null || !isStructured(value)) return library(req, res, body)
      const send = await own(form, value, addressOf(req))
      send(res)
    }
  }
  const posts: Readonly<Record<string, Answer>> = {
    [PATHS.token]: token,
    [PATHS.introspect]: status(async (form, value, ip) => {
      const agent = await auth.proven(form, PATHS.introspect, ip)
      const answer = await introspect(context, keys, value, agent.id)
      return (res) => sendJson(res, 200, answer)
    }),
    [PATHS.revoke]: status(async (form, value, ip) => {
      await revokeToken(context, keys, value, await auth.named(form, PATHS.revoke, ip))
      return (res) => sendJson(res, 200, {})
    }),
    [PATHS.par]: async (req, res) => library(req, res, withDefaultScope(await readBody(req), req)),
    [PATHS.register]: async (req, res) => {
      if (!mayRegister())
        throw new OAuthError('temporarily_unavailable', 'Too many registrations; try again later.')
      await library(req, res, await registrationBody(req))
    },
  }
  const metadata = serverMetadata(context, registrationAllowed(context))

  const answer = async (req: IncomingMessage, res: ServerResponse, path: string): Promise<void> => {
    if (WELL_KNOWN.includes(path)) return sendPublic(req, res, metadata)
    if (path === PATHS.jwks) return sendPublic(req, res, { keys: keys.jwks.map((key) => ({ ...key })) })
    if (path === PATHS.signIn) return handleSignIn(context, sessions, req, res)
    if (path === PATHS.signOut) return handleSignOut(context, sessions, req, res)
    if (path.startsWith(`${PATHS.consent}/`)) {
      return handleConsent({ context, provider, sessions }, req, safeRequest(context, req, null), res)
    }
    const post = req.method === 'POST' ? posts[path] : undefined
    return post === undefined ? library(req, res, null) : post(req, res)
  }

  return {
    async handler(req, res) {
      const path = pathOf(req)
      if (!isOurs(path)) return false
      try {
        await answer(req, res, path)
      } catch (thrown) {
        fail(context, req, res, thrown)
      }
      return true
    },
    jwks: () => keys.jwks,
    keys: keys.verifying,
    sign: (type, payload) => signJws({ typ: type, kid: keys.edwards.kid }, payload, keys.edwards.privateKey),
    createSignInLink: (user) => signInLink(origin, sessions.createSecret(options.tenant, user)),
    ownerSession: (req) => sessions.find(req),
    async revoke(target) {
      const ref = await revoke(context, target)
      if (target.kind === 'user') sessions.drop(target.tenant, target.id)
      return ref
    },
    openTask: (wish) => openTask(context, wish),
    close: async () => sessions.clear(),
  }
}

function pathOf(req: IncomingMessage): string {
  return (req.url ?? '/').split(/[?#]/, 1)[0] ?? '/'
}

function isOurs(path: string): boolean {
  return (
    path.startsWith('/oauth/') || path === PATHS.signIn || path === PATHS.signOut || WELL_KNOWN.includes(path)
  )
}

/**
 * The request as the library may see it: scheme and host are the issuer's whatever was sent, so that no URL it builds
 * can be led elsewhere; cookies of an earlier authorization do not matter to a new one.
 */
function safeRequest(
  context: Context,
  req: IncomingMessage,
  body: Buffer | null,
  url?: string,
): IncomingMessage {
  const { protocol, host } = new URL(context.issuer)
  return replay(req, {
    ...(url === undefined ? {} : { url }),
    headers: { host, 'x-forwarded-host': host, 'x-forwarded-proto': protocol.slice(0, -1) },
    body,
  })
}

function libraryAnswer(context: Context, provider: Provider) {
  const callback = provider.callback()
  return async (req: IncomingMessage, res: ServerResponse, body: Buffer | null): Promise<void> => {
    const isRequest = req.method === 'GET' && pathOf(req) === PATHS.authorize
    const raw = safeRequest(
      context,
      req,
      body ?? (req.method === 'POST' ? await readBody(req) : null),
      isRequest ? withScope(req.url ?? '') : undefined,
    )
    if (isRequest) delete raw.headers.cookie
    await callback(raw, res)
  }
}

/** A request that names no scope would end in `access_denied`; it gets what its resources know. */
function withScope(url: string): string {
  const at = url.indexOf('?')
  const query = new URLSearchParams(at === -1 ? '' : url.slice(at + 1))
  if (query.get('scope') || query.get('request_uri')) return url
  query.set('scope', ALL_SCOPES)
  return `${PATHS.authorize}?${query}`
}

function addressOf(req: IncomingMessage): string | null {
  return req.socket.remoteAddress ?? null
}

function withDefaultScope(body: Buffer, req: IncomingMessage): Buffer {
  const params = new URLSearchParams(body.toString('utf8'))
  parseForm(req, body)
  if (formOf(params).one('scope') !== null) return body
  params.set('scope', ALL_SCOPES)
  return Buffer.from(params.toString())
}

/** A registration is cut down to what we do before the library sees it; it may not name a URL for us to fetch. */
async function registrationBody(req: IncomingMessage): Promise<Buffer> {
  const document = parseJson(await readBody(req), { maxLength: 56 * 1024, maxDepth: 8 })
  const { client_id: _chosenHere, ...metadata } = selfDescribed(document, false)
  return Buffer.from(JSON.stringify(metadata))
}

function sendPublic(req: IncomingMessage, res: ServerResponse, body: object): void {
  res.setHeader('Access-Control-Allow-Origin', '*')
  if (req.method === 'OPTIONS') {
    res.setHeader('Access-Control-Allow-Methods', 'GET')
    res.setHeader('Access-Control-Allow-Headers', 'MCP-Protocol-Version')
    res.statusCode = 204
    res.end()
    return
  }
  if (req.method !== 'GET' && req.method !== 'HEAD')
    throw new OAuthError('invalid_request', 'Only GET is served here.')
  res.setHeader('Cache-Control', 'public, max-age=300')
  sendJson(res, 200, JSON.parse(JSON.stringify(body)))
}

function fail(context: Context, req: IncomingMessage, res: ServerResponse, thrown: unknown): void {
  const error = toOAuthError(thrown)
  context.log(
    error.error === 'server_error' ? 'error' : 'debug',
    `${pathOf(req)}: ${error.error}`,
    error.cause,
  )
  if (res.headersSent) {
    res.end()
    return
  }
  if ((req.headers.accept ?? '').includes('text/html')) {
    sendPage(res, { status: error.status, title: 'This did not work', body: html`<p>${error.message}</p>` })
    return
  }
  sendOAuthError(res, error)
}
