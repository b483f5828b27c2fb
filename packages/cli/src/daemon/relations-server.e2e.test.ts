import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readConfig } from '@safeconduct/protocol'
import { openRelationsServer } from './relations-server.ts'

const open = (more: Readonly<Record<string, string>>, told: string[] = []) =>
  openRelationsServer(
    readConfig({ SAFECONDUCT_DATA: '/nowhere', ...more }),
    () => 5,
    (text) => told.push(text),
  )

test('relations live here unless the configuration names a server, wholly', () => {
  assert.equal(open({}), null)
  assert.throws(() => open({ SAFECONDUCT_RELATIONS: 'openfga' }), { code: 'invalid_request' })
  const url = { SAFECONDUCT_RELATIONS_URL: 'https://relations.example' }
  assert.throws(() => open({ SAFECONDUCT_RELATIONS: 'openfga', ...url }), { code: 'invalid_request' })
  assert.throws(() => open({ SAFECONDUCT_RELATIONS: 'other' }), { code: 'invalid_request' })
})

test('a server that is not there leaves facts missing, and says so', async () => {
  const told: string[] = []
  const settings = {
    SAFECONDUCT_RELATIONS: 'openfga',
    SAFECONDUCT_RELATIONS_URL: 'http://127.0.0.1:1/',
    SAFECONDUCT_RELATIONS_STORE: '01ARZ3NDEKTSV4RRFFQ69G5FAV',
    SAFECONDUCT_RELATIONS_TOKEN: 'do-not-tell',
  }
  const server = open(settings, told)
  assert.ok(server !== null)
  try {
    const facts = await server.fetch('t', [{ user: 'user:a', relation: 'viewer', object: 'document:b' }])
    assert.equal(facts.revision, 'openfga-unavailable')
    assert.throws(() => facts.check('user:a', 'viewer', 'document:b'))
    assert.equal(told.length, 1)
    assert.equal(told.join('').includes('do-not-tell'), false)
  } finally {
    await server.close()
  }
})
