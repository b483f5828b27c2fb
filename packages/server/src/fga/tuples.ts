/**
 * Writing, reading and following tuples.
 * @module
 */
import type { RelationStore, Tuple } from '@safeconduct/relations'
import { FgaError, invalid } from './errors.ts'
import { type FgaRow, ok, row } from './row.ts'
import { spaceOf } from './stores.ts'
import {
  changesQuery,
  fromTuple,
  instant,
  readSchema,
  readToken,
  toTuple,
  writeSchema,
  writeToken,
} from './wire.ts'

const DEFAULT_PAGE = 50

export const tupleRows: readonly FgaRow[] = [
  row({
    method: 'POST',
    path: '/fga/stores/:store/write',
    scope: 'relations:write',
    summary: 'Writes and deletes tuples, all or nothing.',
    body: writeSchema,
    handle: async ({ service, tenant, params, body, by }) => {
      const { record } = spaceOf(service, tenant, params.store)
      const { writes, deletes, authorization_model_id: model } = body
      if (writes == null && deletes == null)
        throw new FgaError(400, 'invalid_write_input', 'There is nothing to write and nothing to delete.')
      const options = {
        onDuplicate: writes?.on_duplicate ?? 'error',
        onMissing: deletes?.on_missing ?? 'error',
        ...(model == null || model === '' ? {} : { model }),
      } as const
      const request = {
        writes: (writes?.tuple_keys ?? []).map(toTuple),
        deletes: deletes?.tuple_keys ?? [],
        options,
      }
      await service.write(tenant, record.id, request, by)
      return ok({})
    },
  }),
  row({
    method: 'POST',
    path: '/fga/stores/:store/read',
    scope: 'relations:read',
    summary: 'Tuples as stored, by object, relation and user.',
    body: readSchema,
    handle: async ({ service, tenant, params, body }) => {
      const { record, graph } = spaceOf(service, tenant, params.store)
      const { tuples, cursor } = readPage(graph, body)
      const at = await service.writtenAt(tenant, record.id, tuples)
      return ok({
        tuples: tuples.map((tuple, i) => ({ key: fromTuple(tuple), timestamp: instant(at[i] ?? 0) })),
        continuation_token: cursor ?? '',
      })
    },
  }),
  row({
    method: 'GET',
    path: '/fga/stores/:store/changes',
    scope: 'relations:read',
    summary: 'What was written and deleted, oldest first; the token goes on where this page ended.',
    query: changesQuery,
    handle: async ({ service, tenant, params, query }) => {
      const { record } = spaceOf(service, tenant, params.store)
      const { type, start_time: since, continuation_token: token } = query
      const here = `changes ${record.id} `
      const of = `${here}${type ?? ''}`
      let after = 0
      try {
        after = token ? Number(readToken(token, of)) : 0
      } catch (error) {
        if (token && isOfOtherType(token, here))
          throw new FgaError(
            400,
            'query_string_type_continuation_token_mismatch',
            'The type in the querystring and the continuation token do not match.',
          )
        throw error
      }
      const changes = await service.changes(tenant, record.id, {
        after,
        limit: query.page_size ?? DEFAULT_PAGE,
        ...(type === undefined || type === '' ? {} : { type }),
        ...(since === undefined || token ? {} : { since: Date.parse(since) }),
      })
      return ok({
        changes: changes.map(({ tuple, operation, at }) => ({
          tuple_key: fromTuple(tuple),
          operation: operation === 'write' ? 'TUPLE_OPERATION_WRITE' : 'TUPLE_OPERATION_DELETE',
          timestamp: instant(at),
        })),
        continuation_token: writeToken(of, changes.at(-1)?.seq ?? after),
      })
    },
  }),
]

function isOfOtherType(token: string, here: string): boolean {
  return Buffer.from(token, 'base64url').toString('utf8').startsWith(`["${here}`)
}

interface Asked {
  readonly tuple_key?: ReadKey | null | undefined
  readonly page_size?: number | null | undefined
  readonly continuation_token?: string | null | undefined
}
interface ReadKey {
  readonly object?: string | null | undefined
  readonly relation?: string | null | undefined
  readonly user?: string | null | undefined
}

/** `document:` stands for every object of a type and then needs a user, as in OpenFGA. */
function readPage(
  graph: RelationStore,
  asked: Asked,
): { tuples: readonly Tuple[]; cursor: string | undefined } {
  const given = (text: string | null | undefined) => (text == null || text === '' ? undefined : text)
  const [object, relation, user] = [
    given(asked.tuple_key?.object),
    given(asked.tuple_key?.relation),
    given(asked.tuple_key?.user),
  ]
  const type = object?.endsWith(':') === true ? object : undefined
  if (type !== undefined && user === undefined)
    throw invalid('The user must be given when the object is only a type.')
  if (object === undefined && (relation !== undefined || user !== undefined))
    throw invalid('The object must be given: as type:id, or as type: together with a user.')
  const filter = {
    ...(object === undefined || type !== undefined ? {} : { object }),
    ...(type === undefined ? {} : { type: type.slice(0, -1) }),
    ...(relation === undefined ? {} : { relation }),
    ...(user === undefined ? {} : { user }),
  }
  const cursor = given(asked.continuation_token)
  const page = graph.read(filter, {
    pageSize: asked.page_size ?? DEFAULT_PAGE,
    ...(cursor === undefined ? {} : { cursor }),
  })
  return { tuples: page.tuples, cursor: page.cursor }
}
