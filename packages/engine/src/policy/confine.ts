/**
 * What a question can reach of the resident entities, so that it can be kept with its decision, and the view that lets
 * the same question be asked again later of exactly those.
 * @module
 */
import { type EntityRef as CedarRef, EntityStore, EntityUid, type EntityView } from '@safeconduct/cedar'
import type { EntityRef, PolicyEntity, PolicyValue } from './engine.ts'
import { MAX_REACHED } from './engine.ts'

/** The key under which Cedar finds an entity. */
export function entityKey({ type, id }: CedarRef): string {
  return new EntityUid(type, id).key
}

/** Breadth first over parents and over entities that attributes name. null when they are more than can be kept. */
export function reachedFrom(
  uids: readonly EntityRef[],
  told: ReadonlyMap<string, PolicyEntity>,
): readonly PolicyEntity[] | null {
  const reached = new Map<string, PolicyEntity>()
  const waiting = [...uids]
  // An array visits what is appended while it is walked.
  for (const uid of waiting) {
    const key = entityKey(uid)
    if (reached.has(key)) continue
    if (reached.size >= MAX_REACHED) return null
    const entity = told.get(key) ?? { uid, attrs: {}, parents: [] }
    reached.set(key, entity)
    waiting.push(...entity.parents, ...refsIn(entity.attrs))
  }
  return [...reached.values()]
}

/** Entities that a value names by Cedar's `__entity` escape. */
export function refsIn(value: PolicyValue): EntityRef[] {
  if (typeof value !== 'object') return []
  if (Array.isArray(value)) return value.flatMap(refsIn)
  const named = '__entity' in value ? value.__entity : undefined
  if (isRef(named)) return [named]
  return Object.values(value).flatMap(refsIn)
}

function isRef(value: unknown): value is EntityRef {
  return typeof value === 'object' && value !== null && 'type' in value && 'id' in value
}

export interface WitnessView extends EntityView {
  /** Something was looked for that is not there. */
  readonly missed: boolean
}

/** Entities of one question; notices when an evaluation wants another one. */
export function witness(entities: readonly PolicyEntity[]): WitnessView {
  const store = storeOf(entities)
  let missed = false
  const known = (key: string): boolean => {
    const found = store.find(key) !== undefined
    if (!found) missed = true
    return found
  }
  return {
    find: (key) => (known(key) ? store.find(key) : undefined),
    ancestors: (key) => (known(key) ? store.ancestors(key) : NONE),
    get missed() {
      return missed
    },
  }
}

const NONE: ReadonlySet<string> = new Set()

/** One question is put to more than one policy; its entities are read once. Nothing but time depends on it. */
const stores = new WeakMap<readonly PolicyEntity[], EntityStore>()

function storeOf(entities: readonly PolicyEntity[]): EntityStore {
  const known = stores.get(entities) ?? EntityStore.from(entities)
  stores.set(entities, known)
  return known
}
