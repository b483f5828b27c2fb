/**
 * Server-sent events (WHATWG HTML §9.2) from the bus, bounded per viewer.
 * @module
 */
import type { Bus, BusMessage } from '@safeconduct/engine'
import { SafeconductError } from '@safeconduct/protocol'

export const MAX_VIEWERS = 64
/** Bytes that wait for one viewer. One that does not read is cut off rather than buffered for. */
export const MAX_BACKLOG = 4 * 1024 * 1024
const KEEP_ALIVE_MS = 15_000

export interface Viewer {
  readonly tenant: string
  readonly signal: AbortSignal
  /** Asked before each message: whoever signed out, or was, sees nothing more. */
  readonly allowed: () => boolean
  /** Drops the connection of a viewer that does not read; ending its stream alone would keep what waits. */
  readonly cut: () => void
}

export interface EventStreams {
  /** @throws `overloaded` beyond `MAX_VIEWERS`, `shutting_down` after `close` */
  open(viewer: Viewer): Response
  close(): void
}

/** Owns the streams it opened; `close` ends them all. */
export function createEventStreams(bus: Bus): EventStreams {
  const open = new Set<() => void>()
  let closed = false
  return {
    open(viewer) {
      if (closed) throw new SafeconductError('shutting_down')
      if (open.size >= MAX_VIEWERS) throw new SafeconductError('overloaded')
      return new Response(stream(bus, viewer, open), {
        headers: {
          'content-type': 'text/event-stream',
          'cache-control': 'no-store',
          'x-accel-buffering': 'no',
        },
      })
    },
    close() {
      closed = true
      for (const end of [...open]) end()
    },
  }
}

function stream(bus: Bus, viewer: Viewer, open: Set<() => void>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  let release: () => void = () => undefined
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const send = (text: () => string) => {
          if (!viewer.allowed()) return end()
          if ((controller.desiredSize ?? 0) > 0) return controller.enqueue(encoder.encode(text()))
          end()
          viewer.cut()
        }
        const unsubscribe = bus.subscribe((message) => {
          if (message.tenant === viewer.tenant) send(() => frame(message))
        })
        const alive = setInterval(() => send(() => ': alive\n\n'), KEEP_ALIVE_MS)
        const end = () => {
          if (!open.has(end)) return
          release()
          controller.close()
        }
        release = () => {
          open.delete(end)
          unsubscribe()
          clearInterval(alive)
        }
        open.add(end)
        viewer.signal.addEventListener('abort', end, { once: true })
        send(() => ': open\n\n')
        if (viewer.signal.aborted) end()
      },
      cancel: () => release(),
    },
    new ByteLengthQueuingStrategy({ highWaterMark: MAX_BACKLOG }),
  )
}

function frame(message: BusMessage): string {
  return `event: ${message.type}\ndata: ${JSON.stringify(message)}\n\n`
}
