/**
 * The daemon's two doors: the port (Host and Origin checked before anything is looked at) and the control socket
 * (this user only). Which part answers is decided by the path, in one table.
 * @module
 */
import { chmodSync, existsSync, unlinkSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, Socket } from 'node:net'
import { checkHost, checkOrigin, originRules } from '@safeconduct/gateway'
import { SafeconductError, toSafeconductError } from '@safeconduct/protocol'
import { markLocal } from '@safeconduct/server'

/** Answers a request or says that it is not its own. */
export type Part = (request: IncomingMessage, response: ServerResponse) => Promise<boolean>

export interface Doors {
  /** Tried in order; the last one answers everything. */
  readonly parts: readonly Part[]
  readonly localParts: readonly Part[]
  readonly onError: (error: SafeconductError, path: string) => void
}

export interface HttpLimits {
  readonly host: string
  readonly port: number
}

/** A request must be in, body included, within these times; answers and streams may take as long as they do. */
const SERVER_OPTIONS = {
  headersTimeout: 15_000,
  requestTimeout: 60_000,
  connectionsCheckingInterval: 5_000,
  keepAliveTimeout: 65_000,
  maxHeaderSize: 32_768,
}
const MAX_CONNECTIONS = 4096

export async function openPort(limits: HttpLimits): Promise<{ server: Server; port: number }> {
  const server = createServer(SERVER_OPTIONS)
  server.maxConnections = MAX_CONNECTIONS
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const taken = cause.code === 'EADDRINUSE'
      const message = taken
        ? `Port ${limits.port} is taken by another program. Choose another one with --port (0 takes a free one).`
        : `Cannot listen on ${limits.host}:${limits.port} (${cause.code ?? 'unknown error'}).`
      reject(new SafeconductError('conflict', { message, cause }))
    })
    server.listen(limits.port, limits.host, resolve)
  })
  server.removeAllListeners('error')
  return { server, port: (server.address() as AddressInfo).port }
}

export function servePort(server: Server, doors: Doors, publicUrl: URL, port: number): void {
  const rules = originRules(publicUrl.origin, port)
  server.on('request', (request, response) => {
    try {
      checkHost(request, rules)
      checkOrigin(request, rules)
    } catch (error) {
      return refuse(response, toSafeconductError(error))
    }
    void serve(doors.parts, request, response, doors.onError)
  })
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    const late = error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
    // Opened ahead of need: an answer to nothing would be taken for the answer to the next request.
    if (!socket.writable || (late && socket instanceof Socket && socket.bytesRead === 0))
      return void socket.destroy()
    socket.end(`HTTP/1.1 ${late ? '408 Request Timeout' : '400 Bad Request'}\r\nconnection: close\r\n\r\n`)
  })
}

/** The holder of the data directory's lock may remove a socket that an earlier holder left behind. */
export async function openControlSocket(path: string, doors: Doors): Promise<Server> {
  if (existsSync(path)) unlinkSync(path)
  const server = createServer(SERVER_OPTIONS)
  server.on('request', (request, response) => {
    markLocal(request)
    void serve(doors.localParts, request, response, doors.onError)
  })
  const before = process.umask(0o177)
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(path, resolve)
    })
  } catch (cause) {
    throw new SafeconductError('internal', { message: `The control socket ${path} cannot be made.`, cause })
  } finally {
    process.umask(before)
  }
  chmodSync(path, 0o600)
  return server
}

async function serve(
  parts: readonly Part[],
  request: IncomingMessage,
  response: ServerResponse,
  onError: Doors['onError'],
): Promise<void> {
  try {
    for (const part of parts) if (await part(request, response)) return
    refuse(response, new SafeconductError('not_found'))
  } catch (thrown) {
    const error = toSafeconductError(thrown)
    if (error.code === 'internal') onError(error, (request.url ?? '').split('?')[0] ?? '')
    if (response.headersSent) response.destroy()
    else refuse(response, error)
  }
}

function refuse(response: ServerResponse, error: SafeconductError): void {
  response.writeHead(error.status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
  response.end(JSON.stringify(error.toJSON()))
}

/** Everything is answered by then; what is left is a peer that does not read, milliseconds. */
const LINGER = 1_000
const SWEEP = 20

/** Takes no new connection, ends each one when its answer is out, and after `LINGER` those that are left. */
export async function closeServer(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  // A connection that was busy when the server closed is kept open for its next request unless somebody looks again.
  const sweep = setInterval(() => server.closeIdleConnections(), SWEEP)
  const late = setTimeout(() => server.closeAllConnections(), LINGER)
  server.closeIdleConnections()
  await closed
  clearInterval(sweep)
  clearTimeout(late)
}
