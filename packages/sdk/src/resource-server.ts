/**
 * For an API that takes our grants itself: verifies that an access token is the issuer's, meant for this resource, alive,
 * and that the caller holds the key it is bound to (RFC 9068, RFC 9449, RFC 9700 §2.2).
 *
 * It asks nobody about a call: a revoked grant is refused when its token ends (minutes). An API that must notice at the
 * next call asks with `enforcementPoint` besides.
 * @module
 */
import {
  calculateJwkThumbprint,
  createRemoteJWKSet,
  customFetch,
  decodeProtectedHeader,
  EmbeddedJWK,
  type JWTPayload,
  type JWTVerifyGetKey,
  jwtVerify,
} from 'jose'
import { base64url } from './dpop.ts'

export interface ResourceServerOptions {
  readonly issuer: string
  /** This API as tokens name it. */
  readonly resource: string
  /** Public origin under which it is called; default: the one of `resource`. */
  readonly origin?: string
  readonly fetch?: typeof fetch
  readonly now?: () => number
  /** Proofs remembered at once; more are refused until some end. Default 100,000. */
  readonly replayLimit?: number
}

export interface Presented {
  readonly method: string
  /** Path with or without query. */
  readonly path: string
  readonly authorization: string | undefined
  readonly dpop: string | undefined
}

export interface Holder {
  readonly claims: JWTPayload
  readonly scope: readonly string[]
  /** RFC 7638 thumbprint of the caller's key. */
  readonly jkt: string
}

export class ResourceError extends Error {
  override readonly name = 'ResourceError'
  readonly status = 401
  readonly code: 'invalid_token' | 'invalid_dpop_proof' | 'unauthenticated'

  constructor(code: ResourceError['code'], cause?: unknown) {
    super(code, cause === undefined ? undefined : { cause })
    this.code = code
  }

  /** RFC 9449 §7.1. */
  get challenge(): string {
    const error = this.code === 'unauthenticated' ? '' : ` error="${this.code}",`
    return `DPoP${error} algs="ES256 EdDSA"`
  }
}

export interface ResourceServer {
  /** @throws {ResourceError} */
  verify(presented: Presented): Promise<Holder>
}

const ALGORITHMS = ['ES256', 'EdDSA', 'Ed25519']
const PROOF_WINDOW = 60
const SKEW = 5
const MAX_HEADER = 16_384

export function resourceServer(options: ResourceServerOptions): ResourceServer {
  const { fetch: fetcher = fetch, now = Date.now, replayLimit = 100_000 } = options
  const origin = options.origin ?? new URL(options.resource).origin
  const used = createUsed(replayLimit)
  let keys: Promise<JWTVerifyGetKey> | null = null

  async function issuerKeys(): Promise<JWTVerifyGetKey> {
    keys ??= loadKeys(options.issuer, fetcher)
    try {
      return await keys
    } catch (error) {
      keys = null
      throw error
    }
  }

  async function claimsOf(token: string): Promise<JWTPayload> {
    const key = await issuerKeys()
    try {
      const { payload } = await jwtVerify(token, key, {
        issuer: options.issuer,
        audience: options.resource,
        typ: 'at+jwt',
        algorithms: ALGORITHMS,
        clockTolerance: SKEW,
        currentDate: new Date(now()),
        requiredClaims: ['exp', 'iat', 'jti', 'sub'],
      })
      return payload
    } catch (cause) {
      throw new ResourceError('invalid_token', cause)
    }
  }

  return {
    async verify({ method, path, authorization, dpop }) {
      if (authorization === undefined) throw new ResourceError('unauthenticated')
      const token = authorization.length > MAX_HEADER ? undefined : /^dpop +(\S+)$/i.exec(authorization)?.[1]
      if (token === undefined) throw new ResourceError('invalid_token')
      const claims = await claimsOf(token)
      const jkt = boundTo(claims)
      if (jkt === null) throw new ResourceError('invalid_token')
      // Joined as text: a path such as `//elsewhere` must not lead to another origin.
      const url = new URL(`${origin}${path.startsWith('/') ? '' : '/'}${path}`)
      const proof = await proofOf(dpop, now())
      const fits =
        proof.jkt === jkt &&
        proof.htm === method &&
        proof.htu === `${url.origin}${url.pathname}` &&
        proof.ath === (await sha256(token))
      if (!fits || !used.claim(`${jkt} ${proof.jti}`, now() + 2 * PROOF_WINDOW * 1000, now()))
        throw new ResourceError('invalid_dpop_proof')
      const scope = typeof claims.scope === 'string' ? claims.scope.split(' ') : []
      return { claims, scope, jkt }
    },
  }
}

