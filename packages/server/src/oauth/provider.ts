/**
 * The configuration of `oidc-provider`: the code flow, refresh, pushed requests, registration and nothing else. Every
 * default that is broader than we need is named and narrowed here.
 * @module
 */
import { randomBytes } from 'node:crypto'
import { SIGNATURE_ALGORITHMS } from '@safeconduct/engine'
import { narrowDetails, TASK_DETAILS_TYPE, type TaskDetails } from '@safeconduct/protocol'
import Provider, {
  type AuthorizationDetail,
  type Client,
  type Configuration,
  errors,
  interactionPolicy,
  type JWK,
  type KoaContextWithOIDC,
} from 'oidc-provider'
import type { FetchInit } from '../net/guarded-fetch.ts'
import { displayText, html } from '../pages/html.ts'
import { createAdapterFactory } from './adapter.ts'
import { claimedClient } from './claimed-client.ts'
import { isLoopbackUrl, MAX_CLIENT_ID, selfDescribed } from './clients.ts'
import { parseDetail, parseDetailsParameter, refuseForeignTask } from './details.ts'
import { toTuples } from './epochs.ts'
import { type OAuthError, toOAuthError } from './errors.ts'
import { passGate } from './gate.ts'
import type { KeyRing } from './keys.ts'
import { createLimiter } from './limiter.ts'
import { type Lineage, loadLineage } from './lineage.ts'
import { actClaim } from './mint.ts'
import { type Context, type GrantKind, PATHS } from './options.ts'
import { ALL_SCOPES, defaultResources, requireServer, splitScope } from './resources.ts'

const ALGORITHMS = [...SIGNATURE_ALGORITHMS]
const ID_TOKEN_ALGORITHMS: ('ES256' | 'EdDSA')[] = ['ES256', 'EdDSA']
/** As long as the longest task, seconds; the lineage behind a grant ends it earlier. */
const LONGEST = 7 * 24 * 60 * 60
/** A client assertion may be valid at most this long, seconds; our replay memory is longer. */
export const MAX_ASSERTION_LIFETIME = 10 * 60

/** Anybody can make us fetch a document by naming it; known ones come from the library's cache. */
const DOCUMENTS_PER_MINUTE = 120

/** Registration by anybody is for people trying this out on their own machine. */
export function registrationAllowed(context: Context): boolean {
  return context.settings.registration && isLoopbackUrl(context.issuer)
}

export function createProvider(context: Context, keys: KeyRing): Provider {
  const provider = new Provider(context.issuer, configuration(context, keys))
  provider.proxy = true
  provider.silent = true
  provider.on('grant.error', ({ req, oidc }, error) => {
    if (error.error !== 'invalid_client') return
    context.onFailedClient?.(claimedClient(oidc?.params), req.socket.remoteAddress ?? null)
  })
  provider.on('server_error', (_ctx: unknown, error: unknown) => {
    context.log('error', 'authorization server', error)
  })
  return provider
}

