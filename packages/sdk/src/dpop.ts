/**
 * Requests with a fresh proof each (RFC 9449), and with the nonce the server last asked for.
 * @module
 */
import type { AgentKey } from './keys.ts'

/** A request that must not be sent twice as it is (a body that is read once, an assertion) is made for each attempt. */
export type Attempt = RequestInit | (() => Promise<RequestInit>)

/** `token` null at the token endpoint, where there is none yet. Retries once when a nonce is asked for. */
export type DpopFetch = (url: string | URL, attempt: Attempt, token: string | null) => Promise<Response>

export function createDpopFetch(
  key: AgentKey,
  fetcher: typeof fetch = fetch,
  now: () => number = Date.now,
): DpopFetch {
  /** RFC 9449 §8.2: the newest nonce of an origin wins. */
  const nonces = new Map<string, string>()

  async function once(url: URL, attempt: Attempt, token: string | null): Promise<Response> {
    const init = typeof attempt === 'function' ? await attempt() : attempt
    const proof = await key.sign(
      { typ: 'dpop+jwt', jwk: key.publicJwk },
      {
        jti: crypto.randomUUID(),
        htm: (init.method ?? 'GET').toUpperCase(),
        htu: `${url.origin}${url.pathname}`,
        iat: Math.floor(now() / 1000),
        ...(token === null ? {} : { ath: await sha256(token) }),
        ...(nonces.has(url.origin) ? { nonce: nonces.get(url.origin) } : {}),
      },
    )
    const headers = new Headers(init.headers)
    headers.set('dpop', proof)
    if (token !== null) headers.set('authorization', `DPoP ${token}`)
    const response = await fetcher(url, { ...init, headers })
    const nonce = response.headers.get('dpop-nonce')
    if (nonce !== null) nonces.set(url.origin, nonce)
    return response
  }

  return async (target, attempt, token) => {
    const url = new URL(target)
    const before = nonces.get(url.origin)
    const response = await once(url, attempt, token)
    const asked = nonces.get(url.origin)
    if (asked === before || !(await wantsNonce(response))) return response
    await response.body?.cancel()
    return once(url, attempt, token)
  }
}

/** Said in the challenge of a resource (§9) or in the error of the token endpoint (§8). */
async function wantsNonce(response: Response): Promise<boolean> {
  if (response.status === 401 && /use_dpop_nonce/.test(response.headers.get('www-authenticate') ?? ''))
    return true
  if (response.status !== 400 && response.status !== 401) return false
  const body = await response.clone().text()
  return /"use_dpop_nonce"/.test(body)
}

async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return base64url(new Uint8Array(digest))
}

export function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replace(/\+/g, '-')
    .replace(/\//g, '_')
    .replace(/=+$/, '')
}
