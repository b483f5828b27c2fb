/**
 * @module A real MCP server that serves every name the outside conformance suite asks for, on the session wire
 * (2025-06-18, 2025-11-25) and the stateless wire (2026-07-28), at one URL. It is the upstream of the conformance run:
 * the suite meets it directly and through the gateway.
 */
import { createServer } from 'node:http'
import {
  localhostHostValidation,
  localhostOriginValidation,
  type NodeIncomingMessageLike,
  toNodeHandler,
} from '@modelcontextprotocol/node'
import { createMcpHandler, isLegacyRequest } from '@modelcontextprotocol/server'
import { createFixtureMcpServer } from './fixture/mcp-server.ts'
import { createSessions } from './fixture/sessions.ts'
import { createFixtureState } from './fixture/state.ts'
import { closeServer, listenOnLoopback } from './loopback.ts'

/** A running fixture; whoever started it calls `close`, which ends sessions and streams too. */
export interface FixtureServer {
  /** The MCP endpoint, `http://127.0.0.1:PORT/mcp`. */
  readonly url: string
  readonly close: () => Promise<void>
}

/** Starts the fixture on a free loopback port. Foreign `Host` or `Origin` values are answered 403. */
export async function startFixtureServer(): Promise<FixtureServer> {
  const state = createFixtureState()
  const sessions = createSessions(() => createFixtureMcpServer(state))
  const stateless = createMcpHandler(() => createFixtureMcpServer(state), { legacy: 'reject' })
  state.announce = (what) => {
    if (what === 'tools') stateless.notify.toolsChanged()
    else stateless.notify.promptsChanged()
    sessions.each((server) =>
      what === 'tools' ? server.sendToolListChanged() : server.sendPromptListChanged(),
    )
  }
  const handle = toNodeHandler({
    fetch: async (request) =>
      (await isLegacyRequest(request)) ? sessions.fetch(request) : stateless.fetch(request),
  })
  const hostIsLocal = localhostHostValidation()
  const originIsLocal = localhostOriginValidation()
  const http = createServer((request, response) => {
    if (!hostIsLocal(request, response) || !originIsLocal(request, response)) return
    if (request.url !== '/mcp') {
      response.writeHead(404).end()
      return
    }
    void handle(request as NodeIncomingMessageLike, response)
  })
  const origin = await listenOnLoopback(http)
  return {
    url: `${origin}/mcp`,
    close: async () => {
      await Promise.all([stateless.close(), sessions.close()])
      await closeServer(http)
    },
  }
}
