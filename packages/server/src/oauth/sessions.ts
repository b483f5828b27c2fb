/**
 * The owner's browser session. It begins with a link that works once; the secret of the link and the secret of the
 * session are kept in memory only, and only as hashes, so neither can be read from disk nor printed again.
 * @module
 */
import { hash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '@safeconduct/engine'
import { readCookie } from './http.ts'

export interface OwnerSession {
  readonly user: string
  readonly tenant: string
  /** Milliseconds. */
  readonly authenticatedAt: number
  /** To be sent back by every form and call that changes something. */
  readonly csrf: string
}

export interface Sessions {
  /** A secret that signs this user in once, within ten minutes. */
  createSecret(tenant: string, user: string): string
  /** Uses the secret up and begins a session; null when it is unknown, used or too old. */
  begin(secret: string, res: ServerResponse): OwnerSession | null
  find(req: IncomingMessage): OwnerSession | null
  end(req: IncomingMessage, res: ServerResponse): void
  /** Ends every session and link of a user. */
  drop(tenant: string, user: string): void
  clear(): void
}

export const SIGN_IN_LIFETIME = 10 * 60_000
export const SESSION_LIFETIME = 12 * 60 * 60_000
const MAX_LINKS = 16
const MAX_SESSIONS = 64

interface Link {
  readonly tenant: string
  readonly user: string
  readonly expiresAt: number
}

export function createSessions(clock: Clock, issuer: string): Sessions {
  const links = new Map<string, Link>()
  const open = new Map<string, OwnerSession>()
  const secure = issuer.startsWith('https:')
  const cookie = secure ? '__Host-safeconduct' : 'safeconduct_session'
  const attributes = `Path=/; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`
  const alive = (session: OwnerSession) => clock.now() < session.authenticatedAt + SESSION_LIFETIME
  return {
    createSecret(tenant, user) {
      for (const [digest, link] of links) if (clock.now() >= link.expiresAt) links.delete(digest)
      trim(links, MAX_LINKS - 1)
      const secret = randomBytes(32).toString('base64url')
      links.set(digestOf(secret), { tenant, user, expiresAt: clock.now() + SIGN_IN_LIFETIME })
      return secret
    },
    begin(secret, res) {
      const digest = findDigest(links.keys(), digestOf(secret))
      const link = digest === null ? undefined : links.get(digest)
      if (digest === null || link === undefined) return null
      links.delete(digest)
      if (clock.now() >= link.expiresAt) return null
      for (const [id, session] of open) if (!alive(session)) open.delete(id)
      trim(open, MAX_SESSIONS - 1)
      const value = randomBytes(32).toString('base64url')
      const session = {
        user: link.user,
        tenant: link.tenant,
        authenticatedAt: clock.now(),
        csrf: randomBytes(24).toString('base64url'),
      }
      open.set(digestOf(value), session)
      res.appendHeader('Set-Cookie', `${cookie}=${value}; ${attributes}`)
      return session
    },
    find(req) {
      const value = readCookie(req, cookie)
      const digest = value === null ? null : findDigest(open.keys(), digestOf(value))
      const session = digest === null ? undefined : open.get(digest)
      return session !== undefined && alive(session) ? session : null
    },
    end(req, res) {
      const value = readCookie(req, cookie)
      if (value !== null) open.delete(digestOf(value))
      res.appendHeader('Set-Cookie', `${cookie}=; ${attributes}; Max-Age=0`)
    },
    clear() {
      links.clear()
      open.clear()
    },
    drop(tenant, user) {
      for (const [digest, link] of links)
        if (link.tenant === tenant && link.user === user) links.delete(digest)
      for (const [id, session] of open)
        if (session.tenant === tenant && session.user === user) open.delete(id)
    },
  }
}

/** Constant-time comparison of two secrets that may differ in length. */
export function sameSecret(a: string, b: string): boolean {
  return timingSafeEqual(hash('sha256', a, 'buffer'), hash('sha256', b, 'buffer'))
}

function digestOf(secret: string): string {
  return hash('sha256', secret, 'base64url')
}

/** Looks at every digest whichever matches, so the time says nothing about how near a guess came. */
function findDigest(digests: Iterable<string>, wanted: string): string | null {
  const bytes = Buffer.from(wanted)
  let found: string | null = null
  for (const digest of digests) if (timingSafeEqual(Buffer.from(digest), bytes)) found = digest
  return found
}

function trim(map: Map<string, unknown>, size: number): void {
  for (const key of map.keys()) {
    if (map.size <= size) return
    map.delete(key)
  }
}
