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

interface Kept {
  readonly digest: string
  readonly answer: Promise<object>
  /** null while it is not to be settled. */
  settleBy: number | null
  settled: { readonly digest: string; readonly answer: Promise<object> } | null
}

export interface CallBook {
  /** `key`: the enforcement point, a blank, the id. `work` runs once per key and body. @throws `conflict` for another body, `overloaded` */
  prepare(key: string, digest: string, work: () => Promise<Prepared>): Promise<object>
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

/** A key is the enforcement point, a blank, and the id. */
function isFull(open: ReadonlySet<string>, key: string): boolean {
  if (open.size < MAX_OPEN_OF_ONE) return false
  const holder = key.slice(0, key.indexOf(' ') + 1)
  let own = 0
  for (const one of open) if (one.startsWith(holder)) own++
  return own >= MAX_OPEN_OF_ONE || open.size >= MAX_OPEN
}

export function createCallBook(clock: Clock, expire: (key: string) => Promise<unknown>): CallBook {
  const kept = new Map<string, Kept>()
  const open = new Set<string>()
  let timer: NodeJS.Timeout | null = null

  function sweep(): void {
    const now = clock.now()
    for (const key of open) {
      const call = kept.get(key)
      // In the order in which they were prepared.
      if (call?.settleBy != null && call.settleBy > now) break
      open.delete(key)
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

  function makeRoom(): void {
    for (const key of kept.keys()) {
      if (kept.size < MAX_KEPT) return
      if (!open.has(key)) kept.delete(key)
    }
  }

  return {
    async prepare(key, digest, work) {
      sweep()
      const known = kept.get(key)
      if (known !== undefined) {
        if (known.digest === digest) return known.answer
        throw new SafeconductError('conflict', { message: 'That id stands for another call.' })
      }
      if (isFull(open, key)) throw new SafeconductError('overloaded')
      makeRoom()
      const working = work()
      const call: Kept = {
        digest,
        answer: working.then(({ answer }) => answer),
        settleBy: null,
        settled: null,
      }
      kept.set(key, call)
      call.answer.catch(() => undefined)
      try {
        const { answer, forward, decided } = await working
        if (!decided) kept.delete(key)
        if (forward) {
          call.settleBy = clock.now() + SETTLE_WITHIN
          open.add(key)
          arm()
        }
        return answer
      } catch (error) {
        kept.delete(key)
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
        open.delete(key)
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
