/**
 * What a compiled policy reads.
 *
 * @module
 */

import { type Entity, type EntityView, lookup } from '../entities/entity.ts'
import type { Request } from '../schema/request.ts'
import type { CedarRecord, EntityUid, Value } from '../values.ts'

export interface Environment {
  readonly principal: EntityUid
  readonly action: EntityUid
  readonly resource: EntityUid
  readonly context: CedarRecord
  readonly entities: EntityView
  /** Actions of the schema, for stores that do not hold them. */
  readonly actions: EntityView
  /** Found once: nearly every condition reads one of these two. */
  readonly principalEntity: Entity | undefined
  readonly resourceEntity: Entity | undefined
}

export function environmentOf(request: Request, entities: EntityView, actions: EntityView): Environment {
  const { action, context } = request
  const find = ({ type, id }: EntityUid) => lookup(entities, type, id) ?? lookup(actions, type, id)
  const principalEntity = find(request.principal)
  const resourceEntity = find(request.resource)
  return {
    // The uid that is resident: its key has been hashed before.
    principal: principalEntity?.uid ?? request.principal,
    action,
    resource: resourceEntity?.uid ?? request.resource,
    context,
    entities,
    actions,
    principalEntity,
    resourceEntity,
  }
}

/** @throws {EvaluationFailure} */
export type Evaluate = (environment: Environment) => Value
export type Test = (environment: Environment) => boolean

export function findEntity(environment: Environment, uid: EntityUid): Entity | undefined {
  if (uid === environment.resource) return environment.resourceEntity
  if (uid === environment.principal) return environment.principalEntity
  return environment.entities.find(uid.key) ?? environment.actions.find(uid.key)
}

/** Cedar's `in` between two entities: the same, or an ancestor. */
export function isWithin(environment: Environment, uid: EntityUid, ancestorKey: string): boolean {
  return (
    uid.key === ancestorKey ||
    environment.entities.ancestors(uid.key).has(ancestorKey) ||
    environment.actions.ancestors(uid.key).has(ancestorKey)
  )
}
