/**
 * A few local entities over a resident store.
 *
 * @module
 */

import { CedarError } from '../errors.ts'
import { EntityUid } from '../values.ts'
import { ancestorsOf, type Entity, type EntityView, lookup } from './entity.ts'

/** So many are looked through rather than looked up. */
const FEW = 4

export class EntityOverlay implements EntityView {
  readonly #base: EntityView
  readonly #local: ReadonlyMap<string, Entity>
  /** Local ancestor sets, and those of resident entities that have a local one above them. */
  readonly #ancestors = new Map<string, ReadonlySet<string>>()

  /** @throws {CedarError} `entity_cycle` */
  constructor(base: EntityView, local: ReadonlyMap<string, Entity>) {
    this.#base = base
    this.#local = local
    for (const [key, entity] of local) {
      if (this.#closesCycle(key, entity))
        throw new CedarError('entity_cycle', `${entity.uid} would be its own ancestor`)
    }
  }

  /** Most parents have none themselves, so nothing above them leads back; an entity in itself has one. */
  #closesCycle(key: string, { parents }: Entity): boolean {
    const leadsOn = parents.some((parent) => (this.find(parent.key)?.parents.length ?? 0) > 0)
    return leadsOn && this.ancestors(key).has(key)
  }

  find(key: string): Entity | undefined {
    return this.#local.get(key) ?? this.#base.find(key)
  }

  /** Nearly always one or two are local. */
  lookup(type: string, id: string): Entity | undefined {
    if (this.#local.size > FEW) return this.find(new EntityUid(type, id).key)
    for (const entity of this.#local.values())
      if (entity.uid.id === id && entity.uid.type === type) return entity
    return lookup(this.#base, type, id)
  }

  ancestors(key: string): ReadonlySet<string> {
    const known = this.#ancestors.get(key)
    if (known !== undefined) return known
    if (!this.#local.has(key)) {
      const resident = this.#base.ancestors(key)
      if (!this.#touches(resident)) return resident
    }
    const reached = ancestorsOf(key, (each) => this.find(each))
    this.#ancestors.set(key, reached)
    return reached
  }

  #touches(ancestors: ReadonlySet<string>): boolean {
    for (const key of this.#local.keys()) if (ancestors.has(key)) return true
    return false
  }
}
