/**
 * The bus within one process. A message is a hint; the store is the truth: when listeners cannot keep up within one
 * turn of the event loop, the oldest messages are dropped.
 * @module
 */
import { AsyncResource } from 'node:async_hooks'
import type { Bus, BusMessage } from '@safeconduct/engine'

export interface BusOptions {
  /** Told what a listener threw or rejected with. Default: nobody. */
  readonly onError?: (error: unknown) => void
  /** Messages that may wait for delivery; default 65,536. */
  readonly limit?: number
}

type Listener = (message: BusMessage) => unknown

export function createBus(options: BusOptions = {}): Bus {
  const limit = options.limit ?? 65_536
  const report = options.onError ?? (() => undefined)
  /** Replaced, never changed: a waiting message keeps the listeners of the moment it was published. */
  let listeners: readonly Listener[] = []
  let waiting: { message: BusMessage; to: readonly Listener[] }[] = []
  let scheduled = false

  function deliver(): void {
    const batch = waiting
    waiting = []
    scheduled = false
    for (const { message, to } of batch) {
      for (const listener of to) if (listeners.includes(listener)) hand(listener, message)
    }
  }

  function hand(listener: Listener, message: BusMessage): void {
    try {
      const result = listener(message)
      if (result instanceof Promise) result.catch(report)
    } catch (error) {
      report(error)
    }
  }

  return {
    publish: (message) => {
      if (listeners.length === 0) return
      if (waiting.length >= limit) waiting.shift()
      waiting.push({ message, to: listeners })
      if (scheduled) return
      scheduled = true
      setImmediate(deliver)
    },
    subscribe: (listener) => {
      // In the subscriber's async context: the publisher may stand inside a transaction, the listener does not.
      const bound = AsyncResource.bind((message: BusMessage): unknown => listener(message))
      listeners = [...listeners, bound]
      return () => {
        listeners = listeners.filter((other) => other !== bound)
      }
    },
  }
}
