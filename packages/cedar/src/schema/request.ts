/**
 * A request, read and, with a schema, checked.
 *
 * @module
 */

import { CedarError } from '../errors.ts'
import { recordFrom } from '../json.ts'
import { type EntityRef, entityUid } from '../names.ts'
import { CedarRecord, type EntityUid } from '../values.ts'
import { checkId, conformFields } from './conform.ts'
import type { CedarSchema } from './schema.ts'

export interface RequestInput {
  readonly principal: EntityRef
  readonly action: EntityRef
  readonly resource: EntityRef
  /** JSON, plain JavaScript values, or a record made by `parseContext`. Default empty. */
  readonly context?: object
}

export interface Request {
  readonly principal: EntityUid
  readonly action: EntityUid
  readonly resource: EntityUid
  readonly context: CedarRecord
}

/**
 * With a schema the action must be declared, take this principal and resource, and the context must have the
 * declared attributes and no others.
 *
 * @throws {CedarError} `request_invalid`, `value_invalid`, `limit_exceeded`
 */
export function parseRequest(input: RequestInput, schema?: CedarSchema): Request {
  const principal = entityUid(input.principal)
  const action = entityUid(input.action)
  const resource = entityUid(input.resource)
  if (schema !== undefined) checkScope(schema, principal, action, resource)
  return { principal, action, resource, context: contextRecord(input.context ?? {}, schema, action) }
}

/**
 * The context of one action as a record, for a caller that asks more than once with it.
 *
 * @throws {CedarError} `request_invalid`, `value_invalid`, `limit_exceeded`
 */
export function parseContext(context: object, schema?: CedarSchema, action?: EntityRef): CedarRecord {
  return contextRecord(context, schema, action === undefined ? undefined : entityUid(action))
}

function contextRecord(
  context: object,
  schema: CedarSchema | undefined,
  action: EntityUid | undefined,
): CedarRecord {
  if (context instanceof CedarRecord) return context
  if (typeof context !== 'object' || context === null || Array.isArray(context)) {
    throw new CedarError('request_invalid', 'a context is a record')
  }
  if (schema === undefined || action === undefined) return recordFrom(context)
  return new CedarRecord(conformFields(context, declaredAction(schema, action).context, schema))
}

function checkScope(schema: CedarSchema, principal: EntityUid, action: EntityUid, resource: EntityUid): void {
  const info = declaredAction(schema, action)
  if (!info.principalTypes.has(principal.type)) throw notApplicable(action, 'principal', principal)
  if (!info.resourceTypes.has(resource.type)) throw notApplicable(action, 'resource', resource)
  checkId(schema, principal)
  checkId(schema, resource)
}

function declaredAction(schema: CedarSchema, action: EntityUid) {
  const info = schema.actions.get(action.key)
  if (info === undefined) throw new CedarError('request_invalid', 'the schema does not declare this action')
  return info
}

function notApplicable(action: EntityUid, role: string, uid: EntityUid): CedarError {
  return new CedarError('request_invalid', `${action} does not take a ${role} of type \`${uid.type}\``)
}
