/**
 * One spelling of a replay key for the whole authorization server, so that a proof or an assertion used on one path
 * is used up on every other. The library makes the same digest of client and `jti`.
 * @module
 */
import { hash } from 'node:crypto'
import type { Context } from './options.ts'

export function replayId(client: string, jti: string): string {
  return hash('sha256', `${client}${jti}`, 'base64url')
}

/** True the first time. `expiresAt` in milliseconds. */
export function claimOnce(context: Context, id: string, expiresAt: number): Promise<boolean> {
  return context.store.replay.claim(`oauth:${id}`, expiresAt, context.clock.now())
}
