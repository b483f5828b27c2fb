/**
 * OpenFGA's HTTP interface on the node server: access first, then parsing, then the row. Deny by default: an
 * enforcement point needs the scope of the row, the signed-in owner may all, the control socket may read.
 * @module
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { SafeconductError } from '@safeconduct/protocol'
import { createAsker } from '../authzen/asker.ts'
import type { AccessPorts } from '../authzen/ports.ts'
import { callerOf, type OwnerIdentity, requireAccess } from '../http/access.ts'
import { BODY_LIMITS, parseBody, parseWith, tooLarge } from '../http/parse.ts'
import type { Caller } from '../http/route.ts'
import { FgaError, refusalOf } from './errors.ts'
import type { RelationService } from './ports.ts'
import { FGA_ROUTES } from './routes.ts'
import type { FgaAnswer, FgaRow } from './row.ts'

export interface FgaPorts {
  readonly tenant: string
  readonly service: RelationService
  readonly access: AccessPorts
  readonly ownerSession: (request: IncomingMessage) => OwnerIdentity | null
  readonly onError: (error: SafeconductError, path: string) => void
}

/** False when the path is none of OpenFGA's. */
export type Fga = (request: IncomingMessage, response: ServerResponse) => Promise<boolean>

const PREFIX = '/fga/'

export function createFga(ports: FgaPorts): Fga {
  const asker = createAsker(ports.access, ports.tenant)
  const rows = FGA_ROUTES.map((row) => ({ row, segments: row.path.split('/') }))
  const known = (request: IncomingMessage) =>
    asker(request) ?? callerOf(request, ports.ownerSession, ports.tenant)

  async function answer(request: IncomingMessage, signal: AbortSignal): Promise<Answered> {
    const [path = '', search = ''] = (request.url ?? '/').split('?', 2)
    const parts = path.split('/')
    // Whoever is nobody does not learn which paths there are.
    const caller = known(request)
    for (const { row, segments } of rows) {
      const params = row.method === request.method ? matched(segments, parts) : null
      if (params === null) continue
      requireScope(row, caller, request)
      const body =
        row.body === null
          ? null
          : parseWith(row.body, parseBody(await bytesOf(request), request.headers['content-type']))
      const query = row.query === null ? null : parseWith(row.query, queryOf(search))
      const given = await row.handle({
        service: ports.service,
        tenant: ports.tenant,
        by: byOf(caller),
        params,
        body: body as never,
        query: query as never,
        signal,
      })
      return { given, allowed: () => isAllowed(row, request) }
    }
    if (caller.kind === 'anonymous') throw new SafeconductError('unauthenticated')
    throw new FgaError(404, 'undefined_endpoint', 'There is no such endpoint.')
  }

  /** Whoever was revoked or signed out meanwhile is shown nothing more. */
  function isAllowed(row: FgaRow, request: IncomingMessage): boolean {
    try {
      requireScope(row, known(request), request)
      return true
    } catch {
      return false
    }
  }

  return async (request, response) => {
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/'
    if (!path.startsWith(PREFIX)) return false
    const gone = new AbortController()
    response.once('close', () => gone.abort())
    try {
      const { given, allowed } = await answer(request, gone.signal)
      await send(response, given, {}, allowed)
    } catch (thrown) {
      // Nobody is there to be told.
      if (gone.signal.aborted) return true
      const { status, code, message } = refusalOf(thrown, (error) => ports.onError(error, path))
      if (response.headersSent) response.destroy()
      else {
        const close = code === 'exceeded_entity_limit' && !request.complete
        await send(response, { status, json: { code, message } }, close ? { connection: 'close' } : {})
      }
    }
    return true
  }
}

/** @throws `unauthenticated`, `forbidden`, `owner_session_required` */
function requireScope(row: FgaRow, caller: Caller, request: IncomingMessage): void {
  if (caller.kind === 'enforcer') {
    if (caller.enforcer.scopes.includes(row.scope)) return
    throw new SafeconductError('forbidden', { message: `This needs the scope ${row.scope}.` })
  }
  if (caller.kind === 'anonymous') throw new SafeconductError('unauthenticated')
  const who = row.scope === 'relations:read' ? 'reader' : 'owner'
  requireAccess({ who, method: row.method === 'GET' ? 'GET' : 'POST' }, caller, request)
}

function byOf(caller: Caller): string {
  if (caller.kind === 'enforcer') return caller.enforcer.id
  return caller.kind === 'owner' ? caller.user : caller.kind
}

function matched(segments: readonly string[], parts: readonly string[]): Record<string, string> | null {
  if (segments.length !== parts.length) return null
  const params: Record<string, string> = {}
  for (const [at, segment] of segments.entries()) {
    const part = parts[at] ?? ''
    if (segment.startsWith(':')) {
      // Ids are letters and digits; whatever needs decoding is none.
      if (!/^[A-Za-z0-9_-]{1,64}$/.test(part)) return null
      params[segment.slice(1)] = part
    } else if (segment !== part) return null
  }
  return params
}

/** A parameter given twice would be read one way here and another way elsewhere. An empty one is none. */
function queryOf(search: string): Record<string, string> {
  const query: Record<string, string> = {}
  for (const [name, value] of new URLSearchParams(search)) {
    if (Object.hasOwn(query, name))
      throw new SafeconductError('invalid_request', { message: `The parameter ${name} is given twice.` })
    if (value !== '') query[name] = value
  }
  return query
}

/** @throws `too_large`; `invalid_request` when the client goes away in the middle */
async function bytesOf(request: IncomingMessage): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  let total = 0
  try {
    for await (const chunk of request) {
      total += chunk.length
      if (total > BODY_LIMITS.maxLength) throw tooLarge()
      chunks.push(chunk)
    }
  } catch (cause) {
    if (cause instanceof SafeconductError) throw cause
    throw new SafeconductError('invalid_request', { cause })
  }
  return Buffer.concat(chunks)
}

interface Answered {
  readonly given: FgaAnswer
  readonly allowed: () => boolean
}

/** Lines between two looks at who reads them. */
const LOOK_EVERY = 100

const HEADERS = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' }

async function send(
  response: ServerResponse,
  answer: FgaAnswer,
  more: Readonly<Record<string, string>> = {},
  allowed: () => boolean = () => true,
): Promise<void> {
  if (!('lines' in answer)) {
    const text = answer.status === 204 ? '' : JSON.stringify(answer.json)
    response.writeHead(answer.status, {
      ...HEADERS,
      ...(answer.status === 204 ? {} : { 'content-type': 'application/json' }),
      'content-length': Buffer.byteLength(text),
      ...more,
    })
    response.end(text)
    return
  }
  // What fails before the first line can still be said with a status.
  const lines = answer.lines[Symbol.asyncIterator]()
  let next = await lines.next()
  response.writeHead(answer.status, { ...HEADERS, 'content-type': 'application/x-ndjson' })
  for (let sent = 1; next.done !== true; next = await lines.next(), sent++) {
    if (response.destroyed) return
    if (sent % LOOK_EVERY === 0 && !allowed()) throw new SafeconductError('revoked')
    if (!response.write(`${JSON.stringify(next.value)}\n`)) await room(response)
  }
  response.end()
}

/** Until the reader has caught up or gone away. */
function room(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done).off('close', done)
      resolve()
    }
    response.on('drain', done).on('close', done)
  })
}
