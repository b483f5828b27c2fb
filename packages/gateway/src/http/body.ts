/**
 * Bodies as they come in: bounded while they are read, never after.
 * @module
 */
import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import { SafeconductError } from '@safeconduct/protocol'

/**
 * Reads a request body.
 * @throws {SafeconductError} `too_large` as soon as it is known, `invalid_request` when the client goes away
 */
export async function readBody(request: IncomingMessage, limit: number): Promise<Uint8Array> {
  const declared = Number(request.headers['content-length'] ?? 0)
  if (declared > limit) throw tooLarge(limit)
  try {
    return await collect(request, limit)
  } catch (cause) {
    if (cause instanceof SafeconductError) throw cause
    throw new SafeconductError('invalid_request', { message: 'The body ended too early.', cause })
  }
}

/**
 * By events: an iterator over a stream costs more than a short body. What is too much is left unread; the stream is the
 * caller's to end, since a request's connection is still needed for the answer.
 * @throws {SafeconductError} `too_large`, and whatever the source throws
 */
export function collect(source: Readable, limit: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = []
    let size = 0
    const take = (chunk: Uint8Array) => {
      size += chunk.length
      if (size <= limit) {
        chunks.push(chunk)
        return
      }
      source.off('data', take).pause()
      reject(tooLarge(limit))
    }
    source.on('data', take)
    source.once('end', () => resolve(Buffer.concat(chunks)))
    source.on('error', reject)
    source.once('close', () => reject(new Error('the stream ended too early')))
  })
}

function tooLarge(limit: number): SafeconductError {
  return new SafeconductError('too_large', { details: { limit } })
}

/** The media type without parameters, in lower case; empty when there is none. */
export function mediaType(header: string | readonly string[] | undefined): string {
  const value = typeof header === 'string' ? header : header?.[0]
  return (value ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
}

/** With equal weight, the order is a wish: a client that names event streams first gets one. */
export function prefersStream(header: string | undefined): boolean {
  const stream = header?.indexOf('text/event-stream') ?? -1
  const json = header?.indexOf('application/json') ?? -1
  return stream !== -1 && (json === -1 || stream < json)
}

/** Whether an `Accept` header takes a media type; an absent one takes all. Quality 0 is a refusal. */
export function accepts(header: string | undefined, type: string): boolean {
  if (header === undefined || header.trim() === '') return true
  const [family] = type.split('/', 1)
  return header.split(',').some((part) => {
    const [range = '', ...parameters] = part.split(';').map((word) => word.trim().toLowerCase())
    if (parameters.some((word) => /^q=0(\.0*)?$/.test(word))) return false
    return range === type || range === `${family}/*` || range === '*/*'
  })
}
