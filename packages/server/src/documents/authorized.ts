/**
 * Which documents an errand may use: those open to the user and to every agent on the way, asked of the relations that
 * policies ask. For one document all of them are asked in one turn, so what is returned was permitted to all at one
 * revision. What cannot be decided is left out.
 * @module
 */

import type { JsonObject } from '@safeconduct/protocol'
import type { CheckRequest, RelationStore } from '@safeconduct/relations'
import { pacer } from '../http/pace.ts'
import type { Parties } from './errand.ts'

export interface Wanted {
  readonly type: string
  readonly relation: string
  /** Values of condition parameters. */
  readonly context?: JsonObject | undefined
}

const MAX_PAGE = 1000

/** Whom tuples name: the user, and every agent. */
export function subjectsOf({ user, agents }: Parties): string[] {
  return [...(user === null ? [] : [`user:${user}`]), ...agents.map((agent) => `agent:${agent}`)]
}

/** Ids as `type:id` or the id alone; an id that is neither names nothing. */
export function objectOf(type: string, id: string): string {
  return id.startsWith(`${type}:`) ? id : `${type}:${id}`
}

function covers(prefixes: readonly string[] | null, object: string): boolean {
  return prefixes === null || prefixes.some((prefix) => object.startsWith(prefix))
}

/** Whether one document is open to all. Never throws: what cannot be decided is closed. */
export function isOpenToAll(
  graph: RelationStore,
  parties: Parties,
  { relation, context }: Wanted,
  object: string,
): boolean {
  if (!covers(parties.prefixes, object)) return false
  const circumstances: Pick<CheckRequest, 'context'> = context === undefined ? {} : { context }
  try {
    const subjects = subjectsOf(parties)
    return subjects.every((user) => graph.check({ user, relation, object, ...circumstances }).allowed)
  } catch {
    return false
  }
}

/** Keeps the order, and the ids as they were given. */
export async function filterIds(
  graph: RelationStore,
  parties: Parties,
  wanted: Wanted,
  ids: readonly string[],
): Promise<string[]> {
  const kept: string[] = []
  const rest = pacer()
  for (const id of ids) {
    await rest.due()
    if (isOpenToAll(graph, parties, wanted, objectOf(wanted.type, id))) kept.push(id)
  }
  return kept
}

/**
 * One page of everything: what the first of them may see, without what is closed to another. A page may hold less than
 * it was asked for; without a cursor it was the last.
 * @throws RelationsError for a cursor of another question
 */
export async function authorizedPage(
  graph: RelationStore,
  parties: Parties,
  wanted: Wanted,
  page: { readonly limit: number; readonly cursor?: string | undefined; readonly signal: AbortSignal },
): Promise<{ ids: string[]; cursor: string | null }> {
  const [first] = subjectsOf(parties)
  if (first === undefined) return { ids: [], cursor: null }
  const found = await graph.listObjects({
    type: wanted.type,
    relation: wanted.relation,
    user: first,
    pageSize: Math.min(page.limit, MAX_PAGE),
    signal: page.signal,
    ...(wanted.context === undefined ? {} : { context: wanted.context }),
    ...(page.cursor === undefined ? {} : { cursor: page.cursor }),
  })
  return { ids: await filterIds(graph, parties, wanted, found.results), cursor: found.cursor ?? null }
}
