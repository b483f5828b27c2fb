/**
 * Which subjects, resources or actions of a store would be allowed. Every candidate is asked as a question of its own,
 * so a listing can never say more than evaluations do; partial evaluation only spares candidates that cannot fit.
 * @module
 */
import { CedarError, predicate, residual } from '@safeconduct/cedar'
import { askEach, askStore, contextOf, viewOf } from './ask.ts'
import type { CompiledStore } from './compile.ts'
import type { StoreAnswer, StoreEntity, StoreQuestion } from './question.ts'

export type StoreSearch =
  | ({ readonly kind: 'subject'; readonly type: string } & Omit<StoreQuestion, 'subject'>)
  | ({ readonly kind: 'resource'; readonly type: string } & Omit<StoreQuestion, 'resource'>)
  | ({ readonly kind: 'action' } & Omit<StoreQuestion, 'action'>)

/** Candidates in the order of their ids (UTF-16 units), and the question about each. */
export interface PreparedSearch {
  readonly candidates: readonly string[]
  /** null: it cannot fit, and was not asked. */
  ask(candidate: string): StoreAnswer | null
}

const EMPTY: PreparedSearch = { candidates: [], ask: () => null }

export function prepareSearch(store: CompiledStore, search: StoreSearch): PreparedSearch {
  switch (search.kind) {
    case 'subject': {
      const { type, kind: _kind, ...rest } = search
      if (!isKnown(store, rest.resource)) return EMPTY
      const ask = askEach(store, rest)
      return {
        candidates: store.ids.get(type) ?? [],
        ask: (id) => ask({ type, id }, rest.resource),
      }
    }
    case 'resource': {
      const { type, kind: _kind, ...rest } = search
      if (!isKnown(store, rest.subject)) return EMPTY
      const fits = filterOf(store, type, rest)
      const ask = askEach(store, rest)
      return {
        candidates: store.ids.get(type) ?? [],
        ask: (id) => (fits(id) ? ask(rest.subject, { type, id }) : null),
      }
    }
    case 'action': {
      const { kind: _kind, ...rest } = search
      if (!isKnown(store, rest.subject) || !isKnown(store, rest.resource)) return EMPTY
      return {
        candidates: actionsFor(store, rest.subject.type, rest.resource.type),
        ask: (name) => askStore(store, { ...rest, action: { name } }),
      }
    }
  }
}

/** What the store has never heard of and the question says nothing about finds nothing. */
function isKnown(store: CompiledStore, { type, id, properties }: StoreEntity): boolean {
  if (properties !== undefined && Object.keys(properties).length > 0) return store.attributes.has(type)
  return store.attributes.has(type) && store.entities.get({ type, id }) !== undefined
}

function actionsFor(store: CompiledStore, subject: string, resource: string): string[] {
  const names: string[] = []
  for (const [name, action] of store.actions) {
    if (action.subjectTypes.has(subject) && action.resourceTypes.has(resource)) names.push(name)
  }
  return names.sort()
}

/** Everything the policies allow satisfies it; where they cannot be turned into a condition, everything does. */
function filterOf(
  store: CompiledStore,
  resourceType: string,
  question: Omit<StoreQuestion, 'resource'>,
): (id: string) => boolean {
  const action = store.actions.get(question.action.name)
  if (action === undefined) return () => false
  try {
    const entities = viewOf(store, question)
    const context = contextOf(question, action, false)
    const { condition } = residual(store.set, {
      principal: question.subject,
      action: action.ref,
      resourceType,
      context,
      entities,
    })
    if (condition.kind === 'never') return () => false
    const fits = predicate(condition)
    return (id) => {
      const key = store.entities.get({ type: resourceType, id })?.uid.key
      // As the question sees it: the subject may be a candidate, too.
      const entity = key === undefined ? undefined : entities.find(key)
      return entity !== undefined && fits(entity, entities)
    }
  } catch (error) {
    if (error instanceof CedarError) return () => true
    throw error
  }
}
