/**
 * An agent's way to its grants: consent of a person (code flow with PKCE), its own standing (client credentials),
 * narrowing for another agent (RFC 8693), and calls with a grant that renews itself.
 * @module
 */
import type { TaskDetails } from '@safeconduct/protocol'
import { base64url, createDpopFetch, type DpopFetch } from './dpop.ts'
import type { AgentKey } from './keys.ts'

export interface AgentOptions {
  /** Origin of the Safeconduct that issues the grants. */
  readonly issuer: string
  /** The id that `agents register` printed. */
  readonly clientId: string
  readonly key: AgentKey
  readonly fetch?: typeof fetch
}

export interface Wish {
  /** `<issuer>/mcp/<server>` */
  readonly resource: string
  /** Space-separated; default `mcp:read mcp:write`. */
  readonly scope?: string
  readonly details?: TaskDetails
}

/** What the token endpoint refuses with (RFC 6749 §5.2). */
export class GrantError extends Error {
  override readonly name = 'GrantError'
  readonly error: string

  constructor(error: string, description: string) {
    super(description === '' ? error : `${error}: ${description}`)
    this.error = error
  }
}

export interface Held {
  /** The access token now; changes when it is renewed. Hand it to `exchange` of another agent, never to a tool. */
  readonly accessToken: () => string
  /** Like `fetch`, with the grant and a fresh proof; renews the grant shortly before it ends. */
  readonly fetch: typeof fetch
}

export interface Agent {
  /** Send the person to `url`; give `finish` the URL they came back to. */
  authorize(
    wish: Wish & { readonly redirectUri: string },
  ): Promise<{ url: string; finish: (callback: string) => Promise<Held> }>
  /** For agents that may act without a user. @throws {GrantError} */
  clientCredentials(wish: Wish): Promise<Held>
  /** A narrower grant for this agent out of one that another holds for a user. @throws {GrantError} */
  exchange(subjectToken: string, wish: Wish): Promise<Held>
}

interface Metadata {
  readonly authorization_endpoint: string
  readonly token_endpoint: string
}

interface TokenAnswer {
  readonly access_token: string
  readonly expires_in: number
  readonly refresh_token?: string
}

const DEFAULT_SCOPE = 'mcp:read mcp:write'
const RENEW_BEFORE_MS = 30_000
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'
const ASSERTION = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

export function createAgent(options: AgentOptions): Agent {
  const { issuer, clientId, key } = options
  const fetcher = options.fetch ?? fetch
  const dpop = createDpopFetch(key, fetcher)
  let found: Promise<Metadata> | null = null
  const metadata = () => {
    found ??= discover(issuer, fetcher).catch((error) => {
      // Not there now is not never there.
      found = null
      throw error
    })
    return found
  }

  /** An assertion is good once, so each attempt has its own. */
  async function request(fields: Readonly<Record<string, string>>): Promise<RequestInit> {
    const now = Math.floor(Date.now() / 1000)
    const assertion = await key.sign(
      { typ: 'JWT' },
      { iss: clientId, sub: clientId, aud: issuer, jti: crypto.randomUUID(), iat: now, exp: now + 60 },
    )
    const body = new URLSearchParams({
      ...fields,
      client_id: clientId,
      client_assertion_type: ASSERTION,
      client_assertion: assertion,
    })
    const headers = { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' }
    return { method: 'POST', headers, body: body.toString() }
  }

  async function ask(fields: Readonly<Record<string, string>>): Promise<TokenAnswer> {
    const { token_endpoint } = await metadata()
    const response = await dpop(token_endpoint, () => request(fields), null)
    const answer = readAnswer(await response.json().catch(() => null))
    if (!response.ok || answer.token === null) {
      throw new GrantError(answer.error ?? `http_${response.status}`, answer.description)
    }
    if (!answer.bound) throw new GrantError('invalid_response', 'The grant is not bound to the key.')
    return answer.token
  }

  const common = (wish: Wish): Record<string, string> => ({
    resource: wish.resource,
    scope: wish.scope ?? DEFAULT_SCOPE,
    ...(wish.details === undefined ? {} : { authorization_details: JSON.stringify([wish.details]) }),
  })

  async function hold(first: TokenAnswer, again: () => Promise<TokenAnswer>): Promise<Held> {
    return holding(dpop, first, async (last) => {
      if (last.refresh_token === undefined) return again()
      return {
        refresh_token: last.refresh_token,
        ...(await ask({ grant_type: 'refresh_token', refresh_token: last.refresh_token })),
      }
    })
  }

  return {
    async authorize(wish) {
      const { authorization_endpoint } = await metadata()
      const verifier = base64url(crypto.getRandomValues(new Uint8Array(32)))
      const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier))
      const state = base64url(crypto.getRandomValues(new Uint8Array(16)))
      const url = new URL(authorization_endpoint)
      url.search = new URLSearchParams({
        ...common(wish),
        response_type: 'code',
        client_id: clientId,
        redirect_uri: wish.redirectUri,
        code_challenge: base64url(new Uint8Array(digest)),
        code_challenge_method: 'S256',
        state,
        dpop_jkt: key.thumbprint,
      }).toString()
      return {
        url: url.href,
        async finish(callback) {
          const given = new URL(callback).searchParams
          if (given.get('state') !== state || given.get('iss') !== issuer) {
            throw new GrantError('invalid_response', 'The answer does not belong to this request.')
          }
          const code = given.get('code')
          if (code === null)
            throw new GrantError(
              given.get('error') ?? 'invalid_response',
              given.get('error_description') ?? '',
            )
          const fields = {
            grant_type: 'authorization_code',
            code,
            code_verifier: verifier,
            redirect_uri: wish.redirectUri,
          }
          const again = () =>
            Promise.reject(new GrantError('expired', 'The grant has ended; ask the person again.'))
          return hold(await ask({ ...fields, resource: wish.resource }), again)
        },
      }
    },
    async clientCredentials(wish) {
      const fields = { grant_type: 'client_credentials', ...common(wish) }
      return hold(await ask(fields), () => ask(fields))
    },
    async exchange(subjectToken, wish) {
      const fields = {
        grant_type: EXCHANGE,
        subject_token: subjectToken,
        subject_token_type: ACCESS_TOKEN,
        requested_token_type: ACCESS_TOKEN,
        ...common(wish),
      }
      return hold(await ask(fields), () => ask(fields))
    },
  }
}

