/**
 * The upstream of the HTTP measurements, in a process of its own: a market server made with the official SDK, that
 * speaks the session revisions and the stateless one at one URL.
 * @module
 */
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { type NodeIncomingMessageLike, toNodeHandler } from '@modelcontextprotocol/node'
import {
  createMcpHandler,
  isLegacyRequest,
  McpServer,
  WebStandardStreamableHTTPServerTransport,
} from '@modelcontextprotocol/server'
import * as z from 'zod'
import { createExchange } from '../../examples/trading-desk/exchange.ts'
import { serveBench } from '../lib/child.ts'
import { closeServer, listenOnLoopback } from '../lib/loopback.ts'

function marketServer(): McpServer {
  const exchange = createExchange()
  const server = new McpServer({ name: 'market', version: '1.0.0' }, { capabilities: { tools: {} } })
  server.registerTool(
    'get_quote',
    {
      description: 'Get the current price of a symbol.',
      inputSchema: z.object({ symbol: z.string().min(1).max(12) }),
      annotations: { readOnlyHint: true },
    },
    async ({ symbol }) => {
      const quote = exchange.quote(symbol)
      return { content: [{ type: 'text', text: JSON.stringify(quote) }], structuredContent: { ...quote } }
    },
  )
  return server
}

serveBench(async () => {
  const open = new Map<string, WebStandardStreamableHTTPServerTransport>()
  const stateless = createMcpHandler(() => marketServer(), { legacy: 'reject' })

  async function begin(request: Request): Promise<Response> {
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => randomUUID(),
      enableJsonResponse: true,
      onsessioninitialized: (id) => {
        open.set(id, transport)
      },
      onsessionclosed: (id) => {
        open.delete(id)
      },
    })
    await marketServer().connect(transport)
    return transport.handleRequest(request)
  }
  const onSession = async (request: Request): Promise<Response> => {
    const id = request.headers.get('mcp-session-id')
    if (id === null) return begin(request)
    return open.get(id)?.handleRequest(request) ?? new Response(null, { status: 404 })
  }
  const handle = toNodeHandler({
    fetch: async (request) =>
      (await isLegacyRequest(request)) ? onSession(request) : stateless.fetch(request),
  })
  const http = createServer((request, response) => void handle(request as NodeIncomingMessageLike, response))
  http.keepAliveTimeout = 600_000
  const origin = await listenOnLoopback(http)
  return {
    ready: { url: `${origin}/mcp` },
    async close() {
      await stateless.close()
      await closeServer(http)
    },
  }
})
