/**
 * What is under way (calls, standing streams): counted, looked at again when rights change, waited for at the end.
 * @module
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { SafeconductError } from '@safeconduct/protocol'
import { principalKey } from '../mcp/turn.ts'
import type { Identity } from '../ports.ts'

export interface Underway {
  identity(): Identity
  readonly server: string
}

export interface Registry {
  /** @throws {SafeconductError} `shutting_down`, `overloaded`, `rate_limited` */
  begin(identity: Identity | (() => Identity), server: string): { readonly signal: AbortSignal; end(): void }
  /** Ends, with the reason, everything that is not kept. */
  review(keep: (entry: Underway) => boolean, reason: SafeconductError): void
  /** Refuses new ones and ends the others. */
  close(reason: SafeconductError): void
  /** Refuses new ones, waits for the others, ends what is left; resolves when nothing is. */
  drain(patience: number, reason: SafeconductError): Promise<void>
  readonly size: number
}

/** After being ended, something may still need this long to be settled. */
const SETTLE_PATIENCE = 5_000

export function createRegistry(limits?: { readonly max: number; readonly perPrincipal: number }): Registry {
  const entries = new Set<Underway & { readonly controller: AbortController }>()
  let closed = false
  let empty: (() => void) | null = null

  const whenEmpty = () =>
    new Promise<void>((resolve) => {
      if (entries.size === 0) resolve()
      else empty = resolve
    })

  const within = async (time: number) => {
    const stop = new AbortController()
    const late = sleep(time, undefined, { signal: stop.signal }).catch(() => undefined)
    await Promise.race([whenEmpty(), late])
    stop.abort()
  }

  return {
    get size() {
      return entries.size
    },
    begin(given, server) {
      if (closed) throw new SafeconductError('shutting_down')
      const identity = typeof given === 'function' ? given : () => given
      if (limits !== undefined) {
        if (entries.size >= limits.max) throw new SafeconductError('overloaded')
        const key = principalKey(identity())
        const mine = [...entries].filter((entry) => principalKey(entry.identity()) === key)
        if (mine.length >= limits.perPrincipal) throw new SafeconductError('rate_limited')
      }
      const controller = new AbortController()
      const entry = { identity, server, controller }
      entries.add(entry)
      return {
        signal: controller.signal,
        end() {
          entries.delete(entry)
          if (entries.size === 0) empty?.()
        },
      }
    },
    review(keep, reason) {
      for (const entry of entries) if (!keep(entry)) entry.controller.abort(reason)
    },
    close(reason) {
      closed = true
      for (const entry of entries) entry.controller.abort(reason)
    },
    async drain(patience, reason) {
      closed = true
      await within(patience)
      for (const entry of entries) entry.controller.abort(reason)
      await within(SETTLE_PATIENCE)
    },
  }
}