function configuration(context: Context, keys: KeyRing): Configuration {
  const lineages = new WeakMap<object, Lineage>()
  const mayFetch = createLimiter(context.clock, DOCUMENTS_PER_MINUTE)
  return {
    adapter: createAdapterFactory(context),
    jwks: {
      keys: keys.all.map((key) => ({
        ...privateJwk(key.privateKey),
        kid: key.kid,
        alg: key.alg,
        use: 'sig',
      })),
    },
    routes: {
      authorization: PATHS.authorize,
      token: PATHS.token,
      pushed_authorization_request: PATHS.par,
      jwks: PATHS.jwks,
      introspection: PATHS.introspect,
      revocation: PATHS.revoke,
      registration: PATHS.register,
    },
    responseTypes: ['code'],
    scopes: ['openid', 'offline_access'],
    subjectTypes: ['public'],
    clientAuthMethods: ['private_key_jwt', 'none'],
    clientDefaults: {
      grant_types: ['authorization_code'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      id_token_signed_response_alg: 'ES256',
      authorization_details_types: [TASK_DETAILS_TYPE],
    },
    enabledJWA: {
      clientAuthSigningAlgValues: ALGORITHMS,
      idTokenSigningAlgValues: ID_TOKEN_ALGORITHMS,
      dPoPSigningAlgValues: ALGORITHMS,
      requestObjectSigningAlgValues: ALGORITHMS,
      userinfoSigningAlgValues: ID_TOKEN_ALGORITHMS,
      introspectionSigningAlgValues: ID_TOKEN_ALGORITHMS,
      authorizationSigningAlgValues: ID_TOKEN_ALGORITHMS,
    },
    pkce: { required: () => true },
    claims: { openid: ['sub'] },
    clockTolerance: 5,
    cookies: cookies(context),
    ttl: {
      AccessToken: (_ctx, token) => token.resourceServer?.accessTokenTTL ?? context.settings.accessTokenTtl,
      AuthorizationCode: 60,
      IdToken: context.settings.accessTokenTtl,
      Interaction: 30 * 60,
      Session: 30 * 60,
      Grant: LONGEST,
      RefreshToken: LONGEST,
    },
    expiresWithSession: () => false,
    issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: true,
    conformIdTokenClaims: true,
    clientBasedCORS: (_ctx, origin, client) => corsAllowed(client, origin),
    assertJwtClientAuthClaimsAndHeader: async (_ctx, claims) => refuseLongAssertion(context, claims),
    fetch: async (url, init) => clientFetch(context, url, init),
    fetchResponseBodyLimits: { 'client_id metadata document': 16 * 1024, jwks_uri: 32 * 1024 },
    findAccount: async (ctx, id, token) => {
      if ((await context.store.users.get(context.tenant, id)) === null) return undefined
      // Called with the code or refresh token before a refresh token is used up: the moment to refuse.
      if (token !== undefined && 'grantId' in token && typeof token.grantId === 'string') {
        lineages.set(ctx, await checkedLineage(context, ctx, token.grantId))
      }
      return { accountId: id, claims: async () => ({ sub: id }) }
    },
    // Every authorization is an errand of its own, so the grant is always the one just consented to.
    loadExistingGrant: async (ctx) => {
      const grantId = ctx.oidc.result?.consent?.grantId
      return grantId === undefined ? undefined : ctx.oidc.provider.Grant.find(grantId)
    },
    interactions: { policy: policy(), url: (_ctx, interaction) => `${PATHS.consent}/${interaction.uid}` },
    renderError: async (ctx, out) => renderError(ctx, out),
    extraTokenClaims: async () => undefined,
    formats: {
      bitsOfOpaqueRandomness: 256,
      customizers: {
        jwt: async (ctx, token, structured) => {
          const lineage = lineages.get(ctx)
          if (lineage === undefined || token.kind !== 'AccessToken') throw new errors.InvalidGrant()
          const source = ctx.oidc.entities.AuthorizationCode ?? ctx.oidc.entities.RefreshToken
          Object.assign(structured.payload, {
            act: actClaim([lineage.agent]),
            ...(source?.authTime === undefined ? {} : { auth_time: source.authTime }),
            safeconduct: {
              tenant: context.tenant,
              task: lineage.task.id,
              epochs: toTuples(lineage.epochs),
            },
          })
        },
      },
    },
    features: {
      devInteractions: { enabled: false },
      userinfo: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      clientCredentials: { enabled: false },
      deviceFlow: { enabled: false },
      requestObjects: { enabled: false },
      claimsParameter: { enabled: false },
      jwtIntrospection: { enabled: false },
      pushedAuthorizationRequests: { enabled: true, requirePushedAuthorizationRequests: false },
      dPoP: dpop(context),
      introspection: {
        enabled: true,
        allowedPolicy: (_ctx, client, token) =>
          client.clientAuthMethod !== 'none' && token.clientId === client.clientId,
      },
      revocation: {
        enabled: true,
        allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId,
      },
      registration: {
        enabled: registrationAllowed(context),
        initialAccessToken: false,
        issueRegistrationAccessToken: false,
        idFactory: () => `dcr-${context.ids.next()}`,
      },
      clientIdMetadataDocument: {
        enabled: true,
        ack: 'draft-02',
        allowFetch: async (_ctx, id) => id.length <= MAX_CLIENT_ID && mayFetch(),
        allowClient: async (_ctx, client) => {
          const agent = await context.store.agents.get(context.tenant, client.clientId)
          return agent?.status !== 'disabled'
        },
      },
      richAuthorizationRequests: {
        enabled: true,
        types: { [TASK_DETAILS_TYPE]: { validate: async (ctx, detail) => validateDetail(ctx, detail) } },
        authorizationDetailsForGrantSource: async (ctx) => ctx.oidc.entities.Grant?.rar ?? [],
        authorizationDetailsForAccessToken: async (ctx) => detailsForToken(ctx, lineages.get(ctx)),
        authorizationDetailsForIntrospection: async (_ctx, token) =>
          'rar' in token && Array.isArray(token.rar) ? token.rar : [],
      },
      resourceIndicators: {
        enabled: true,
        defaultResource: async (_ctx, _client, oneOf) => {
          if (oneOf === undefined) return defaultResources(context)
          const [first] = oneOf
          return first ?? []
        },
        useGrantedResource: async () => true,
        getResourceServerInfo: async (ctx, resource) =>
          resourceServer(context, keys, resource, lineages.get(ctx)),
      },
    },
  }
}

function privateJwk(key: { export(options: { format: 'jwk' }): object }): JWK {
  return key.export({ format: 'jwk' }) as JWK
}

/** Sessions of the library live for one authorization; ours are elsewhere. */
function cookies(context: Context): NonNullable<Configuration['cookies']> {
  const secure = context.issuer.startsWith('https:')
  const attributes = { httpOnly: true, sameSite: 'lax', signed: true, secure } as const
  return {
    keys: [randomBytes(32).toString('base64url')],
    names: { session: 'safeconduct_as', interaction: 'safeconduct_ask', resume: 'safeconduct_resume' },
    long: attributes,
    short: attributes,
  }
}

function dpop(context: Context): NonNullable<Configuration['features']>['dPoP'] {
  const nonce = context.settings.dpopNonce
  return {
    enabled: true,
    requireNonce: () => nonce,
    allowReplay: false,
    ...(nonce ? { nonceSecret: randomBytes(32) } : {}),
  }
}

/** Two prompts a client may name; a grant is only ever what a person said in this very request. */
function policy(): interactionPolicy.Prompt[] {
  const { Check, Prompt } = interactionPolicy
  const unanswered = new Check(
    'no_consent',
    'a person has to consent to the task',
    'consent_required',
    (ctx) => ctx.oidc.result?.consent?.grantId === undefined,
  )
  return [
    new Prompt({ name: 'login', requestable: true }),
    new Prompt({ name: 'consent', requestable: true }, unanswered),
  ]
}

/** A page served from a public client's own redirect origin may ask the token endpoint; nothing else may. */
function corsAllowed(client: Client, origin: string): boolean {
  if (client.clientAuthMethod !== 'none' || origin === 'null') return false
  return (client.redirectUris ?? []).some((uri) => URL.canParse(uri) && new URL(uri).origin === origin)
}

function refuseLongAssertion(context: Context, claims: Readonly<Record<string, unknown>>): void {
  const limit = context.clock.now() / 1000 + MAX_ASSERTION_LIFETIME
  if (typeof claims.exp !== 'number' || claims.exp > limit) {
    throw new errors.InvalidClientAuth('the client assertion lives too long')
  }
}

/**
 * The library fetches what clients name only through here. A client's document is cut down to what we do before the
 * library sees it; its guard against server-side request forgery is replaced by ours.
 */
async function clientFetch(
  context: Context,
  input: string | URL | Request,
  init?: RequestInit,
): Promise<Response> {
  const url = new URL(input instanceof Request ? input.url : input)
  const wanted: FetchInit = { headers: { accept: 'application/json' } }
  if (init?.method !== undefined && init.method !== 'GET')
    throw new errors.InvalidRequest('only GET is fetched')
  const response = await context.fetch(url, wanted)
  if (response.status !== 200) return response
  const text = await response.text()
  const headers = new Headers(response.headers)
  headers.delete('content-length')
  headers.delete('content-encoding')
  const document = JSON.parse(text)
  const isClient = typeof document === 'object' && document !== null && 'client_id' in document
  return new Response(isClient ? JSON.stringify(selfDescribed(document, true)) : text, {
    status: 200,
    headers,
  })
}

async function validateDetail(ctx: KoaContextWithOIDC, detail: AuthorizationDetail): Promise<void> {
  try {
    const parsed = parseDetail(detail)
    const text = ctx.oidc.params?.authorization_details
    parseDetailsParameter(typeof text === 'string' ? text : null)
    if (ctx.oidc.route !== 'token') refuseForeignTask(parsed)
  } catch (thrown) {
    throw new errors.InvalidAuthorizationDetails(toOAuthError(thrown).message)
  }
}

/** The details of the task as it is now; a token request may narrow them further. */
function detailsForToken(ctx: KoaContextWithOIDC, lineage: Lineage | undefined): AuthorizationDetail[] {
  if (lineage === undefined) throw new errors.InvalidGrant()
  const text = ctx.oidc.params?.authorization_details
  try {
    const asked = parseDetailsParameter(typeof text === 'string' ? text : null)
    return [asDetail(asked === null ? lineage.details : narrowDetails(lineage.details, asked))]
  } catch (thrown) {
    throw new errors.InvalidAuthorizationDetails(toOAuthError(thrown).message)
  }
}

export function asDetail(details: TaskDetails): AuthorizationDetail {
  return details as unknown as AuthorizationDetail
}

/** Reads everything behind the grant again and asks the gate; the library turns what is thrown into an answer. */
async function checkedLineage(context: Context, ctx: KoaContextWithOIDC, grantId: string): Promise<Lineage> {
  const params = ctx.oidc.params ?? {}
  const kind: GrantKind = params.grant_type === 'refresh_token' ? 'refresh_token' : 'authorization_code'
  try {
    const lineage = await loadLineage(context, grantId)
    const source = ctx.oidc.entities.RefreshToken ?? ctx.oidc.entities.AuthorizationCode
    const resource = params.resource ?? source?.resource ?? []
    await passGate(context, {
      kind,
      tenant: context.tenant,
      agent: lineage.agent,
      user: lineage.user,
      via: [],
      task: lineage.task.id,
      scope: splitScope(typeof params.scope === 'string' ? params.scope : (source?.scope ?? '')),
      audience: (Array.isArray(resource) ? resource : [resource]).map(String),
      details: lineage.details,
      bound: ctx.get('dpop') !== '',
    })
    return lineage
  } catch (thrown) {
    throw toLibraryError(toOAuthError(thrown)) ?? thrown
  }
}

/** null for what the library is to answer with `server_error`. */
function toLibraryError({ error, message }: OAuthError): Error | null {
  if (error === 'invalid_grant') return new errors.InvalidGrant(message)
  if (error === 'access_denied') return new errors.AccessDenied(message)
  if (error === 'temporarily_unavailable') return new errors.TemporarilyUnavailable(message)
  return null
}

async function resourceServer(
  context: Context,
  keys: KeyRing,
  resource: string,
  lineage: Lineage | undefined,
) {
  try {
    await requireServer(context, resource)
  } catch (thrown) {
    throw new errors.InvalidTarget(toOAuthError(thrown).message)
  }
  const left = lineage === undefined ? Number.POSITIVE_INFINITY : lineage.expiresAt - context.clock.now()
  const expires = lineage?.details.expires
  const until = expires === undefined ? left : Math.min(left, expires * 1000 - context.clock.now())
  const seconds = Math.min(context.settings.accessTokenTtl, Math.floor(until / 1000))
  if (seconds < 1) throw new errors.InvalidGrant('The task has expired.')
  return {
    scope: ALL_SCOPES,
    audience: resource,
    accessTokenTTL: seconds,
    accessTokenFormat: 'jwt' as const,
    jwt: { sign: { alg: keys.main.alg, kid: keys.main.kid } as const },
  }
}

/** Errors shown to a person; the library escapes nothing, so nothing of its text is markup here. */
function renderError(
  ctx: KoaContextWithOIDC,
  out: { error: string; error_description?: string | undefined },
): void {
  const body = html`<p>${displayText(out.error_description ?? 'The request cannot be answered.', 500)}</p>
<p class="hint">Error code: <code>${displayText(out.error)}</code></p>`
  ctx.set(
    'Content-Security-Policy',
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  )
  ctx.set('X-Frame-Options', 'DENY')
  ctx.set('Referrer-Policy', 'same-origin')
  ctx.set('Cache-Control', 'no-store')
  ctx.type = 'html'
  ctx.body = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Safeconduct</title><h1>The request cannot be answered</h1>${body.markup}</html>`
}
