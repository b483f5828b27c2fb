/**
 * Tasks, delegations and what a grant says: RFC 9396 authorization details of type `safeconduct_task`.
 * @module
 */
import * as z from 'zod'
import type { Stored } from './principals.ts'

export const TASK_DETAILS_TYPE = 'safeconduct_task'

/** Bound of one argument. `path` is dotted, for example `order.amount`. All given bounds must hold. */
export const argumentLimitSchema = z.strictObject({
  max: z.number().optional(),
  min: z.number().optional(),
  /** The value, printed as JSON would print a string or number, must be one of these. */
  oneOf: z
    .array(z.union([z.string().max(1024), z.number(), z.boolean()]))
    .max(256)
    .optional(),
  /** The value must start with this. */
  prefix: z.string().max(1024).optional(),
})
export type ArgumentLimit = z.infer<typeof argumentLimitSchema>

export const budgetSchema = z.strictObject({
  /** Calls that may be attempted under the task, reads included. */
  calls: z.int().min(0).optional(),
  /** Calls with side effects that may be attempted. */
  writes: z.int().min(0).optional(),
  /** Sums of numeric arguments, by `<server>/<tool>:<path>`; the sum over the task may not pass the number. */
  sums: z.record(z.string().max(512), z.number().min(0)).optional(),
})
export type Budget = z.infer<typeof budgetSchema>

const toolPattern = z.string().min(1).max(256)

/**
 * One authorization detail. `tools` are `<server>/<tool>` or `<server>/*`; an absent list means every tool that
 * policy allows on the servers of the token's audience; an empty list means none.
 */
export const taskDetailsSchema = z.strictObject({
  type: z.literal(TASK_DETAILS_TYPE),
  task: z.string().max(128).optional(),
  intent_digest: z.string().max(128).optional(),
  purpose: z.string().max(512).optional(),
  servers: z.array(z.string().max(64)).max(64).optional(),
  tools: z.array(toolPattern).max(512).optional(),
  /** By `<server>/<tool>`, then by dotted argument path. */
  argument_limits: z
    .record(z.string().max(256), z.record(z.string().max(256), argumentLimitSchema))
    .optional(),
  /** Resource URIs (MCP resources) by prefix. */
  resources: z.array(z.string().max(2048)).max(128).optional(),
  budget: budgetSchema.optional(),
  /** Seconds since the epoch. */
  expires: z.int().optional(),
})
export type TaskDetails = z.infer<typeof taskDetailsSchema>

export interface Task extends Stored {
  readonly agent: string
  /** null for an autonomous agent. */
  readonly user: string | null
  /** The user's own words; null when the client knows no tasks and nobody captured any. */
  readonly intent: string | null
  /** `sha256:` of the intent's UTF-8 bytes. */
  readonly intentDigest: string | null
  /** A client that knows no tasks: rolls over after 30 min idle or 8 h; its labels survive. */
  readonly implicit: boolean
  readonly details: TaskDetails
  readonly status: 'active' | 'ended'
  readonly createdAt: number
  /** Milliseconds. */
  readonly expiresAt: number
}

/** One link of a chain: `from` lets `to` act within `details` under the task. */
export interface Delegation extends Stored {
  readonly task: string
  readonly from: string
  readonly to: string
  /** The link above, null for the first (user → agent). */
  readonly parent: string | null
  readonly depth: number
  readonly details: TaskDetails
  readonly createdAt: number
  readonly expiresAt: number
}

/** What is revoked by counting: a token names the epochs it was issued under; another number now = revoked. */
export const EPOCH_KINDS = ['tenant', 'agent', 'user', 'task', 'delegation'] as const
export type EpochKind = (typeof EPOCH_KINDS)[number]
export interface EpochRef {
  readonly kind: EpochKind
  readonly id: string
  readonly epoch: number
}
export const epochRefSchema = z.tuple([z.enum(EPOCH_KINDS), z.string().max(256), z.int().min(0)])

export const MAX_CHAIN_DEPTH = 4

/** Scopes of the gateway; `mcp:write` includes `mcp:read`. */
export const SCOPES = ['mcp:read', 'mcp:write'] as const
export type Scope = (typeof SCOPES)[number]

const actSchema: z.ZodType<ActClaim> = z.lazy(() =>
  z.object({
    sub: z.string().max(512),
    client_id: z.string().max(512).optional(),
    act: actSchema.optional(),
  }),
)
export interface ActClaim {
  sub: string
  client_id?: string | undefined
  act?: ActClaim | undefined
}

/**
 * Claims of an access token (RFC 9068 `at+jwt`, RFC 8693 `act`, RFC 9396, RFC 7800 `cnf`). `sub` is the user, or
 * the agent itself when it is autonomous; `act.sub` is the agent that calls, `act.act` whoever handed on to it.
 */
export const accessTokenSchema = z.object({
  iss: z.string().max(2048),
  sub: z.string().max(512),
  aud: z.union([z.string().max(2048), z.array(z.string().max(2048)).max(64)]),
  client_id: z.string().max(2048),
  scope: z.string().max(4096),
  iat: z.int(),
  exp: z.int(),
  jti: z.string().min(8).max(256),
  auth_time: z.int().optional(),
  acr: z.string().max(256).optional(),
  cnf: z.object({ jkt: z.string().max(128) }).optional(),
  act: actSchema.optional(),
  authorization_details: z
    .array(z.union([taskDetailsSchema, z.object({ type: z.string().max(256) })]))
    .max(16)
    .optional(),
  safeconduct: z.strictObject({
    tenant: z.string().max(128),
    task: z.string().max(128),
    epochs: z.array(epochRefSchema).max(32),
  }),
})
export type AccessTokenClaims = z.infer<typeof accessTokenSchema>

/** A verified grant as the pipeline sees it. Produced only by `engine/identity`. */
export interface Grant {
  readonly id: string
  readonly tenant: string
  /** The agent that calls now. */
  readonly agent: string
  /** null when the agent is autonomous. */
  readonly user: string | null
  /** Agents that handed the errand on, nearest first, without the calling one. */
  readonly via: readonly string[]
  readonly clientId: string
  readonly audience: readonly string[]
  readonly scope: readonly string[]
  readonly task: string
  readonly details: TaskDetails
  readonly epochs: readonly EpochRef[]
  /** RFC 7638 thumbprint of the key the token is bound to; null = bearer. */
  readonly jkt: string | null
  /** Milliseconds. */
  readonly issuedAt: number
  readonly expiresAt: number
  /** When the user last authenticated, milliseconds; null = unknown. */
  readonly authenticatedAt: number | null
}
