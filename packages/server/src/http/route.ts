/**
 * What a row of the route table is: one method and path, who may call it, what it takes, what answers.
 * @module
 */
import type { IncomingMessage } from 'node:http'
import type { JsonValue } from '@safeconduct/protocol'
import type * as z from 'zod'

/**
 * `public`: anybody. `loopback`: a peer on this machine. `local`: the control socket (same operating-system user).
 * `reader`: local or the signed-in owner. `owner`: only the signed-in owner. A change asked for locally that needs
 * the owner is `confirmed`: it becomes an owner request that the signed-in owner confirms in the browser.
 */
export type Who = 'public' | 'loopback' | 'local' | 'reader' | 'owner' | 'confirmed'

export type Caller =
  | { readonly kind: 'owner'; readonly user: string; readonly tenant: string; readonly csrf: string }
  | { readonly kind: 'local'; readonly tenant: string }
  | { readonly kind: 'anonymous'; readonly tenant: string }

export interface RouteContext<Body, Query> {
  readonly caller: Caller
  readonly tenant: string
  /** The named segment of the path, already decoded. */
  readonly params: Readonly<Record<string, string>>
  readonly body: Body
  readonly query: Query
  readonly incoming: IncomingMessage
  readonly signal: AbortSignal
  /** False once the caller's session has ended or changed hands; a stream asks before each thing it shows. */
  readonly allowed: () => boolean
}

/** JSON unless a `Response` is returned. */
export type RouteResult = JsonValue | object | Response

export interface Route {
  readonly method: 'GET' | 'POST'
  /** Hono pattern, for example `/api/v1/agents/:id`. */
  readonly path: string
  readonly who: Who
  /** One sentence for OpenAPI. */
  readonly summary: string
  readonly body: z.ZodType | null
  readonly query: z.ZodType | null
  /** What the owner is asked to confirm, for `confirmed` rows. */
  readonly confirm?: (body: never) => string
  readonly handle: (context: RouteContext<never, never>) => Promise<RouteResult>
}

type Infer<S extends z.ZodType | null> = S extends z.ZodType ? z.infer<S> : null

/** Ties the schemas of a row to the types its handler sees. */
export function route<B extends z.ZodType | null = null, Q extends z.ZodType | null = null>(row: {
  method: Route['method']
  path: string
  who: Who
  summary: string
  body?: B
  query?: Q
  confirm?: (body: Infer<B>) => string
  handle: (context: RouteContext<Infer<B>, Infer<Q>>) => Promise<RouteResult>
}): Route {
  return {
    method: row.method,
    path: row.path,
    who: row.who,
    summary: row.summary,
    body: row.body ?? null,
    query: row.query ?? null,
    ...(row.confirm === undefined ? {} : { confirm: row.confirm as (body: never) => string }),
    handle: row.handle as Route['handle'],
  }
}
