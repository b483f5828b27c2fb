/**
 * Which calls of enforcement points are known, and what was answered: one id is one call. Bounded; owns one timer.
 *
 * What must hold: a repeated request gets the answer of the first; a call that nobody settles in time gets an outcome
 * all the same; nobody settles a call that another one prepared.
 * @module
 */
import type { Clock } from '@safeconduct/engine'
import { SafeconductError } from '@safeconduct/protocol'

/** Until then an outcome must be told, milliseconds. */
export const SETTLE_WITHIN = 10 * 60_000
const MAX_KEPT = 10_000
/** Calls under way: of all, and of one enforcement point. */
const MAX_OPEN = 5000
const MAX_OPEN_OF_ONE = 1000
/** What answers hold, by the size of what was asked, characters: all that are kept, and those under way of one. */
const MAX_HELD = 256 * 1024 * 1024
const MAX_HELD_OF_ONE = 64 * 1024 * 1024

interface Kept {
  readonly digest: string
  readonly size: number
  /** Its work has not ended. */
  busy: boolean
  readonly answer: Promise<object>
  /** null while it is not to be settled. */
  settleBy: number | null
  settled: { readonly digest: string; readonly answer: Promise<object> } | null
}

export interface CallBook {
  /**
   * `key`: the enforcement point, a blank, the id. `size`: of the body, characters. `work` runs once per key and body.
   * @throws `conflict` for another body, `overloaded`
   */
  prepare(key: string, digest: string, work: () => Promise<Prepared>, size?: number): Promise<object>
  /** @throws `not_found`, `expired`, `conflict` for another body */
  settle(key: string, digest: string, work: () => Promise<object>): Promise<object>
  close(): void
}

export interface Prepared {
  readonly answer: object
  /** The call goes out, so it has to be settled. */
  readonly forward: boolean
  /** Something was decided: the id is used up. */
  readonly decided: boolean
}

const holderOf = (key: string): string => key.slice(0, key.indexOf(' '))

export function createCallBook(clock: Clock, expire: (key: string) => Promise<unknown>): CallBook {
  const kept = new Map<string, Kept>()
  const open = new Set<string>()
  let timer: NodeJS.Timeout | null = null
  let held = 0

  /** Of each enforcement point, what may not be forgotten: what is worked on, and what goes out. */
  const under = new Map<string, { calls: number; size: number }>()
  let alive = 0

  function enter(key: string, size: number): void {
    const { calls, size: before } = under.get(holderOf(key)) ?? { calls: 0, size: 0 }
    const full = alive >= MAX_OPEN || calls >= MAX_OPEN_OF_ONE || before + size > MAX_HELD_OF_ONE
    if (full || !makeRoom(size)) throw new SafeconductError('overloaded')
    under.set(holderOf(key), { calls: calls + 1, size: before + size })
    alive++
  }

  /** From now on it may be forgotten. */
  function leave(key: string, size: number): void {
    const own = under.get(holderOf(key))
    if (own === undefined) return
    alive--
    if (own.calls === 1) under.delete(holderOf(key))
    else under.set(holderOf(key), { calls: own.calls - 1, size: own.size - size })
  }

  function forget(key: string): void {
    held -= kept.get(key)?.size ?? 0
    kept.delete(key)
  }

  function sweep(): void {
    const now = clock.now()
    for (const key of open) {
      const call = kept.get(key)
      // In the order in which they were prepared.
      if (call?.settleBy != null && call.settleBy > now) break
      if (open.delete(key) && call !== undefined) leave(key, call.size)
      if (call?.settled === null) void expire(key).catch(() => undefined)
    }
    arm()
  }

  function arm(): void {
    if (timer !== null) clearTimeout(timer)
    timer = null
    const [first] = open
    const due = first === undefined ? null : (kept.get(first)?.settleBy ?? null)
    if (due !== null) timer = setTimeout(sweep, Math.max(1000, due - clock.now())).unref()
  }

  /** False when what may not be forgotten leaves none. */
  function makeRoom(size: number): boolean {
    for (const [key, call] of kept) {
      if (kept.size < MAX_KEPT && held + size <= MAX_HELD) return true
      if (!open.has(key) && !call.busy) forget(key)
    }
    return held + size <= MAX_HELD
  }

  return {
    async prepare(key, digest, work, size = 0) {
      sweep()
      const known = kept.get(key)
      if (known !== undefined) {
        if (known.digest === digest) return known.answer
        throw new SafeconductError('conflict', { message: 'That id stands for another call.' })
      }
      enter(key, size)
      const working = work()
      const call: Kept = {
        digest,
        size,
        busy: true,
        answer: working.then(({ answer }) => answer),
        settleBy: null,
        settled: null,
      }
      kept.set(key, call)
      held += size
      call.answer.catch(() => undefined)
      try {
        const { answer, forward, decided } = await working
        call.busy = false
        if (!decided) forget(key)
        if (!forward) leave(key, size)
        if (forward) {
          call.settleBy = clock.now() + SETTLE_WITHIN
          open.add(key)
          arm()
        }
        return answer
      } catch (error) {
        forget(key)
        leave(key, size)
        throw error
      }
    },
    async settle(key, digest, work) {
      sweep()
      const call = kept.get(key)
      if (call === undefined || call.settleBy === null)
        throw new SafeconductError('not_found', { message: 'There is no such call that goes out.' })
      if (call.settled !== null) {
        if (call.settled.digest === digest) return call.settled.answer
        throw new SafeconductError('conflict', { message: 'Another outcome of this call was told.' })
      }
      if (!open.has(key)) throw new SafeconductError('expired', { message: 'The outcome was told too late.' })
      const answer = work()
      call.settled = { digest, answer }
      answer.catch(() => undefined)
      try {
        const told = await answer
        if (open.delete(key)) leave(key, call.size)
        return told
      } catch (error) {
        // What could not be recorded may be told again.
        call.settled = null
        throw error
      }
    },
    close() {
      if (timer !== null) clearTimeout(timer)
      timer = null
      open.clear()
    },
  }
}
