/**
 * Resident entities with ancestor sets that follow every change.
 *
 * What must hold: no entity is its own ancestor; `ancestors` answers for the present graph; a refused change
 * leaves everything as it was. Ancestor sets are computed when first asked for and dropped when something above
 * changes, so a new leaf costs its own parents only.
 *
 * @module
 */

import { CedarError } from '../errors.ts'
import type { EntityRef } from '../names.ts'
import type { CedarSchema } from '../schema/schema.ts'
import { CedarRecord, canonicalKey, type EntityUid } from '../values.ts'
import { ancestorsOf, type Entity, type EntityView, noAncestors } from './entity.ts'
import { type EntityInput, entityFrom, entityInputs, wrappedUid } from './entity-json.ts'
import { EntityOverlay } from './overlay.ts'

export interface EntityStoreOptions {
  /** Entities are read and checked against it, and its actions are present with their hierarchy. */
  readonly schema?: CedarSchema
}

export class EntityStore implements EntityView {
  readonly schema: CedarSchema | undefined
  readonly #entities = new Map<string, Entity>()
  /** The same entities by type and id. */
  readonly #types = new Map<string, Map<string, Entity>>()
  /** Children by parent key; parents need not exist. */
  readonly #children = new Map<string, Set<string>>()
  readonly #ancestors = new Map<string, ReadonlySet<string>>()
  #revision = 0

  constructor(options: EntityStoreOptions = {}) {
    this.schema = options.schema
    for (const action of options.schema?.actions.values() ?? []) this.#put(action.entity)
  }

  /**
   * A store of the given entities, or of a JSON text of them.
   *
   * @throws {CedarError} `entity_duplicate` when one uid has two different entities, `entity_cycle`, and what
   * `upsert` throws
   */
  static from(entities: Iterable<EntityInput> | string, options: EntityStoreOptions = {}): EntityStore {
    const store = new EntityStore(options)
    const inputs = typeof entities === 'string' ? entityInputs(entities) : entities
    const added = new Map<string, Entity>()
    for (const input of inputs) {
      const entity = entityFrom(input, store.schema)
      if (refusedDuplicate(added.get(entity.uid.key), entity)) throw duplicate(entity.uid)
      added.set(entity.uid.key, entity)
      store.#replace(entity)
    }
    return store
  }

  get size(): number {
    return this.#entities.size
  }

  /** Grows with every change. */
  get revision(): number {
    return this.#revision
  }

  /**
   * Adds the entity or replaces the one of the same uid.
   *
   * @throws {CedarError} `entity_cycle` when it would become its own ancestor, `entity_invalid`, `value_invalid`
   */
  upsert(input: EntityInput): void {
    this.#replace(entityFrom(input, this.schema))
  }

  /** Its children keep naming it as parent and are in it, but no longer in what it was in. True if it was there. */
  remove(ref: EntityRef): boolean {
    const uid = wrappedUid(ref)
    const entity = this.#entities.get(uid.key)
    if (entity === undefined) return false
    this.#unlink(entity)
    this.#entities.delete(uid.key)
    this.#types.get(uid.type)?.delete(uid.id)
    this.#invalidate(uid.key)
    this.#revision++
    return true
  }

  get(ref: EntityRef): Entity | undefined {
    return this.#entities.get(wrappedUid(ref).key)
  }

  values(): IterableIterator<Entity> {
    return this.#entities.values()
  }

  /**
   * This store with a few entities of one request on top; a local entity hides the resident one of the same uid.
   * It reads through, so it is meant for one synchronous turn. The cost depends on the local entities only.
   *
   * @throws {CedarError} `entity_duplicate`, `entity_cycle`, and what `upsert` throws
   */
  snapshot(local: Iterable<EntityInput> = []): EntityView {
    return new EntityOverlay(this, readAll(local, this.schema))
  }

  find(key: string): Entity | undefined {
    return this.#entities.get(key)
  }

  lookup(type: string, id: string): Entity | undefined {
    return this.#types.get(type)?.get(id)
  }

  ancestors(key: string): ReadonlySet<string> {
    const known = this.#ancestors.get(key)
    if (known !== undefined) return known
    if (!this.#entities.has(key)) return noAncestors
    const reached = ancestorsOf(key, (ancestor) => this.#entities.get(ancestor))
    this.#ancestors.set(key, reached)
    return reached
  }

  #replace(entity: Entity): void {
    const { key } = entity.uid
    if (this.#closesCycle(entity))
      throw new CedarError('entity_cycle', `${entity.uid} would be its own ancestor`)
    const old = this.#entities.get(key)
    if (old !== undefined) this.#unlink(old)
    this.#put(entity)
    if (old === undefined || !sameParents(old, entity)) this.#invalidate(key)
    this.#revision++
  }

  #put(entity: Entity): void {
    const { key, type, id } = entity.uid
    this.#entities.set(key, entity)
    const ofType = this.#types.get(type)
    if (ofType === undefined) this.#types.set(type, new Map([[id, entity]]))
    else ofType.set(id, entity)
    for (const parent of entity.parents) {
      const children = this.#children.get(parent.key)
      if (children === undefined) this.#children.set(parent.key, new Set([key]))
      else children.add(key)
    }
  }

  #unlink(entity: Entity): void {
    for (const parent of entity.parents) {
      const children = this.#children.get(parent.key)
      children?.delete(entity.uid.key)
      if (children?.size === 0) this.#children.delete(parent.key)
    }
  }

  /** A cycle needs someone below the entity, or the entity itself among its parents. */
  #closesCycle(entity: Entity): boolean {
    const { key } = entity.uid
    if (entity.parents.some((parent) => parent.key === key)) return true
    if (!this.#children.has(key)) return false
    return ancestorsOf(key, (other) => (other === key ? entity : this.#entities.get(other))).has(key)
  }

  /** Drops the ancestor sets of the entity and of everything below it. */
  #invalidate(key: string): void {
    const affected = new Set([key])
    for (const each of affected) {
      this.#ancestors.delete(each)
      for (const child of this.#children.get(each) ?? []) affected.add(child)
    }
  }
}

function readAll(inputs: Iterable<EntityInput>, schema: CedarSchema | undefined): Map<string, Entity> {
  const entities = new Map<string, Entity>()
  for (const input of inputs) {
    const entity = entityFrom(input, schema)
    if (refusedDuplicate(entities.get(entity.uid.key), entity)) throw duplicate(entity.uid)
    entities.set(entity.uid.key, entity)
  }
  return entities
}

/** As in Cedar, the same entity twice is no conflict. */
function refusedDuplicate(a: Entity | undefined, b: Entity): boolean {
  return a !== undefined && (contentKey(a) !== contentKey(b) || !sameParents(a, b))
}

function contentKey(entity: Entity): string {
  return canonicalKey(new CedarRecord(entity.attributes)) + canonicalKey(new CedarRecord(entity.tags))
}

function sameParents(a: Entity, b: Entity): boolean {
  const keys = new Set(a.parents.map((parent) => parent.key))
  return (
    keys.size === new Set(b.parents.map((parent) => parent.key)).size &&
    b.parents.every((p) => keys.has(p.key))
  )
}

function duplicate(uid: EntityUid): CedarError {
  return new CedarError('entity_duplicate', `${uid} is given twice and differs`)
}
