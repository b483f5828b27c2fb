/**
 * The office's server: MCP over HTTP, stateless, made with the official SDK. It counts what it was made to do.
 * @module
 */
import { createServer } from 'node:http'
import { type NodeIncomingMessageLike, toNodeHandler } from '@modelcontextprotocol/node'
import { createMcpHandler, fromJsonSchema, McpServer } from '@modelcontextprotocol/server'
import type { JsonObject } from '@safeconduct/protocol'
import { closeServer, listenOnLoopback } from '../lib/loopback.ts'
import { answerOf, TOOLS } from './scenario.ts'

export interface Upstream {
  readonly url: string
  executed(): number
  close(): Promise<void>
}

export async function openUpstream(): Promise<Upstream> {
  let executed = 0
  const handler = createMcpHandler(
    () => {
      const server = new McpServer({ name: 'office', version: '1.0.0' }, { capabilities: { tools: {} } })
      for (const { name, description, inputSchema, annotations } of TOOLS)
        server.registerTool(
          String(name),
          {
            description: String(description),
            inputSchema: fromJsonSchema<JsonObject>(inputSchema as JsonObject),
            annotations: { ...(annotations as JsonObject) },
          },
          async (args) => {
            executed++
            const { structured, error } = answerOf({ tool: String(name), args })
            const said = error ?? JSON.stringify(structured)
            return {
              content: [{ type: 'text' as const, text: said }],
              ...(structured === null ? {} : { structuredContent: { ...structured } }),
              ...(error === null ? {} : { isError: true }),
            }
          },
        )
      return server
    },
    { legacy: 'reject' },
  )
  const handle = toNodeHandler(handler)
  const http = createServer((request, response) => void handle(request as NodeIncomingMessageLike, response))
  http.keepAliveTimeout = 600_000
  const origin = await listenOnLoopback(http)
  return {
    url: `${origin}/mcp`,
    executed: () => executed,
    async close() {
      await handler.close()
      await closeServer(http)
    },
  }
}
