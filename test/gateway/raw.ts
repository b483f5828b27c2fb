/** @module MCP by hand: sessions and stateless requests without a client library, so that every byte is ours. */
import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type JsonObject, parseJson } from '@safeconduct/protocol'
import { answerOf, type World } from '../../packages/gateway/src/testing/world.ts'

export const ENVELOPE = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
}

/** A stateless request with the headers it must have. */
export function stateless(
  world: World,
  server: string,
  method: string,
  params: JsonObject = {},
  headers: Record<string, string> = {},
): Promise<Response> {
  const named = method === 'resources/read' ? params.uri : params.name
  const name = typeof named === 'string' && method !== 'tools/list' ? { 'mcp-name': named } : {}
  const body = { jsonrpc: '2.0', id: 1, method, params: { _meta: ENVELOPE, ...params } }
  return world.post(server, body, {
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': method,
    ...name,
    ...headers,
  })
}

export interface RawSession {
  readonly id: string
  readonly hello: JsonObject
  request(method: string, params?: JsonObject, id?: number | string): Promise<Response>
  send(message: unknown, headers?: Record<string, string>): Promise<Response>
  get(headers?: Record<string, string>, signal?: AbortSignal): Promise<Response>
  remove(): Promise<Response>
}

export async function openSession(
  world: World,
  server: string,
  capabilities: JsonObject = {},
  version = '2025-11-25',
  authorization: Record<string, string> = {},
): Promise<RawSession> {
  const clientInfo = { name: 'raw', version: '1' }
  const response = await world.post(
    server,
    {
      jsonrpc: '2.0',
      id: 0,
      method: 'initialize',
      params: { protocolVersion: version, capabilities, clientInfo },
    },
    authorization,
  )
  const id = response.headers.get('mcp-session-id')
  const hello = await answerOf(response)
  assert.ok(id !== null, JSON.stringify(hello))
  const own = { 'mcp-session-id': id, 'mcp-protocol-version': version, ...authorization }
  const session: RawSession = {
    id,
    hello,
    request: (method, params = {}, request = 1) =>
      world.post(server, { jsonrpc: '2.0', id: request, method, params }, own),
    send: (message, headers = {}) => world.post(server, message, { ...own, ...headers }),
    get: (headers = {}, signal) =>
      fetch(world.url(server), {
        headers: { accept: 'text/event-stream', ...world.bearer(server), ...own, ...headers },
        ...(signal === undefined ? {} : { signal }),
      }),
    remove: () =>
      fetch(world.url(server), { method: 'DELETE', headers: { ...world.bearer(server), ...own } }),
  }
  await session.send({ jsonrpc: '2.0', method: 'notifications/initialized' })
  return session
}

/** Reads the body of a request to a test upstream. */
export async function bodyOf(request: IncomingMessage): Promise<JsonObject> {
  const chunks: Uint8Array[] = []
  for await (const chunk of request) chunks.push(chunk)
  const value = chunks.length === 0 ? {} : parseJson(Buffer.concat(chunks))
  assert.ok(typeof value === 'object' && value !== null && !Array.isArray(value))
  return value as JsonObject
}

export function json(
  response: ServerResponse,
  value: unknown,
  status = 200,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(JSON.stringify(value))
}

export const TOOL = { name: 'work', inputSchema: { type: 'object' } }

/**
 * An upstream of the session revisions that behaves, except in `tools/call`, which is the handler's.
 */
export function sessionUpstream(
  call: (message: JsonObject, request: IncomingMessage, response: ServerResponse) => void,
  more: (message: JsonObject, request: IncomingMessage, response: ServerResponse) => boolean = () => false,
) {
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (request.method !== 'POST') {
      if (!more({}, request, response)) response.writeHead(405).end()
      return
    }
    const message = await bodyOf(request)
    if (more(message, request, response)) return
    const { id, method } = message
    if (method === 'initialize') {
      const result = {
        protocolVersion: '2025-11-25',
        capabilities: { tools: { listChanged: true }, logging: {} },
        serverInfo: { name: 'nasty', version: '1' },
      }
      return json(response, { jsonrpc: '2.0', id, result }, 200, { 'mcp-session-id': 'upstream-session' })
    }
    if (id === undefined || method === undefined) {
      response.writeHead(202).end()
      return
    }
    if (method === 'tools/list') return json(response, { jsonrpc: '2.0', id, result: { tools: [TOOL] } })
    if (method === 'tools/call') return call(message, request, response)
    return json(response, { jsonrpc: '2.0', id, error: { code: -32601, message: 'Method not found' } })
  }
}

/** Waits until the condition holds; how long is the test runner's business. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5))
}
