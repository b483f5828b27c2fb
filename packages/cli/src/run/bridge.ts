/**
 * `safeconduct run` as an MCP host sees it: newline-delimited JSON-RPC on standard input and output, streamable HTTP
 * over the control socket behind it. Nothing is decided here; the daemon's pipeline is the same as over the network.
 * @module
 */
import type { IncomingMessage } from 'node:http'
import { createInterface } from 'node:readline'
import { encodeHeaderValue } from '@safeconduct/gateway'
import {
  isJsonObject,
  type JsonObject,
  type JsonValue,
  parseJson,
  toSafeconductError,
} from '@safeconduct/protocol'
import type { ControlClient } from '../client/control-client.ts'
import { readEvents } from './sse.ts'

export interface BridgeOptions {
  readonly client: ControlClient
  /** Path of the server on the control socket. */
  readonly path: string
  readonly input: NodeJS.ReadableStream
  readonly output: NodeJS.WritableStream
  readonly note: (text: string) => void
}

const MAX_LINE = 4 * 1024 * 1024
const DEFAULT_VERSION = '2025-11-25'

/** Resolves when the host closes our input and everything under way was answered. */
export async function bridge(options: BridgeOptions): Promise<void> {
  const { client, path, output, note } = options
  let session: string | null = null
  let version: string | null = null
  let listening: IncomingMessage | null = null
  let ended = false
  const underWay = new Set<Promise<void>>()

  const write = (message: JsonValue) => {
    output.write(`${JSON.stringify(message)}\n`)
  }
  const headers = () => ({
    accept: 'application/json, text/event-stream',
    ...(session === null ? {} : { 'mcp-session-id': session }),
    ...(version === null ? {} : { 'mcp-protocol-version': version }),
  })

  async function listen(): Promise<void> {
    const response = await client.open({
      method: 'GET',
      path,
      headers: { ...headers(), accept: 'text/event-stream' },
    })
    if (response.statusCode !== 200) return void response.resume()
    listening = response
    await readEvents(response, write)
  }

  async function send(message: JsonObject): Promise<void> {
    const body = JSON.stringify(message)
    const modern = modernHeaders(message)
    const response = await client.open(
      { method: 'POST', path, headers: { ...headers(), ...modern, 'content-type': 'application/json' } },
      body,
    )
    const given = response.headers['mcp-session-id']
    if (message.method === 'initialize' && typeof given === 'string') session = given
    const type = response.headers['content-type'] ?? ''
    if (type.startsWith('text/event-stream')) return readEvents(response, (event) => deliver(message, event))
    const text = await readText(response)
    if (text !== '') deliver(message, parseJson(text, { maxLength: MAX_LINE, maxDepth: 64 }))
  }

  function deliver(request: JsonObject, answer: JsonValue): void {
    // Nobody waits for an answer to a notification or to an answer; what is wrong with it is told beside the protocol.
    if (!('method' in request && 'id' in request)) {
      note(refusalIn(answer))
      return
    }
    if (request.method === 'initialize' && isJsonObject(answer) && isJsonObject(answer.result)) {
      const agreed = answer.result.protocolVersion
      version = typeof agreed === 'string' ? agreed : DEFAULT_VERSION
    }
    write(answer)
    // The server's own messages arrive on a stream that may only be opened once the session stands.
    if (request.method === 'initialize' && session !== null)
      listen().catch((error) => {
        if (!ended) note(toSafeconductError(error, 'not_running').message)
      })
  }

  for await (const line of createInterface({ input: options.input, crlfDelay: Number.POSITIVE_INFINITY })) {
    if (line.trim() === '') continue
    const message = readLine(line, write)
    if (message === null) continue
    const work = send(message).catch((error) => {
      const { rpc, message: text, code } = toSafeconductError(error, 'not_running')
      if ('id' in message)
        write({ jsonrpc: '2.0', id: message.id ?? null, error: { code: rpc, message: text, data: { code } } })
      else note(text)
    })
    underWay.add(work)
    work.finally(() => underWay.delete(work))
    // Order matters until the session stands: nothing may overtake the handshake.
    if (message.method === 'initialize') await work
  }
  await Promise.all(underWay)
  ended = true
  ;(listening as IncomingMessage | null)?.destroy()
  if (session !== null) {
    const ended = await client.open({ method: 'DELETE', path, headers: headers() }).catch(() => null)
    ended?.resume()
  }
}

function refusalIn(answer: JsonValue): string {
  const error = isJsonObject(answer) && isJsonObject(answer.error) ? answer.error : {}
  return typeof error.message === 'string' ? error.message : 'The gateway did not take a message.'
}

/** Requests of revision 2026-07-28 repeat version, method and name in headers; a stdio host sends none. */
function modernHeaders(message: JsonObject): Record<string, string> {
  const meta = isJsonObject(message.params) ? message.params._meta : undefined
  const version = isJsonObject(meta) ? meta['io.modelcontextprotocol/protocolVersion'] : undefined
  if (typeof version !== 'string' || typeof message.method !== 'string') return {}
  const params = isJsonObject(message.params) ? message.params : {}
  const name = params.name ?? params.uri
  return {
    'mcp-protocol-version': version,
    'mcp-method': message.method,
    ...(typeof name === 'string' ? { 'mcp-name': encodeHeaderValue(name) } : {}),
  }
}

function readLine(line: string, write: (message: JsonValue) => void): JsonObject | null {
  try {
    const value = parseJson(line, { maxLength: MAX_LINE, maxDepth: 64 })
    if (isJsonObject(value)) return value
    write({
      jsonrpc: '2.0',
      id: null,
      error: { code: -32600, message: 'A single JSON-RPC message is expected.' },
    })
  } catch (error) {
    const { rpc, message } = toSafeconductError(error)
    write({ jsonrpc: '2.0', id: null, error: { code: rpc, message } })
  }
  return null
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let total = 0
  for await (const chunk of response) {
    total += chunk.length
    if (total > MAX_LINE) throw toSafeconductError(new Error('answer too large'), 'upstream_invalid')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
