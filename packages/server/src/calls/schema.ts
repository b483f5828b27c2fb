/**
 * What enforcement points send about calls.
 * @module
 */
import type { JsonObject, JsonValue } from '@safeconduct/protocol'
import * as z from 'zod'

const object = z.custom<JsonObject>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  'must be an object',
)
/** RFC 9562 §5.7: made by the enforcement point, once per call. */
export const callId = z
  .string()
  .regex(
    /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    'the id is a UUIDv7 in lower case',
  )
const server = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'that is no name of a server')

/** The agent's credential as it came, and the proof with the method and URL that it was made for. */
const credential = {
  token: z.string().max(16_384),
  dpop: z
    .strictObject({
      proof: z.string().max(16_384),
      method: z.string().max(16),
      url: z.string().max(2048),
    })
    .optional(),
}

export const prepareBody = z.strictObject({
  id: callId,
  ...credential,
  operation: z.strictObject({ server, method: z.string().max(64), params: object.default({}) }),
  context: z
    .strictObject({ ip: z.string().max(64).optional(), client: z.string().max(256).optional() })
    .default({}),
})
export type PrepareBody = z.infer<typeof prepareBody>

export const toolsBody = z.strictObject({ ...credential, server, definitions: z.array(object).max(1000) })
export type ToolsBody = z.infer<typeof toolsBody>

export const settleBody = z.strictObject({
  status: z.enum(['ok', 'tool_error', 'failed', 'cancelled']),
  text: z.array(z.string()).max(1000).default([]),
  structured: z
    .custom<JsonValue>((value) => value !== undefined)
    .nullable()
    .default(null),
  digest: z
    .string()
    .regex(/^(?:sha256:[0-9a-f]{64})?$/, 'a digest is sha256: and 64 hex digits')
    .default(''),
  bytes: z.int().min(0).default(0),
  error: z.string().max(4096).nullable().default(null),
})
export type SettleBody = z.infer<typeof settleBody>
