/**
 * Entities as evaluation sees them, whoever holds them.
 *
 * @module
 */

import { EntityUid, type Value } from '../values.ts'

export interface Entity {
  readonly uid: EntityUid
  readonly attributes: ReadonlyMap<string, Value>
  readonly tags: ReadonlyMap<string, Value>
  readonly parents: readonly EntityUid[]
}

/** Read access by `EntityUid.key`. The answers stay the same during one synchronous evaluation. */
export interface EntityView {
  find(key: string): Entity | undefined
  /** The same by type and id, where that is cheaper than to build a key; `find` serves when it is missing. */
  lookup?(type: string, id: string): Entity | undefined
  /** Keys of all ancestors of the entity, itself excluded unless it is one. Empty for unknown entities. */
  ancestors(key: string): ReadonlySet<string>
}

export const noAncestors: ReadonlySet<string> = new Set()

export const noEntities: EntityView = {
  find: () => undefined,
  lookup: () => undefined,
  ancestors: () => noAncestors,
}

/** All keys reached over parents, breadth first; parents that are not entities count but lead nowhere. */
export function ancestorsOf(key: string, find: (key: string) => Entity | undefined): ReadonlySet<string> {
  const parents = find(key)?.parents
  if (parents === undefined || parents.length === 0) return noAncestors
  const reached = new Set(parents.map((parent) => parent.key))
  // A set visits what is added while it is walked.
  for (const ancestor of reached) {
    for (const parent of find(ancestor)?.parents ?? []) reached.add(parent.key)
  }
  return reached
}

export function lookup(view: EntityView, type: string, id: string): Entity | undefined {
  return view.lookup === undefined ? view.find(new EntityUid(type, id).key) : view.lookup(type, id)
}
