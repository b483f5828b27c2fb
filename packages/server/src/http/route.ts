/**
 * What a row of the route table is: one method and path, who may call it, what it takes, what answers.
 * @module
 */
import type { IncomingMessage } from 'node:http'
import type { Enforcer, Grant, JsonObject, JsonValue, Proof } from '@safeconduct/protocol'
import type * as z from 'zod'

/**
 * `public`: anybody. `loopback`: a peer on this machine. `local`: the control socket (same operating-system user).
 * `reader`: local or the signed-in owner. `owner`: only the signed-in owner. A change asked for locally that needs
 * the owner is `confirmed`: it becomes an owner request that the signed-in owner confirms in the browser. `asker`: a
 * registered enforcement point, an agent with a grant of its own, or a reader. `enforcer`: only the first of these.
 */
export type Who = 'public' | 'loopback' | 'local' | 'reader' | 'owner' | 'confirmed' | 'asker' | 'enforcer'

export type Caller =
  | { readonly kind: 'owner'; readonly user: string; readonly tenant: string; readonly csrf: string }
  | { readonly kind: 'local'; readonly tenant: string }
  | { readonly kind: 'enforcer'; readonly enforcer: Enforcer; readonly tenant: string }
  | { readonly kind: 'agent'; readonly grant: Grant; readonly proof: Proof; readonly tenant: string }
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
  /** Answered without the framework (`lean.ts`): JSON only, no query, no stream. */
  readonly lean?: boolean
  /** What the owner is asked to confirm, for `confirmed` rows. Throws what the row itself would: nobody is asked then. */
  readonly confirm?: Confirm<never>
  readonly handle: (context: RouteContext<never, never>) => Promise<RouteResult>
}

/** A sentence, and what the owner is shown in place of the body, where the body does not say what will change. */
export interface Asked {
  readonly summary: string
  readonly shown?: JsonObject
  /** Run in place of the body that was asked with: the same, bound to what the owner was shown. */
  readonly body?: JsonObject
}

export type Confirm<Body> = (
  body: Body,
  at: Pick<RouteContext<Body, never>, 'tenant' | 'params'>,
) => string | Asked | Promise<string | Asked>

type Infer<S extends z.ZodType | null> = S extends z.ZodType ? z.infer<S> : null

/** Ties the schemas of a row to the types its handler sees. */
export function route<B extends z.ZodType | null = null, Q extends z.ZodType | null = null>(row: {
  method: Route['method']
  path: string
  who: Who
  summary: string
  body?: B
  query?: Q
  lean?: boolean
  confirm?: Confirm<Infer<B>>
  handle: (context: RouteContext<Infer<B>, Infer<Q>>) => Promise<RouteResult>
}): Route {
  return {
    method: row.method,
    path: row.path,
    who: row.who,
    summary: row.summary,
    body: row.body ?? null,
    query: row.query ?? null,
    ...(row.lean === true ? { lean: true } : {}),
    ...(row.confirm === undefined ? {} : { confirm: row.confirm as Confirm<never> }),
    handle: row.handle as Route['handle'],
  }
}
