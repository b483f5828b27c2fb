/**
 * Asking for more: a role for the errand of a grant, with a reason, for a time.
 * @module
 */
import type { Elevation } from '@safeconduct/protocol'
import { GrantError, type Held } from './agent.ts'

export interface ElevationWish {
  /** For example `deployment-engineer`. */
  readonly role: string
  /** Why; shown to the person who decides. */
  readonly reason: string
  /** 1–480; default 60. */
  readonly minutes?: number
}

export type AskedElevation = Pick<Elevation, 'id' | 'role' | 'status' | 'task' | 'minutes' | 'expiresAt'>

/**
 * `pending` waits for the owner; asking again for the same role tells how it stands. `active` holds from the next call
 * on, until `expiresAt` (milliseconds).
 * @throws {GrantError} `denied` when nobody could grant it, and what the API answers
 */
export async function askForRole(issuer: string, held: Held, wish: ElevationWish): Promise<AskedElevation> {
  const response = await held.fetch(`${issuer}/api/v1/elevations`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(wish),
  })
  const answer: Record<string, unknown> = Object(await response.json().catch(() => null))
  if (!response.ok) {
    const code = typeof answer.error === 'string' ? answer.error : `http_${response.status}`
    throw new GrantError(code, typeof answer.message === 'string' ? answer.message : '')
  }
  const { id, role, status, task, minutes, expiresAt } = answer as unknown as AskedElevation
  if (typeof id !== 'string' || typeof status !== 'string')
    throw new GrantError('invalid_response', 'The answer is no elevation.')
  return { id, role, status, task, minutes, expiresAt }
}
