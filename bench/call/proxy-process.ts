/**
 * The peer that governs nothing: a bare `node:http` proxy with kept-alive connections that streams both ways. In a
 * process of its own; told where to forward to.
 * @module
 */
import { Agent, createServer, request as httpRequest } from 'node:http'
import { serveBench } from '../lib/child.ts'
import { closeServer, listenOnLoopback } from '../lib/loopback.ts'

serveBench(async ({ upstream }: { readonly upstream: string }) => {
  const agent = new Agent({ keepAlive: true })
  const { hostname, port } = new URL(upstream)
  const http = createServer((request, response) => {
    const { method, url: path } = request
    const forwarded = httpRequest(
      { agent, hostname, port, method, path, headers: request.headers },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(response)
      },
    )
    forwarded.on('error', () => response.destroy())
    request.pipe(forwarded)
  })
  http.keepAliveTimeout = 600_000
  const origin = await listenOnLoopback(http)
  return {
    ready: { url: `${origin}${new URL(upstream).pathname}` },
    async close() {
      agent.destroy()
      await closeServer(http)
    },
  }
})
