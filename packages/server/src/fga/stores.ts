/**
 * Stores, authorization models and assertions.
 * @module
 */
import type { JsonObject, RelationModel, RelationSpace } from '@safeconduct/protocol'
import { SafeconductError } from '@safeconduct/protocol'
import { FgaError } from './errors.ts'
import type { LiveSpace, RelationService } from './ports.ts'
import { type FgaRow, ok, row } from './row.ts'
import {
  assertionsSchema,
  createStoreSchema,
  instant,
  modelSchema,
  modelsQuery,
  readToken,
  storesQuery,
  writeToken,
} from './wire.ts'

const DEFAULT_PAGE = 50

/** @throws FgaError `store_id_not_found` */
export function spaceOf(service: RelationService, tenant: string, id: string | undefined): LiveSpace {
  try {
    return service.space(tenant, id ?? '')
  } catch (error) {
    if (error instanceof SafeconductError && error.code === 'not_found')
      throw new FgaError(404, 'store_id_not_found', 'Store ID not found.')
    throw error
  }
}

/** @throws FgaError `authorization_model_not_found` */
function modelIn({ models }: LiveSpace, id: string | undefined): RelationModel {
  const model = models.find((one) => one.id === id)
  if (model === undefined)
    throw new FgaError(404, 'authorization_model_not_found', 'Authorization model not found.')
  return model
}

const storeOf = ({ id, name, createdAt, updatedAt }: RelationSpace) => ({
  id,
  name,
  created_at: instant(createdAt),
  updated_at: instant(updatedAt),
})
const modelOf = ({ id, definition }: RelationModel) => ({ id, ...definition })

export const storeRows: readonly FgaRow[] = [
  row({
    method: 'GET',
    path: '/fga/stores',
    scope: 'relations:read',
    summary: 'Relation spaces, as OpenFGA stores.',
    query: storesQuery,
    handle: async ({ service, tenant, query }) => {
      const after = query.continuation_token ? readToken(query.continuation_token, 'stores') : ''
      const size = query.page_size ?? DEFAULT_PAGE
      const all = service
        .spaces(tenant)
        .map(({ record }) => record)
        .filter(({ id, name }) => id > String(after) && (query.name === undefined || name === query.name))
      const page = all.slice(0, size)
      const last = all.length > size ? page.at(-1) : undefined
      return ok({
        stores: page.map(storeOf),
        continuation_token: last === undefined ? '' : writeToken('stores', last.id),
      })
    },
  }),
  row({
    method: 'POST',
    path: '/fga/stores',
    scope: 'relations:write',
    summary: 'A new relation space; the first one is what policies ask.',
    body: createStoreSchema,
    handle: async ({ service, tenant, body, by }) =>
      ok(storeOf(await service.create(tenant, body.name, by)), 201),
  }),
  row({
    method: 'GET',
    path: '/fga/stores/:store',
    scope: 'relations:read',
    summary: 'One relation space.',
    handle: async ({ service, tenant, params }) => ok(storeOf(spaceOf(service, tenant, params.store).record)),
  }),
  row({
    method: 'DELETE',
    path: '/fga/stores/:store',
    scope: 'relations:write',
    summary:
      'Removes a relation space with all it holds; not the one that policies ask while there are others.',
    handle: async ({ service, tenant, params, by }) => {
      const { record } = spaceOf(service, tenant, params.store)
      await service.remove(tenant, record.id, by)
      return ok({}, 204)
    },
  }),
  row({
    method: 'GET',
    path: '/fga/stores/:store/authorization-models',
    scope: 'relations:read',
    summary: 'Model versions, newest first.',
    query: modelsQuery,
    handle: async ({ service, tenant, params, query }) => {
      const token = query.continuation_token
      const { record, models } = spaceOf(service, tenant, params.store)
      const of = `models ${record.id}`
      const before = token ? String(readToken(token, of)) : null
      const size = query.page_size ?? DEFAULT_PAGE
      const all = [...models].reverse().filter(({ id }) => before === null || id < before)
      const page = all.slice(0, size)
      const last = all.length > size ? page.at(-1) : undefined
      return ok({
        authorization_models: page.map(modelOf),
        continuation_token: last === undefined ? '' : writeToken(of, last.id),
      })
    },
  }),
  row({
    method: 'POST',
    path: '/fga/stores/:store/authorization-models',
    scope: 'relations:write',
    summary: 'A new model version, which is the newest from then on.',
    body: modelSchema,
    handle: async ({ service, tenant, params, body, by }) => {
      const { record } = spaceOf(service, tenant, params.store)
      // The body was read as JSON: what is in it is JSON.
      const definition = body as JsonObject
      const model = await service.writeModel(tenant, record.id, { definition }, by)
      return ok({ authorization_model_id: model.id }, 201)
    },
  }),
  row({
    method: 'GET',
    path: '/fga/stores/:store/authorization-models/:model',
    scope: 'relations:read',
    summary: 'One model version.',
    handle: async ({ service, tenant, params }) =>
      ok({ authorization_model: modelOf(modelIn(spaceOf(service, tenant, params.store), params.model)) }),
  }),
  row({
    method: 'GET',
    path: '/fga/stores/:store/assertions/:model',
    scope: 'relations:read',
    summary: 'The assertions kept beside a model version.',
    handle: async ({ service, tenant, params }) => {
      const { id, assertions } = modelIn(spaceOf(service, tenant, params.store), params.model)
      return ok({ authorization_model_id: id, assertions })
    },
  }),
  row({
    method: 'PUT',
    path: '/fga/stores/:store/assertions/:model',
    scope: 'relations:write',
    summary: 'Replaces the assertions kept beside a model version.',
    body: assertionsSchema,
    handle: async ({ service, tenant, params, body }) => {
      const space = spaceOf(service, tenant, params.store)
      const { id } = modelIn(space, params.model)
      const assertions: JsonObject[] = JSON.parse(JSON.stringify(body.assertions))
      await service.putAssertions(tenant, space.record.id, id, assertions)
      return ok({}, 204)
    },
  }),
]
