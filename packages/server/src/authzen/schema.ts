/**
 * Requests of the Authorization API 1.0. Members that the specification does not name are left out, not refused.
 * @module
 */
import type { JsonObject } from '@safeconduct/protocol'
import * as z from 'zod'

const object = z.custom<JsonObject>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  'must be an object',
)
const type = z.string().max(256)
const id = z.string().max(2048)
const entity = z.object({ type, id, properties: object.optional() })
const action = z.object({ name: z.string().max(256), properties: object.optional() })
/** §7: of the one that is looked for only the type counts. */
const kind = z.object({ type, properties: object.optional() })

export const evaluation = z.object({
  subject: entity,
  action,
  resource: entity,
  context: object.optional(),
})
export type Evaluation = z.infer<typeof evaluation>

export const SEMANTICS = ['execute_all', 'deny_on_first_deny', 'permit_on_first_permit'] as const
/** Questions in one request. */
export const MAX_EVALUATIONS = 256

const partial = evaluation.partial()
export const evaluations = partial.extend({
  evaluations: z.array(partial).max(MAX_EVALUATIONS).optional(),
  options: z.object({ evaluations_semantic: z.enum(SEMANTICS).optional() }).optional(),
})
export type Evaluations = z.infer<typeof evaluations>

const page = z.object({ token: z.string().max(4096).optional(), limit: z.int().min(0).optional() }).optional()

export const subjectSearch = z.object({
  subject: kind,
  action,
  resource: entity,
  context: object.optional(),
  page,
})
export const resourceSearch = z.object({
  subject: entity,
  action,
  resource: kind,
  context: object.optional(),
  page,
})
export const actionSearch = z.object({ subject: entity, resource: entity, context: object.optional(), page })
export type Page = z.infer<typeof page>
