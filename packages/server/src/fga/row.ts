/**
 * What a row of OpenFGA's table is.
 * @module
 */
import type * as z from 'zod'
import type { RelationService } from './ports.ts'

/** Who may: an enforcement point with this scope, the signed-in owner; for reading also the control socket. */
export type FgaScope = 'relations:read' | 'relations:write'

export interface FgaContext<Body, Query> {
  readonly service: RelationService
  readonly tenant: string
  /** Whose word it is, for the record. */
  readonly by: string
  readonly params: Readonly<Record<string, string>>
  readonly body: Body
  readonly query: Query
  readonly signal: AbortSignal
}

/** One JSON value, or lines of them as they come. */
export type FgaAnswer =
  | { readonly status: number; readonly json: object }
  | { readonly status: number; readonly lines: AsyncIterable<object> }

export interface FgaRow {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** `:name` stands for one segment. */
  readonly path: string
  readonly scope: FgaScope
  readonly summary: string
  readonly body: z.ZodType | null
  readonly query: z.ZodType | null
  readonly handle: (context: FgaContext<never, never>) => Promise<FgaAnswer>
}

type Infer<S extends z.ZodType | null> = S extends z.ZodType ? z.infer<S> : null

/** Ties the schemas of a row to the types its handler sees. */
export function row<B extends z.ZodType | null = null, Q extends z.ZodType | null = null>(given: {
  method: FgaRow['method']
  path: string
  scope: FgaScope
  summary: string
  body?: B
  query?: Q
  handle: (context: FgaContext<Infer<B>, Infer<Q>>) => Promise<FgaAnswer>
}): FgaRow {
  return {
    method: given.method,
    path: given.path,
    scope: given.scope,
    summary: given.summary,
    body: given.body ?? null,
    query: given.query ?? null,
    handle: given.handle as FgaRow['handle'],
  }
}

export const ok = (json: object, status = 200): FgaAnswer => ({ status, json })