/** One renewal at a time, however many calls wait for it. */
function holding(
  dpop: DpopFetch,
  first: TokenAnswer,
  renew: (last: TokenAnswer) => Promise<TokenAnswer>,
): Held {
  let current = first
  let until = Date.now() + first.expires_in * 1000
  let renewing: Promise<void> | null = null
  const fresh = async () => {
    if (Date.now() < until - RENEW_BEFORE_MS) return
    renewing ??= renew(current)
      .then((next) => {
        current = next
        until = Date.now() + next.expires_in * 1000
      })
      .finally(() => {
        renewing = null
      })
    await renewing
  }
  return {
    accessToken: () => current.access_token,
    fetch: async (input, init) => {
      await fresh()
      if (!(input instanceof Request)) return dpop(String(input), init ?? {}, current.access_token)
      const { url, method, headers, signal } = input
      const body = input.body === null ? null : await input.arrayBuffer()
      return dpop(url, { method, headers, signal, body, ...init }, current.access_token)
    },
  }
}

/** RFC 8414; the metadata must name the very issuer that was asked (§3.3). */
async function discover(issuer: string, fetcher: typeof fetch): Promise<Metadata> {
  const response = await fetcher(`${issuer}/.well-known/oauth-authorization-server`)
  if (!response.ok) throw new GrantError('not_found', `${issuer} has no authorization server metadata.`)
  const found: Record<string, unknown> = Object(await response.json())
  const text = (name: string) => (typeof found[name] === 'string' ? found[name] : '')
  if (text('issuer') !== issuer)
    throw new GrantError('invalid_response', 'The metadata names another issuer.')
  return { authorization_endpoint: text('authorization_endpoint'), token_endpoint: text('token_endpoint') }
}

function readAnswer(value: unknown): {
  token: TokenAnswer | null
  bound: boolean
  error: string | null
  description: string
} {
  const given: Record<string, unknown> = Object(value)
  const text = (name: string) => (typeof given[name] === 'string' ? given[name] : null)
  const [accessToken, refreshToken] = [text('access_token'), text('refresh_token')]
  const expires = typeof given.expires_in === 'number' ? given.expires_in : 60
  return {
    token:
      accessToken === null
        ? null
        : {
            access_token: accessToken,
            expires_in: expires,
            ...(refreshToken === null ? {} : { refresh_token: refreshToken }),
          },
    bound: text('token_type')?.toLowerCase() === 'dpop',
    error: text('error'),
    description: text('error_description') ?? '',
  }
}
