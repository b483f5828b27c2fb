/**
 * OpenFGA's own client, unchanged, against `/fga`.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import {
  ConsistencyPreference,
  CredentialsMethod,
  type FgaApiError,
  OpenFgaClient,
  type WriteAuthorizationModelRequest,
} from '@openfga/sdk'
import { modelToJson } from '@safeconduct/relations'
import { openWorld, SECRETS, type World } from './world.ts'

const MODEL = `model
  schema 1.1
type user
type group
  relations
    define member: [user, group#member]
type folder
  relations
    define viewer: [user, user:*, group#member]
type document
  relations
    define blocked: [user]
    define parent: [folder]
    define editor: [user, user with hours]
    define viewer: ([user, group#member] or editor or viewer from parent) but not blocked
condition hours(now: timestamp, end: timestamp) {
  now < end
}
`
const definition = modelToJson(MODEL) as unknown as WriteAuthorizationModelRequest

let world: World
let client: OpenFgaClient
let store = ''
let model = ''

function clientWith(token: string, more: { storeId?: string; authorizationModelId?: string } = {}) {
  return new OpenFgaClient({
    apiUrl: `${world.url}/fga`,
    credentials: { method: CredentialsMethod.ApiToken, config: { token } },
    retryParams: { maxRetry: 1, minWaitInMs: 1 },
    ...more,
  })
}

async function refusal(work: Promise<unknown>): Promise<string> {
  try {
    await work
  } catch (thrown) {
    const error = thrown as FgaApiError & { apiErrorCode?: string }
    return `${error.statusCode} ${error.apiErrorCode}`
  }
  return 'taken'
}

const viewer = (user: string, object: string) => ({ user, relation: 'viewer', object })

before(async () => {
  world = await openWorld()
  const made = await clientWith(SECRETS.writer).createStore({ name: 'documents' })
  store = made.id
  client = clientWith(SECRETS.writer, { storeId: store })
  model = (await client.writeAuthorizationModel(definition)).authorization_model_id
  await client.write({
    writes: [
      { user: 'user:anne', relation: 'member', object: 'group:desk' },
      { user: 'group:desk#member', relation: 'viewer', object: 'folder:q3' },
      { user: 'folder:q3', relation: 'parent', object: 'document:plan' },
      { user: 'folder:q3', relation: 'parent', object: 'document:fees' },
      { user: 'user:anne', relation: 'blocked', object: 'document:fees' },
      {
        user: 'user:bob',
        relation: 'editor',
        object: 'document:plan',
        condition: { name: 'hours', context: { end: '2026-01-01T00:00:00Z' } },
      },
    ],
  })
})

after(async () => {
  await world.close()
  assert.deepEqual(world.errors, [])
})

describe('the client of OpenFGA', () => {
  it('makes, lists, reads and deletes stores', async () => {
    const { id, name } = await client.createStore({ name: 'second' })
    assert.equal(name, 'second')
    assert.equal((await client.getStore({ storeId: id })).name, 'second')
    const page = await client.listStores({ pageSize: 1 })
    assert.deepEqual(
      page.stores.map((one) => one.id),
      [store],
    )
    const next = await client.listStores({ pageSize: 1, continuationToken: page.continuation_token })
    assert.deepEqual([next.stores.map((one) => one.id), next.continuation_token], [[id], ''])
    assert.equal((await client.listStores({ name: 'second' })).stores.length, 1)
    await client.deleteStore({ storeId: id })
    assert.equal(await refusal(client.getStore({ storeId: id })), '404 store_id_not_found')
    assert.equal(
      await refusal(client.check(viewer('user:anne', 'document:plan'), { storeId: id })),
      '404 store_id_not_found',
    )
  })

  it('writes, reads and lists models, and gets back what it wrote', async () => {
    const { authorization_model } = await client.readAuthorizationModel({ authorizationModelId: model })
    assert.deepEqual(authorization_model, { id: model, ...definition })
    const { id, ...same } = authorization_model ?? { id: '' }
    const second = await client.writeAuthorizationModel(same as WriteAuthorizationModelRequest)
    assert.notEqual(second.authorization_model_id, id)
    const latest = await client.readLatestAuthorizationModel()
    assert.equal(latest.authorization_model?.id, second.authorization_model_id)
    const { authorization_models: listed, continuation_token: token } = await client.readAuthorizationModels({
      pageSize: 1,
    })
    assert.equal(listed[0]?.id, second.authorization_model_id)
    const rest = await client.readAuthorizationModels({ pageSize: 1, continuationToken: token ?? '' })
    assert.equal(rest.authorization_models[0]?.id, model)
    const broken = { schema_version: '1.1', type_definitions: [{ type: 'a', relations: { b: {} } }] }
    assert.equal(await refusal(client.writeAuthorizationModel(broken)), '400 invalid_authorization_model')
    const unknown = '01ARZ3NDEKTSV4RRFFQ69G5FAV'
    assert.equal(
      await refusal(client.check(viewer('user:anne', 'document:plan'), { authorizationModelId: unknown })),
      '400 authorization_model_not_found',
    )
  })

  it('checks, with context, contextual tuples and a wish for consistency', async () => {
    const allowed = async (...asked: Parameters<typeof client.check>) =>
      (await client.check(...asked)).allowed
    assert.equal(await allowed(viewer('user:anne', 'document:plan')), true)
    assert.equal(await allowed(viewer('user:anne', 'document:fees')), false)
    assert.equal(
      await allowed(viewer('user:anne', 'document:plan'), {
        consistency: ConsistencyPreference.HigherConsistency,
        authorizationModelId: model,
      }),
      true,
    )
    const bob = viewer('user:bob', 'document:plan')
    assert.equal(await allowed({ ...bob, context: { now: '2025-06-01T00:00:00Z' } }), true)
    assert.equal(await allowed({ ...bob, context: { now: '2026-06-01T00:00:00Z' } }), false)
    assert.equal(await refusal(client.check(bob)), '400 validation_error')
    const more = [{ user: 'user:bob', relation: 'viewer', object: 'document:new' }]
    assert.equal(await allowed({ ...viewer('user:bob', 'document:new'), contextualTuples: more }), true)
    assert.equal(await allowed(viewer('user:bob', 'document:new')), false)
    assert.equal(
      await refusal(client.check({ user: 'user:bob', relation: 'owner', object: 'document:new' })),
      '400 validation_error',
    )
    assert.equal(await refusal(client.check(viewer('bob', 'document:new'))), '400 validation_error')
  })

  it('checks many at once, each with its own answer or error', async () => {
    const { result } = await client.batchCheck({
      checks: [
        { ...viewer('user:anne', 'document:plan'), correlationId: 'a' },
        { ...viewer('user:anne', 'document:fees'), correlationId: 'b' },
        { user: 'user:anne', relation: 'nothing', object: 'document:fees', correlationId: 'c' },
      ],
    })
    assert.deepEqual(
      result.map(({ correlationId, allowed, error }) => [correlationId, allowed, error?.input_error]).sort(),
      [
        ['a', true, undefined],
        ['b', false, undefined],
        ['c', false, 'validation_error'],
      ],
    )
    const single = await client.clientBatchCheck([viewer('user:anne', 'document:plan')])
    assert.equal(single.result[0]?.allowed, true)
  })

  it('lists objects, at once and as a stream, users and relations, without an end', async () => {
    const many = Array.from({ length: 2500 }, (_, i) => viewer('user:carl', `document:c${i}`))
    for (let from = 0; from < many.length; from += 1250)
      await client.write({ writes: many.slice(from, from + 1250) }, { transaction: { disable: false } })
    const asked = { user: 'user:carl', relation: 'viewer', type: 'document' }
    const { objects } = await client.listObjects(asked)
    assert.deepEqual(objects.sort(), many.map(({ object }) => object).sort())
    const streamed: string[] = []
    for await (const { object } of client.streamedListObjects(asked)) streamed.push(object)
    assert.deepEqual(streamed.sort(), objects)
    assert.equal(await refusal(client.listObjects({ ...asked, type: 'folders' })), '400 type_not_found')
    const { users } = await client.listUsers({
      object: { type: 'folder', id: 'q3' },
      relation: 'viewer',
      user_filters: [{ type: 'user' }],
    })
    assert.deepEqual(users, [{ object: { type: 'user', id: 'anne' } }])
    const groups = await client.listUsers({
      object: { type: 'folder', id: 'q3' },
      relation: 'viewer',
      user_filters: [{ type: 'group', relation: 'member' }],
    })
    assert.deepEqual(groups.users, [{ userset: { type: 'group', id: 'desk', relation: 'member' } }])
    const everybody = await client.listUsers({
      object: { type: 'folder', id: 'open' },
      relation: 'viewer',
      user_filters: [{ type: 'user' }],
      contextualTuples: [{ user: 'user:*', relation: 'viewer', object: 'folder:open' }],
    })
    assert.deepEqual(everybody.users, [{ wildcard: { type: 'user' } }])
    const { relations } = await client.listRelations({
      user: 'user:anne',
      object: 'document:fees',
      relations: ['viewer', 'blocked'],
    })
    assert.deepEqual(relations, ['blocked'])
  })

  it('expands a relation', async () => {
    const { tree } = await client.expand({ relation: 'viewer', object: 'document:plan' })
    const name = 'document:plan#viewer'
    assert.deepEqual(tree, {
      root: {
        name,
        difference: {
          base: {
            name,
            union: {
              nodes: [
                { name, leaf: { users: { users: [] } } },
                { name, leaf: { computed: { userset: 'document:plan#editor' } } },
                {
                  name,
                  leaf: {
                    tupleToUserset: {
                      tupleset: 'document:plan#parent',
                      computed: [{ userset: 'folder:q3#viewer' }],
                    },
                  },
                },
              ],
            },
          },
          subtract: { name, leaf: { computed: { userset: 'document:plan#blocked' } } },
        },
      },
    })
  })

  it('reads tuples by every filter, page by page', async () => {
    const keys = async (...asked: Parameters<typeof client.read>) =>
      (await client.read(...asked)).tuples.map(({ key }) => `${key.object}#${key.relation}@${key.user}`)
    assert.deepEqual(await keys({ object: 'document:fees' }), [
      'document:fees#parent@folder:q3',
      'document:fees#blocked@user:anne',
    ])
    assert.deepEqual(await keys({ object: 'document:', user: 'user:anne' }), [
      'document:fees#blocked@user:anne',
    ])
    assert.deepEqual(await keys({ object: 'document:', user: 'user:anne', relation: 'viewer' }), [])
    assert.equal(await refusal(client.read({ object: 'document:' })), '400 validation_error')
    assert.equal(await refusal(client.read({ user: 'user:anne' })), '400 validation_error')
    const seen: string[] = []
    let token = ''
    do {
      const page = await client.read({}, { pageSize: 100, continuationToken: token })
      seen.push(...page.tuples.map(({ key }) => key.object))
      assert.ok(page.tuples.every(({ timestamp }) => Math.abs(Date.parse(timestamp) - Date.now()) < 600_000))
      token = page.continuation_token
    } while (token !== '')
    assert.equal(seen.length, 2506)
    const { tuples } = await client.read({ user: 'user:bob', relation: 'editor', object: 'document:plan' })
    assert.deepEqual(tuples[0]?.key.condition, { name: 'hours', context: { end: '2026-01-01T00:00:00Z' } })
    const first = await client.read({}, { pageSize: 1 })
    assert.equal(
      await refusal(
        client.read({ object: 'document:plan' }, { continuationToken: first.continuation_token }),
      ),
      '400 invalid_continuation_token',
    )
  })

  it('writes all or nothing, and says what is there already only when asked to', async () => {
    const there = viewer('user:carl', 'document:c1')
    const fresh = viewer('user:dora', 'document:d1')
    assert.equal(
      await refusal(client.write({ writes: [fresh, there] })),
      '400 write_failed_due_to_invalid_input',
    )
    assert.equal((await client.check(fresh)).allowed, false)
    await client.write({ writes: [fresh, there] }, { conflict: { onDuplicateWrites: 'ignore' as never } })
    assert.equal((await client.check(fresh)).allowed, true)
    await client.deleteTuples([fresh])
    assert.equal(await refusal(client.deleteTuples([fresh])), '400 write_failed_due_to_invalid_input')
    await client.deleteTuples([fresh], { conflict: { onMissingDeletes: 'ignore' as never } })
    assert.equal(
      await refusal(client.write({ writes: [viewer('folder:q3', 'document:plan')] })),
      '400 invalid_tuple',
    )
    assert.equal(
      await refusal(client.write({ writes: [viewer('user:a#b@c', 'document:plan')] })),
      '400 invalid_tuple',
    )
  })

  it('follows changes by type, and goes on where it was', async () => {
    const page = await client.readChanges({ type: 'folder' })
    assert.deepEqual(
      page.changes.map(({ operation, tuple_key: { object, user } }) => [operation, object, user]),
      [['TUPLE_OPERATION_WRITE', 'folder:q3', 'group:desk#member']],
    )
    const token = page.continuation_token ?? ''
    assert.deepEqual((await client.readChanges({ type: 'folder' }, { continuationToken: token })).changes, [])
    await client.deleteTuples([{ user: 'group:desk#member', relation: 'viewer', object: 'folder:q3' }])
    const next = await client.readChanges({ type: 'folder' }, { continuationToken: token })
    assert.deepEqual(
      next.changes.map((change) => change.operation),
      ['TUPLE_OPERATION_DELETE'],
    )
    await client.writeTuples([{ user: 'group:desk#member', relation: 'viewer', object: 'folder:q3' }])
    assert.equal(
      await refusal(client.readChanges({ type: 'group' }, { continuationToken: token })),
      '400 query_string_type_continuation_token_mismatch',
    )
    const other = await client.createStore({ name: 'elsewhere' })
    assert.equal(
      await refusal(
        clientWith(SECRETS.writer, { storeId: other.id }).readChanges(
          { type: 'folder' },
          { continuationToken: token },
        ),
      ),
      '400 invalid_continuation_token',
      'positions are those of one store',
    )
    await clientWith(SECRETS.writer, { storeId: other.id }).deleteStore()
    const future = new Date(Date.now() + 3_600_000).toISOString()
    assert.deepEqual((await client.readChanges({ type: '', startTime: future })).changes, [])
  })

  it('keeps assertions beside a model', async () => {
    const authorizationModelId = model
    const assertions = [{ ...viewer('user:anne', 'document:plan'), expectation: true }]
    await client.writeAssertions(assertions, { authorizationModelId })
    const read = await client.readAssertions({ authorizationModelId })
    assert.deepEqual(read.assertions, [
      { tuple_key: viewer('user:anne', 'document:plan'), expectation: true },
    ])
  })

  it('is what policies ask of', () => {
    const facts = world.facts()
    assert.ok(facts !== null)
    assert.equal(facts.check('user:anne', 'viewer', 'document:plan'), true)
    assert.equal(facts.check('user:anne', 'viewer', 'document:fees'), false)
  })
})

describe('whoever asks', () => {
  it('needs a credential and the scope of the row', async () => {
    const read = (token: string) =>
      clientWith(token, { storeId: store }).check(viewer('user:anne', 'document:plan'))
    const write = (token: string) =>
      clientWith(token, { storeId: store }).writeTuples([viewer('user:eve', 'document:plan')])
    const nobody = new OpenFgaClient({
      apiUrl: `${world.url}/fga`,
      storeId: store,
      retryParams: { maxRetry: 1, minWaitInMs: 1 },
    })
    assert.match(await refusal(nobody.check(viewer('user:anne', 'document:plan'))), /^401/)
    assert.match(await refusal(read('sce_unknown')), /^401/)
    assert.match(await refusal(read('ey.not.ours')), /^401/)
    assert.equal(await refusal(read(SECRETS.reader)), 'taken')
    assert.equal(await refusal(write(SECRETS.reader)), '403 forbidden')
    assert.equal(await refusal(read(SECRETS.other)), '403 forbidden')
    assert.equal((await client.check(viewer('user:eve', 'document:plan'))).allowed, false)
  })

  it('learns nothing of the paths there are before it said who it is', async () => {
    const status = async (path: string, method = 'GET') =>
      (await fetch(`${world.url}${path}`, { method })).status
    assert.equal(await status('/fga/stores'), 401)
    assert.equal(await status('/fga/nothing'), 401)
    assert.equal(await status(`/fga/stores/${store}`, 'PATCH'), 401)
  })

  it('cannot smuggle', async () => {
    const send = async (body: string, type = 'application/json', path = 'check') => {
      const response = await fetch(`${world.url}/fga/stores/${store}/${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${SECRETS.writer}`, 'content-type': type },
        body,
      })
      return `${response.status} ${Object(await response.json()).code}`
    }
    const check = JSON.stringify({ tuple_key: viewer('user:anne', 'document:plan') })
    assert.equal(await send(check), '200 undefined')
    assert.equal(await send(check, 'text/plain'), '400 validation_error')
    assert.equal(await send('{"tuple_key":1,"tuple_key":2}'), '400 validation_error')
    assert.equal(await send('{'), '400 validation_error')
    assert.equal(await send(`{"a":"${'x'.repeat(1_100_000)}"}`), '413 exceeded_entity_limit')
    assert.equal(await send(check, 'application/json', '%2e%2e%2fcheck'), '404 undefined_endpoint')
    for (const odd of ['user:a\u0000', 'user:a b', 'user:', ':a', 'user:a:b'])
      assert.equal(
        await send(JSON.stringify({ tuple_key: viewer(odd, 'document:plan') })),
        '400 validation_error',
      )
  })
})
