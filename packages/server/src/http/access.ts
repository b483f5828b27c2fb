/**
 * Who is asking, and whether a row lets them: one small truth table, deny by default.
 * @module
 */

import { hash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { SafeconductError } from '@safeconduct/protocol'
import type { Caller, Route, Who } from './route.ts'

export interface OwnerIdentity {
  readonly user: string
  readonly tenant: string
  /** Must come back in `x-csrf-token` with every change. */
  readonly csrf: string
}

/** Requests that came over the control socket are marked by the daemon, which owns that listener. */
const localRequests = new WeakSet<IncomingMessage>()

export function markLocal(request: IncomingMessage): void {
  localRequests.add(request)
}

export function isLocal(request: IncomingMessage): boolean {
  return localRequests.has(request)
}

export function callerOf(
  request: IncomingMessage,
  ownerSession: (request: IncomingMessage) => OwnerIdentity | null,
  tenant: string,
): Caller {
  if (isLocal(request)) return { kind: 'local', tenant }
  const owner = ownerSession(request)
  // A session of another tenant is nobody here.
  if (owner === null || owner.tenant !== tenant) return { kind: 'anonymous', tenant }
  return { kind: 'owner', user: owner.user, tenant, csrf: owner.csrf }
}

/** Whether the one who asks now is still the one who asked before. */
export function isSameCaller(before: Caller, now: Caller): boolean {
  if (before.kind !== 'owner' || now.kind !== 'owner') return before.kind === now.kind
  return before.user === now.user
}

const LOOPBACK = new Set(['127.0.0.1', '::1', '::ffff:127.0.0.1'])

/** `ask`: allowed to ask, but the signed-in owner has to confirm. */
export type Verdict = 'yes' | 'ask' | 'no'

/** A proxy on this machine is a loopback peer, too, but it asks under the public name. */
export interface Peer {
  readonly address: string | undefined
  readonly host: string | undefined
}

const LOOPBACK_HOST = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/i

function isLoopback({ address, host }: Peer): boolean {
  return LOOPBACK.has(address ?? '') && LOOPBACK_HOST.test(host ?? '')
}

export function verdict(who: Who, caller: Caller['kind'], peer: Peer): Verdict {
  switch (who) {
    case 'public':
      return 'yes'
    case 'loopback':
      return caller === 'owner' || caller === 'local' || isLoopback(peer) ? 'yes' : 'no'
    case 'local':
      return caller === 'local' ? 'yes' : 'no'
    case 'reader':
      return caller === 'owner' || caller === 'local' ? 'yes' : 'no'
    case 'owner':
      return caller === 'owner' ? 'yes' : 'no'
    case 'asker':
      return caller === 'anonymous' ? 'no' : 'yes'
    case 'enforcer':
      return caller === 'enforcer' ? 'yes' : 'no'
    case 'confirmed':
      return caller === 'owner' ? 'yes' : caller === 'local' ? 'ask' : 'no'
    default:
      return 'no'
  }
}

/** @throws `unauthenticated`, `owner_session_required`, `forbidden` */
export function requireAccess(
  route: Pick<Route, 'who' | 'method'>,
  caller: Caller,
  request: IncomingMessage,
): Verdict {
  const answer = verdict(route.who, caller.kind, {
    address: request.socket.remoteAddress,
    host: request.headers.host,
  })
  if (answer === 'no') {
    if (route.who === 'enforcer' && caller.kind !== 'anonymous')
      throw new SafeconductError('forbidden', { message: 'Only a registered enforcement point may.' })
    if (route.who === 'asker' || route.who === 'enforcer') throw new SafeconductError('unauthenticated')
    if (caller.kind === 'local') throw new SafeconductError('owner_session_required')
    throw new SafeconductError(caller.kind === 'anonymous' ? 'unauthenticated' : 'forbidden', {
      message: caller.kind === 'anonymous' ? 'Sign in as the owner first.' : 'This is not allowed.',
    })
  }
  // A cookie travels by itself; the token in a header shows that a page of ours asked.
  if (caller.kind === 'owner' && route.method !== 'GET') {
    const given = request.headers['x-csrf-token']
    if (typeof given !== 'string' || !sameSecret(given, caller.csrf)) {
      throw new SafeconductError('forbidden', { message: 'The anti-forgery token is missing or wrong.' })
    }
  }
  return answer
}

/** Hashed first, so that neither length nor content shows in the time taken. */
function sameSecret(a: string, b: string): boolean {
  return timingSafeEqual(hash('sha256', a, 'buffer'), hash('sha256', b, 'buffer'))
}
