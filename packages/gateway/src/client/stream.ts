/**
 * An event stream to a client. When it is resumable, its events are kept within bounds, and a client that lost the
 * connection may take it up again where it stopped.
 * @module
 */
import type { ServerResponse } from 'node:http'
import { SSE_PING, writeSse } from '../http/sse.ts'
import { type RpcMessage, writeMessage } from '../mcp/message.ts'

/** Bytes of kept events, all sessions together: when used up, events are sent but no longer kept. */
export interface EventBudget {
  take(bytes: number): boolean
  give(bytes: number): void
}

export function createEventBudget(limit: number): EventBudget {
  let used = 0
  return {
    take(bytes) {
      if (used + bytes > limit) return false
      used += bytes
      return true
    },
    give(bytes) {
      used -= bytes
    },
  }
}

export interface StreamOptions {
  /** Part of the event ids; unguessable, unique in the session. null = not resumable. */
  readonly key: string | null
  readonly maxBuffered: number
  readonly maxEvents: number
  readonly maxEventBytes: number
  readonly budget: EventBudget
  /** The client is not there any more: it closed the connection, or read so slowly that we did. */
  readonly onDetached: () => void
}

export interface ClientStream {
  readonly key: string | null
  readonly attached: boolean
  readonly ended: boolean
  push(message: RpcMessage): void
  /** An event without data, so that the client has an id to come back with. */
  prime(retry: number): void
  /** Sends what the client missed (after the given number, or since it was last here), then goes on live. */
  attach(response: ServerResponse, after?: number): void
  /** Lets the connection go but not the stream: the client polls for the rest. Only for resumable streams. */
  pause(retry: number): void
  /** No more events; a client that comes back later still gets what was kept. */
  end(): void
  ping(): void
  /** Drops what is kept and the connection. */
  discard(): void
}

interface Kept {
  readonly seq: number
  readonly text: string
}

export const SSE_HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
} as const

export function createStream(options: StreamOptions): ClientStream {
  const { key, budget } = options
  let kept: Kept[] = []
  let bytes = 0
  let seq = 0
  let delivered = 0
  let ended = false
  let sink: ServerResponse | null = null

  const forget = () => {
    const oldest = kept.shift()
    if (oldest === undefined) return
    bytes -= oldest.text.length
    budget.give(oldest.text.length)
  }

  const keep = (event: Kept) => {
    const size = event.text.length
    while (kept.length >= options.maxEvents || (kept.length > 0 && bytes + size > options.maxEventBytes))
      forget()
    if (size > options.maxEventBytes || !budget.take(size)) return
    kept.push(event)
    bytes += size
  }

  const write = (text: string) => {
    if (sink === null) return
    sink.write(text)
    if (sink.writableLength > options.maxBuffered) sink.destroy()
  }

  const emit = (data: string, retry: number | null = null) => {
    if (ended) return
    seq += 1
    const text = writeSse(data, key === null ? null : `${key}-${seq}`, retry)
    if (key !== null) keep({ seq, text })
    if (sink !== null) delivered = seq
    write(text)
  }

  return {
    key,
    get attached() {
      return sink !== null
    },
    get ended() {
      return ended
    },
    push: (message) => emit(writeMessage(message)),
    prime: (retry) => emit('', retry),
    attach(response, after = delivered) {
      const previous = sink
      sink = response
      previous?.end()
      response.once('close', () => {
        if (sink !== response) return
        sink = null
        if (!ended) options.onDetached()
      })
      for (const event of kept) if (event.seq > after) write(event.text)
      delivered = seq
      if (ended) response.end()
    },
    pause(retry) {
      if (key === null || ended || sink === null) return
      emit('', retry)
      const last = sink
      sink = null
      last?.end()
      options.onDetached()
    },
    end() {
      if (ended) return
      ended = true
      sink?.end()
    },
    ping: () => write(SSE_PING),
    discard() {
      ended = true
      const last = sink
      sink = null
      last?.end()
      while (kept.length > 0) forget()
      kept = []
    },
  }
}

/** The parts of an event id of ours; null when it is none. */
export function parseEventId(id: string): { key: string; seq: number } | null {
  const match = /^([A-Za-z0-9_-]{1,64})-(\d{1,12})$/.exec(id)
  return match?.[1] === undefined ? null : { key: match[1], seq: Number(match[2]) }
}
