/**
 * A request, read and, with a schema, checked.
 *
 * @module
 */

import { lookup } from '../entities/entity.ts'
import { CedarError } from '../errors.ts'
import { recordFrom } from '../json.ts'
import { type EntityRef, entityUid } from '../names.ts'
import { CedarRecord, EntityUid } from '../values.ts'
import { checkId, conformFields } from './conform.ts'
import type { ActionInfo, CedarSchema } from './schema.ts'

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
  const action = actionUid(input.action, schema)
  const resource = entityUid(input.resource)
  const info = schema === undefined ? undefined : declaredAction(schema, action)
  if (schema !== undefined && info !== undefined) checkScope(schema, info, principal, resource)
  return { principal, action, resource, context: contextRecord(input.context ?? {}, schema, info) }
}

/** The schema's own uid where it has one: its key has been hashed before. */
function actionUid(ref: EntityRef, schema: CedarSchema | undefined): EntityUid {
  if (schema === undefined || ref instanceof EntityUid) return entityUid(ref)
  return lookup(schema.actionEntities, ref?.type, ref?.id)?.uid ?? entityUid(ref)
}

/**
 * The context of one action as a record, for a caller that asks more than once with it.
 *
 * @throws {CedarError} `request_invalid`, `value_invalid`, `limit_exceeded`
 */
export function parseContext(context: object, schema?: CedarSchema, action?: EntityRef): CedarRecord {
  const uid = action === undefined ? undefined : entityUid(action)
  const info = schema === undefined || uid === undefined ? undefined : declaredAction(schema, uid)
  return contextRecord(context, schema, info)
}

function contextRecord(
  context: object,
  schema: CedarSchema | undefined,
  action: ActionInfo | undefined,
): CedarRecord {
  if (context instanceof CedarRecord) return context
  if (typeof context !== 'object' || context === null || Array.isArray(context)) {
    throw new CedarError('request_invalid', 'a context is a record')
  }
  if (schema === undefined || action === undefined) return recordFrom(context)
  return new CedarRecord(conformFields(context, action.context, schema))
}

function checkScope(
  schema: CedarSchema,
  action: ActionInfo,
  principal: EntityUid,
  resource: EntityUid,
): void {
  if (!action.principalTypes.has(principal.type)) throw notApplicable(action, 'principal', principal)
  if (!action.resourceTypes.has(resource.type)) throw notApplicable(action, 'resource', resource)
  checkId(schema, principal)
  checkId(schema, resource)
}

function declaredAction(schema: CedarSchema, action: EntityUid): ActionInfo {
  const info = schema.actions.get(action.key)
  if (info === undefined) throw new CedarError('request_invalid', 'the schema does not declare this action')
  return info
}

function notApplicable({ entity }: ActionInfo, role: string, uid: EntityUid): CedarError {
  return new CedarError('request_invalid', `${entity.uid} does not take a ${role} of type \`${uid.type}\``)
}
