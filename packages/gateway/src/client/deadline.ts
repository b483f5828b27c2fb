/**
 * The time a call has: silence of the upstream, and the whole, both of which end it with `upstream_timeout`.
 * @module
 */
import { SafeconductError } from '@safeconduct/protocol'

export interface Deadline {
  readonly signal: AbortSignal
  /** The upstream said something. */
  touch(): void
  /** The upstream waits for the client: its silence does not count until `resume`. Nests. */
  pause(): void
  resume(): void
  stop(): void
}

export function createDeadline(silence: number, total: number, also: readonly AbortSignal[]): Deadline {
  const own = new AbortController()
  const expire = () => own.abort(new SafeconductError('upstream_timeout', { details: { effect: 'unknown' } }))
  const whole = setTimeout(expire, total)
  let idle = setTimeout(expire, silence)
  let paused = 0
  const stop = () => {
    clearTimeout(whole)
    clearTimeout(idle)
  }
  const signal = AbortSignal.any([own.signal, ...also])
  signal.addEventListener('abort', stop, { once: true })
  return {
    signal,
    touch() {
      if (paused === 0) idle.refresh()
    },
    pause() {
      paused += 1
      clearTimeout(idle)
    },
    resume() {
      paused -= 1
      if (paused === 0 && !signal.aborted) {
        clearTimeout(idle)
        idle = setTimeout(expire, silence)
      }
    },
    stop,
  }
}