async function loadKeys(issuer: string, fetcher: typeof fetch): Promise<JWTVerifyGetKey> {
  const response = await fetcher(`${issuer}/.well-known/oauth-authorization-server`, { redirect: 'error' })
  const metadata: { issuer?: unknown; jwks_uri?: unknown } = Object(await response.json())
  const { jwks_uri: uri } = metadata
  // RFC 8414 §3.3.
  if (!response.ok || metadata.issuer !== issuer || typeof uri !== 'string')
    throw new TypeError('The metadata of the issuer cannot be used.')
  return createRemoteJWKSet(new URL(uri), { [customFetch]: fetcher })
}

function boundTo({ cnf }: JWTPayload): string | null {
  const { jkt }: { jkt?: unknown } = Object(cnf)
  return typeof jkt === 'string' ? jkt : null
}

interface Proof {
  readonly jkt: string
  readonly jti: string
  readonly htm: unknown
  readonly htu: string | null
  readonly ath: unknown
}

/** RFC 9449 §4.3, all that concerns the proof alone. */
async function proofOf(text: string | undefined, now: number): Promise<Proof> {
  if (text === undefined || text.length > MAX_HEADER) throw new ResourceError('invalid_dpop_proof')
  try {
    const { jwk } = decodeProtectedHeader(text)
    const { payload } = await jwtVerify(text, EmbeddedJWK, { typ: 'dpop+jwt', algorithms: ALGORITHMS })
    const { jti, iat, htm, htu, ath } = payload
    const recent = typeof iat === 'number' && Math.abs(now / 1000 - iat) <= PROOF_WINDOW
    if (!recent || typeof jti !== 'string' || jti.length < 8 || jti.length > 256 || jwk === undefined)
      throw new TypeError('a claim is missing or old')
    const named = typeof htu === 'string' && URL.canParse(htu) ? new URL(htu) : null
    return {
      jkt: await calculateJwkThumbprint(jwk),
      jti,
      htm,
      htu: named === null ? null : `${named.origin}${named.pathname}`,
      ath,
    }
  } catch (cause) {
    throw new ResourceError('invalid_dpop_proof', cause)
  }
}

/** Full means refuse: a forgotten proof could be used again. */
function createUsed(limit: number) {
  const until = new Map<string, number>()
  return {
    claim(key: string, expiresAt: number, now: number): boolean {
      if (until.has(key)) return false
      for (const [oldest, ends] of until) {
        if (ends > now) break
        until.delete(oldest)
      }
      if (until.size >= limit) return false
      until.set(key, expiresAt)
      return true
    },
  }
}

async function sha256(text: string): Promise<string> {
  return base64url(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))))
}

// ── Middleware ───────────────────────────────────────────────────────────────────────────────────────────────

/** What is used of `node:http`; Express and Connect fit, too. */
interface NodeRequest {
  readonly method?: string | undefined
  readonly url?: string | undefined
  /** Express cuts `url` at a mount point and keeps the whole path here. */
  readonly originalUrl?: string | undefined
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
}
interface NodeResponse {
  writeHead(status: number, headers: Record<string, string>): unknown
  end(body: string): unknown
}

/** Answers 401 itself; otherwise `next` gets to know who calls. */
export function nodeMiddleware(server: ResourceServer) {
  return async (
    request: NodeRequest,
    response: NodeResponse,
    next: (holder: Holder) => unknown,
  ): Promise<void> => {
    const { authorization, dpop } = request.headers
    try {
      const holder = await server.verify({
        method: request.method ?? '',
        path: request.originalUrl ?? request.url ?? '/',
        authorization: typeof authorization === 'string' ? authorization : undefined,
        dpop: typeof dpop === 'string' ? dpop : undefined,
      })
      await next(holder)
    } catch (error) {
      if (!(error instanceof ResourceError)) throw error
      response.writeHead(error.status, {
        'www-authenticate': error.challenge,
        'content-type': 'application/json',
      })
      response.end(JSON.stringify({ error: error.code }))
    }
  }
}

/** What is used of Hono's context. */
interface HonoContext {
  readonly req: { readonly method: string; readonly url: string; header(name: string): string | undefined }
  set(name: 'holder', value: Holder): void
}

/** For Hono: `c.get('holder')` behind it. */
export function honoMiddleware(server: ResourceServer) {
  return async (c: HonoContext, next: () => Promise<void>): Promise<Response | undefined> => {
    const { pathname } = new URL(c.req.url)
    try {
      c.set(
        'holder',
        await server.verify({
          method: c.req.method,
          path: pathname,
          authorization: c.req.header('authorization'),
          dpop: c.req.header('dpop'),
        }),
      )
    } catch (error) {
      if (!(error instanceof ResourceError)) throw error
      return Response.json(
        { error: error.code },
        { status: error.status, headers: { 'www-authenticate': error.challenge } },
      )
    }
    await next()
    return undefined
  }
}
