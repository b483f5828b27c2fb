/**
 * Server-sent events (WHATWG HTML §9.2) from the bus, bounded per viewer.
 * @module
 */
import type { Bus, BusMessage } from '@safeconduct/engine'
import { SafeconductError } from '@safeconduct/protocol'

const MAX_VIEWERS = 64
/** A viewer that does not read is cut off rather than buffered for. */
const MAX_BACKLOG = 512
const KEEP_ALIVE_MS = 15_000

export interface EventStreams {
  open(tenant: string, signal: AbortSignal): Response
  close(): void
}

/** Owns the streams it opened; `close` ends them all. */
export function createEventStreams(bus: Bus): EventStreams {
  const open = new Set<() => void>()
  return {
    open(tenant, signal) {
      if (open.size >= MAX_VIEWERS) throw new SafeconductError('overloaded')
      const encoder = new TextEncoder()
      let end: () => void = () => undefined
      const body = new ReadableStream<Uint8Array>(
        {
          start(controller) {
            const send = (text: string) => {
              if ((controller.desiredSize ?? 0) <= 0) return end()
              controller.enqueue(encoder.encode(text))
            }
            const unsubscribe = bus.subscribe((message) => {
              if (message.tenant === tenant) send(frame(message))
            })
            const alive = setInterval(() => send(': alive\n\n'), KEEP_ALIVE_MS)
            end = () => {
              if (!open.delete(end)) return
              unsubscribe()
              clearInterval(alive)
              controller.close()
            }
            open.add(end)
            send(': open\n\n')
          },
          cancel: () => end(),
        },
        new CountQueuingStrategy({ highWaterMark: MAX_BACKLOG }),
      )
      signal.addEventListener('abort', () => end(), { once: true })
      return new Response(body, {
        headers: {
          'content-type': 'text/event-stream',
          'cache-control': 'no-store',
          'x-accel-buffering': 'no',
        },
      })
    },
    close() {
      for (const end of [...open]) end()
    },
  }
}

function frame(message: BusMessage): string {
  return `event: ${message.type}\ndata: ${JSON.stringify(message)}\n\n`
}
