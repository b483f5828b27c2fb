/**
 * A link over the pipes of a child process that the owner configured. The child is ours: closing the link ends it.
 * @module
 */
import { type JsonLimits, type JsonObject, parseJson, type SafeconductError } from '@safeconduct/protocol'
import { notification, parseMessage, type RpcAnswer, response, writeMessage } from '../mcp/message.ts'
import { isUpstreamSessionRevision, NEWEST_SESSION } from '../mcp/revisions.ts'
import type { Log } from '../ports.ts'
import { nonsense, upstreamFailure } from './failure.ts'
import { createLineReader } from './lines.ts'
import { createDispatcher, type Hooks, type Link, readHello, SILENT } from './link.ts'
import { endProgram, type StdioTransport, startProgram } from './program.ts'

export interface StdioLinkOptions {
  readonly name: string
  readonly transport: StdioTransport
  readonly capabilities: JsonObject
  readonly clientInfo: JsonObject
  readonly limits: JsonLimits
  /** Bytes that may wait for a child that does not read. */
  readonly maxBuffered: number
  readonly log: Log
  /** Called once when the child is gone. */
  readonly onGone: () => void
}

/** Standard error of a child is for the owner's log only: so many bytes per line and lines per life. */
const MAX_STDERR_LINE = 500
const MAX_STDERR_LINES = 200
const MAX_NONSENSE = 16

/** @throws {SafeconductError} `upstream_*` when it does not start or does not speak the protocol */
export async function openStdioLink(options: StdioLinkOptions, signal: AbortSignal): Promise<Link> {
  const child = await startProgram(options.transport)
  const lines = createLineReader(options.limits.maxLength)
  const dispatcher = createDispatcher((id, answer) => write(writeMessage(response(id, answer))))
  let alive = true
  let strays = 0

  const die = (reason: SafeconductError) => {
    if (!alive) return
    alive = false
    dispatcher.drop(reason)
    options.onGone()
    void endProgram(child)
  }

  function write(line: string): void {
    if (!alive) return
    child.stdin.write(`${line}\n`)
    if (child.stdin.writableLength > options.maxBuffered) {
      die(upstreamFailure('upstream_unavailable', 'unknown', { message: 'The server does not read.' }))
    }
  }

  child.stdin.on('error', () => die(upstreamFailure('upstream_unavailable', 'unknown')))
  child.on('exit', () => die(upstreamFailure('upstream_unavailable', 'unknown')))
  child.on('error', (cause) => die(upstreamFailure('upstream_unavailable', 'unknown', { cause })))
  child.stdout.on('data', (chunk: Uint8Array) => {
    try {
      for (const line of lines.push(chunk)) {
        try {
          dispatcher.receive(parseMessage(parseJson(line, options.limits)), null)
        } catch (cause) {
          // Servers print to standard output by mistake; a few stray lines are forgiven, not a stream of them,
          // and never something that set out to be a message.
          strays += 1
          if (line[0] === 0x7b) throw cause
          options.log('debug', 'a line of a server is no message', { server: options.name })
          if (strays > MAX_NONSENSE) throw cause
        }
      }
    } catch (cause) {
      die(nonsense(cause))
    }
  })
  logStderr(child.stderr, options)

  const request = async (method: string, params: JsonObject | null, hooks: Hooks): Promise<RpcAnswer> => {
    if (!alive) throw upstreamFailure('upstream_unavailable', 'none')
    hooks.signal.throwIfAborted()
    const open = dispatcher.open(params, hooks)
    const cancel = () => {
      dispatcher.drop(hooks.signal.reason, open.id)
      if (method !== 'initialize') {
        write(writeMessage(notification('notifications/cancelled', { requestId: open.id })))
      }
    }
    hooks.signal.addEventListener('abort', cancel, { once: true })
    write(writeMessage({ kind: 'request', id: open.id, method, params: open.params }))
    try {
      return await open.answer
    } finally {
      hooks.signal.removeEventListener('abort', cancel)
    }
  }

  try {
    const { capabilities, clientInfo } = options
    const params = { protocolVersion: NEWEST_SESSION, capabilities, clientInfo }
    const hello = readHello(await request('initialize', params, { ...SILENT, signal }))
    if (!isUpstreamSessionRevision(hello.protocolVersion)) throw nonsense(undefined)
    return {
      hello,
      get alive() {
        return alive
      },
      request,
      notify: async (method, params) => write(writeMessage(notification(method, params))),
      attach: dispatcher.attach,
      async close() {
        die(upstreamFailure('upstream_unavailable', 'unknown'))
        await endProgram(child)
      },
    }
  } catch (cause) {
    die(upstreamFailure('upstream_unavailable', 'unknown'))
    throw cause
  }
}

function logStderr(stderr: NodeJS.ReadableStream, options: StdioLinkOptions): void {
  let seen = 0
  stderr.on('data', (chunk: Uint8Array) => {
    if (seen >= MAX_STDERR_LINES) return
    for (const line of Buffer.from(chunk).toString('utf8').split('\n')) {
      if (line.trim() === '' || ++seen > MAX_STDERR_LINES) continue
      options.log('debug', 'server says', { server: options.name, line: line.slice(0, MAX_STDERR_LINE) })
    }
  })
}
