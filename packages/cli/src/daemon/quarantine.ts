/**
 * What is kept and could not be used at the start: each part is as if it were not there, so whatever needs it is refused,
 * and everything else works. A ledger that does not match itself is no such part; then nothing starts.
 * @module
 */
import type { ControlEvent } from '@safeconduct/engine'

export interface Quarantined {
  readonly kind: string
  readonly id: string
  readonly why: string
}

export interface Quarantine {
  /** @param still whether it is so by now; until it is lifted when left out */
  add(part: Omit<Quarantined, 'why'> & { readonly cause: unknown }, still?: () => boolean): void
  /** A record was taken in: what was quarantined under its name no longer is. */
  lift(event: ControlEvent): void
  parts(): Quarantined[]
}

export function createQuarantine(warn: (text: string) => void): Quarantine {
  let held: { readonly part: Quarantined; readonly still: () => boolean }[] = []
  return {
    add({ kind, id, cause }, still = () => true) {
      const why = cause instanceof Error ? cause.message : 'it cannot be read'
      held.push({ part: { kind, id, why }, still })
      warn(`Quarantined at the start: ${kind} ${id}: ${why}`)
    },
    lift(event) {
      // One that does not rule puts nothing in the place of what cannot be used.
      if (event.type === 'policy' && event.version.status !== 'active') return
      // There is one policy and one in the shadow: the next one takes the place of whichever it was.
      const whichever = event.type === 'policy' || event.type === 'shadow'
      const record: unknown = Object.entries(event).find(([name]) => name === event.type)?.[1]
      const id = typeof record === 'object' && record !== null && 'id' in record ? record.id : null
      held = held.filter(({ part }) => part.kind !== event.type || (!whichever && part.id !== id))
    },
    parts: () => held.filter(({ still }) => still()).map(({ part }) => part),
  }
}
