/**
 * The name that somebody gives who has proven nothing.
 * @module
 */
import { parseJws } from '@safeconduct/engine'
import { MAX_CLIENT_ID } from './clients.ts'

/** Whom a client says it is; whether there is such a client is not looked at. */
export function claimedClient(params: Readonly<Record<string, unknown>> | undefined): string {
  const { client_assertion: assertion, client_id: id } = params ?? {}
  const named = typeof id === 'string' ? id : ''
  try {
    const { sub } = parseJws(typeof assertion === 'string' ? assertion : '').payload
    return (typeof sub === 'string' ? sub : named).slice(0, MAX_CLIENT_ID)
  } catch {
    return named.slice(0, MAX_CLIENT_ID)
  }
}
