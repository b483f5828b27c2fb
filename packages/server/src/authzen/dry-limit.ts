/**
 * How many dry questions an agent may ask about its own calls. They move nothing and nobody sees them, so an agent that
 * looks for the line a policy draws asks many, and is refused most of them: a refusal costs as much as five answers that
 * allow. In memory; begins anew with the daemon.
 * @module
 */
import type { Clock } from '@safeconduct/engine'
import { type Grant, SafeconductError } from '@safeconduct/protocol'

export interface DryLimit {
  /** Before questions are answered. @throws `rate_limited`, with the seconds after which to ask again */
  ask(of: Pick<Grant, 'tenant' | 'agent'>, questions: number): void
  /** An answer was a refusal. */
  refused(of: Pick<Grant, 'tenant' | 'agent'>): void
}

/** Questions at once, and how many come back a second. */
const ROOM = 120
const PER_SECOND = 1
const REFUSAL = 4
/** Agents remembered; whoever asked least recently is forgotten first. */
const MAX_AGENTS = 10_000

export function createDryLimit(clock: Clock): DryLimit {
  const left = new Map<string, { readonly room: number; readonly at: number }>()

  function roomOf(key: string): number {
    const known = left.get(key)
    if (known === undefined) return ROOM
    const back = (Math.max(0, clock.now() - known.at) / 1000) * PER_SECOND
    return Math.min(ROOM, known.room + back)
  }

  function keep(key: string, room: number): void {
    left.delete(key)
    left.set(key, { room, at: clock.now() })
    const [oldest] = left.keys()
    if (left.size > MAX_AGENTS && oldest !== undefined) left.delete(oldest)
  }

  return {
    ask({ tenant, agent }, questions) {
      const key = JSON.stringify([tenant, agent])
      const room = roomOf(key)
      // More than there can ever be room for is let through when nothing was asked before, and owed for then.
      const needed = Math.min(questions, ROOM)
      if (room < needed) {
        const seconds = Math.ceil((needed - room) / PER_SECOND)
        throw new SafeconductError('rate_limited', {
          message: 'Too many questions about calls that are not made; ask again later.',
          details: { retry_after: seconds },
        })
      }
      keep(key, room - questions)
    },
    refused({ tenant, agent }) {
      const key = JSON.stringify([tenant, agent])
      keep(key, roomOf(key) - REFUSAL)
    },
  }
}
