/**
 * Turns the route table into a request handler: access first, then parsing, then the handler. Whatever is not in
 * the table does not exist.
 * @module
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { getRequestListener, type HttpBindings, RequestError } from '@hono/node-server'
import { type JsonValue, SafeconductError, toSafeconductError } from '@safeconduct/protocol'
import { type Context, Hono } from 'hono'
import { callerOf, isSameCaller, type OwnerIdentity, requireAccess } from './access.ts'
import { createLean } from './lean.ts'
import { BODY_LIMITS, parseBody, parseWith, tooLarge } from './parse.ts'
import type { Caller, Route } from './route.ts'

export interface AppPorts {
  readonly tenant: string
  readonly ownerSession: (request: IncomingMessage) => OwnerIdentity | null
  /** The enforcement point or agent that presents a credential; null when there is none. @throws when it is not valid */
  readonly asker: (request: IncomingMessage) => Caller | null
  readonly nonce: () => string
  /** Keeps a change asked for locally until the owner confirms it; answers what the caller may poll. */
  readonly askOwner: (
    route: Route,
    body: JsonValue,
    params: Readonly<Record<string, string>>,
  ) => Promise<object>
  readonly onError: (error: SafeconductError, path: string) => void
}

type Bindings = { Bindings: HttpBindings }

export function createApp(
  routes: readonly Route[],
  ports: AppPorts,
): (req: IncomingMessage, res: ServerResponse) => void {
  const app = new Hono<Bindings>()
  for (const route of routes.filter((row) => row.lean !== true))
    app.on(route.method, route.path, (c) => answer(route, c, ports))
  app.notFound(() => failure(new SafeconductError('not_found'), '', ports))
  app.onError((error, c) => failure(error, c.req.path, ports))
  const lean = createLean(routes, {
    callerOf: (incoming) => ports.asker(incoming) ?? callerOf(incoming, ports.ownerSession, ports.tenant),
    nonce: ports.nonce,
    onError: ports.onError,
  })
  const listener = getRequestListener(app.fetch, {
    overrideGlobalObjects: false,
    // Only where a request says no host at all (HTTP/1.0): paths are all that is read of the URL.
    hostname: 'localhost',
    errorHandler: (thrown) => failure(thrown, '', ports),
  })
  return (req, res) => {
    if (!lean(req, res)) void listener(req, res)
  }
}

async function answer(route: Route, c: Context<Bindings>, ports: AppPorts): Promise<Response> {
  const { incoming } = c.env
  const caller = callerOf(incoming, ports.ownerSession, ports.tenant)
  const access = requireAccess(route, caller, incoming)
  const params = c.req.param() as Record<string, string>
  const raw = route.body === null ? null : await readBody(c)
  const body = route.body === null ? null : parseWith(route.body, raw)
  if (access === 'ask') return json(await ports.askOwner(route, raw, params), 202)
  const query = route.query === null ? null : parseWith(route.query, singleQuery(c))
  const result = await route.handle({
    caller,
    tenant: caller.tenant,
    params,
    body: body as never,
    query: query as never,
    incoming,
    signal: c.req.raw.signal,
    allowed: () => isSameCaller(caller, callerOf(incoming, ports.ownerSession, ports.tenant)),
  })
  const response = result instanceof Response ? result : json(result, 200)
  response.headers.set('x-content-type-options', 'nosniff')
  // Nobody reads the body of an answer to HEAD; a stream left open behind it would never end.
  if (incoming.method === 'HEAD') await response.body?.cancel()
  return response
}

function json(value: JsonValue | object, status: number): Response {
  return new Response(JSON.stringify(value), {
    status,
    headers: {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    },
  })
}

async function readBody(c: Context<Bindings>): Promise<JsonValue> {
  if (Number(c.req.header('content-length') ?? 0) > BODY_LIMITS.maxLength) throw tooLarge()
  return parseBody(await readBytes(c), c.req.header('content-type'))
}

/** @throws `too_large`; `invalid_request` when the client goes away in the middle */
async function readBytes(c: Context<Bindings>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let total = 0
  try {
    for await (const chunk of c.req.raw.body ?? []) {
      total += chunk.length
      if (total > BODY_LIMITS.maxLength) throw tooLarge()
      chunks.push(chunk)
    }
  } catch (thrown) {
    throw toSafeconductError(thrown, 'invalid_request')
  }
  return Buffer.concat(chunks)
}

/** A parameter given twice would be read one way here and another way elsewhere. */
function singleQuery(c: Context<Bindings>): Record<string, string> {
  for (const [name, values] of Object.entries(c.req.queries())) {
    if (values.length > 1)
      throw new SafeconductError('invalid_request', { message: `The parameter ${name} is given twice.` })
  }
  return c.req.query()
}

function failure(thrown: unknown, path: string, ports: AppPorts): Response {
  const error = toSafeconductError(thrown, thrown instanceof RequestError ? 'invalid_request' : 'internal')
  if (error.code === 'internal') ports.onError(error, path)
  return json(error.toJSON(), error.status)
}
