/**
 * Server-sent events: a bounded reader for what upstreams send, a writer for what we send.
 * @module
 */
import { SafeconductError } from '@safeconduct/protocol'

export interface SseEvent {
  /** The `id:` of this event; null when it has none. */
  readonly id: string | null
  readonly event: string
  /** Empty for events that only carry an id or a retry time. */
  readonly data: string
  /** Milliseconds; null when not given. */
  readonly retry: number | null
}

export interface SseParser {
  /**
   * Feeds bytes, returns the events they complete.
   * @throws {SafeconductError} `upstream_invalid` when an event or a line is larger than allowed, or not UTF-8
   */
  push(chunk: Uint8Array): SseEvent[]
}

/** Follows the event-stream format of the HTML standard; an event left open at the end is dropped, as it says. */
export function createSseParser(maxEvent: number): SseParser {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let rest = ''
  let data: string[] = []
  let size = 0
  let id: string | null = null
  let event = ''
  let retry: number | null = null
  let afterCr = false

  const take = (line: string, out: SseEvent[]) => {
    if (line === '') {
      if (data.length > 0 || id !== null || retry !== null) {
        out.push({ id, event: event === '' ? 'message' : event, data: data.join('\n'), retry })
      }
      data = []
      size = 0
      id = null
      event = ''
      retry = null
      return
    }
    if (line.startsWith(':')) return
    const colon = line.indexOf(':')
    const field = colon === -1 ? line : line.slice(0, colon)
    const value = colon === -1 ? '' : line.slice(line.charAt(colon + 1) === ' ' ? colon + 2 : colon + 1)
    if (field === 'data') {
      data.push(value)
      // The line end counts as well: a line without text takes room like any other.
      size += value.length + 1
      if (size > maxEvent) throw new SafeconductError('upstream_invalid')
    } else if (field === 'event') event = value
    else if (field === 'id' && !value.includes('\0')) id = value
    else if (field === 'retry' && /^\d{1,9}$/.test(value)) retry = Number(value)
  }

  return {
    push(chunk) {
      let text: string
      try {
        text = decoder.decode(chunk, { stream: true })
      } catch (cause) {
        throw new SafeconductError('upstream_invalid', { cause })
      }
      const out: SseEvent[] = []
      let start = 0
      for (let at = 0; at < text.length; at++) {
        const unit = text.charCodeAt(at)
        if (unit !== 0x0a && unit !== 0x0d) {
          afterCr = false
          continue
        }
        // CRLF is one line end, also when the pair is split over two chunks.
        if (unit === 0x0a && afterCr) {
          afterCr = false
          start = at + 1
          continue
        }
        afterCr = unit === 0x0d
        take(rest + text.slice(start, at), out)
        rest = ''
        start = at + 1
      }
      rest += text.slice(start)
      if (rest.length + size > maxEvent) throw new SafeconductError('upstream_invalid')
      return out
    },
  }
}

/** One event on the wire. The data is one line of compact JSON, or empty. */
export function writeSse(data: string, id: string | null = null, retry: number | null = null): string {
  const head = id === null ? '' : `id: ${id}\n`
  const wait = retry === null ? '' : `retry: ${retry}\n`
  return data === '' ? `${head}${wait}data:\n\n` : `event: message\n${head}${wait}data: ${data}\n\n`
}

export const SSE_PING = ': ping\n\n'
