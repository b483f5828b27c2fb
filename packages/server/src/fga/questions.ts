/**
 * Questions: check, batch check, list objects (at once or as a stream), list users, expand.
 * @module
 */
import { RelationsError } from '@safeconduct/relations'
import { invalid, refusalOf } from './errors.ts'
import type { LiveSpace } from './ports.ts'
import { type FgaRow, ok, row } from './row.ts'
import { spaceOf } from './stores.ts'
import {
  batchSchema,
  checkSchema,
  circumstances,
  expandSchema,
  listObjectsSchema,
  listUsersSchema,
  toTuple,
  treeOf,
  userOf,
} from './wire.ts'

/** Results computed at a time; a listing has as many as there are. */
const PAGE = 1000

/** @throws RelationsError `model_not_found` in OpenFGA's words where there is no model at all */
function asked(space: LiveSpace): LiveSpace {
  if (space.models.length === 0)
    throw new RelationsError('model_not_found', 'No authorization models found for the store.')
  return space
}

async function* objects(
  { graph }: LiveSpace,
  request: Parameters<LiveSpace['graph']['listObjects']>[0],
): AsyncGenerator<string> {
  let cursor: string | undefined
  do {
    const page = await graph.listObjects({
      ...request,
      pageSize: PAGE,
      ...(cursor === undefined ? {} : { cursor }),
    })
    yield* page.results
    cursor = page.cursor
  } while (cursor !== undefined)
}

async function* asLines(found: AsyncIterable<string>): AsyncGenerator<object> {
  for await (const object of found) yield { result: { object } }
}

export const questionRows: readonly FgaRow[] = [
  row({
    method: 'POST',
    path: '/fga/stores/:store/check',
    scope: 'relations:read',
    summary: 'Whether a user has a relation to an object.',
    body: checkSchema,
    handle: async ({ service, tenant, params, body }) => {
      const { graph } = asked(spaceOf(service, tenant, params.store))
      const { allowed } = graph.check({ ...body.tuple_key, ...circumstances(body) })
      return ok({ allowed, resolution: '' })
    },
  }),
  row({
    method: 'POST',
    path: '/fga/stores/:store/batch-check',
    scope: 'relations:read',
    summary: 'Many checks at one revision.',
    body: batchSchema,
    handle: async ({ service, tenant, params, body, signal }) => {
      const { graph } = asked(spaceOf(service, tenant, params.store))
      const ids = body.checks.map((check) => check.correlation_id)
      if (new Set(ids).size !== ids.length) throw invalid('A correlation_id is given twice.')
      const { authorization_model_id } = body
      const answers = await graph.batchCheck(
        body.checks.map((check) => ({
          ...check.tuple_key,
          ...circumstances({ ...check, authorization_model_id }),
        })),
        signal,
      )
      const result = answers.map((answer) => {
        if (!('error' in answer)) return { allowed: answer.allowed }
        const { code, message } = refusalOf(answer.error, () => undefined)
        return { allowed: false, error: { input_error: code, message } }
      })
      return ok({ result: Object.fromEntries(ids.map((id, i) => [id, result[i] ?? { allowed: false }])) })
    },
  }),
  row({
    method: 'POST',
    path: '/fga/stores/:store/list-objects',
    scope: 'relations:read',
    summary: 'Every object of a type that a user has a relation to; there is no limit.',
    body: listObjectsSchema,
    handle: async ({ service, tenant, params, body, signal }) => {
      const space = asked(spaceOf(service, tenant, params.store))
      const { type, relation, user } = body
      const found: string[] = []
      for await (const object of objects(space, { type, relation, user, signal, ...circumstances(body) }))
        found.push(object)
      return ok({ objects: found })
    },
  }),
  row({
    method: 'POST',
    path: '/fga/stores/:store/streamed-list-objects',
    scope: 'relations:read',
    summary: 'The same, one line of JSON for each object, as they are found.',
    body: listObjectsSchema,
    handle: async ({ service, tenant, params, body, signal }) => {
      const space = asked(spaceOf(service, tenant, params.store))
      const { type, relation, user } = body
      const request = { type, relation, user, signal, ...circumstances(body) }
      return { status: 200, lines: asLines(objects(space, request)) }
    },
  }),
  row({
    method: 'POST',
    path: '/fga/stores/:store/list-users',
    scope: 'relations:read',
    summary: 'Every user of a kind that has a relation to an object.',
    body: listUsersSchema,
    handle: async ({ service, tenant, params, body, signal }) => {
      const { graph } = asked(spaceOf(service, tenant, params.store))
      const [filter] = body.user_filters
      if (filter === undefined) throw invalid('user_filters needs one entry.')
      const { contextual_tuples: more, ...rest } = body
      const users: string[] = []
      let cursor: string | undefined
      do {
        const page = await graph.listUsers({
          object: `${body.object.type}:${body.object.id}`,
          relation: body.relation,
          filter: {
            type: filter.type,
            ...(filter.relation == null || filter.relation === '' ? {} : { relation: filter.relation }),
          },
          ...circumstances(rest),
          ...(more == null ? {} : { contextualTuples: more.map(toTuple) }),
          pageSize: PAGE,
          signal,
          ...(cursor === undefined ? {} : { cursor }),
        })
        users.push(...page.results)
        cursor = page.cursor
      } while (cursor !== undefined)
      return ok({ users: users.map(userOf) })
    },
  }),
  row({
    method: 'POST',
    path: '/fga/stores/:store/expand',
    scope: 'relations:read',
    summary: 'The rule of a relation as a tree, one level deep.',
    body: expandSchema,
    handle: async ({ service, tenant, params, body }) => {
      const { graph } = asked(spaceOf(service, tenant, params.store))
      const { object, relation } = body.tuple_key
      const node = graph.expand({ object, relation, ...circumstances(body) })
      return ok({ tree: { root: treeOf(node, `${object}#${relation}`) } })
    },
  }),
]
