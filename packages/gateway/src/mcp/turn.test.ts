import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { httpServer, identity } from '../testing/world.ts'
import { capabilitiesFor, envelopeCapabilities, mayAsk, principalKey, serverCapabilities } from './turn.ts'

const server = httpServer('market', 'https://market.example')
const turn = (
  capabilities: Record<string, Record<string, object>>,
  revision: '2025-06-18' | '2025-11-25' | '2026-07-28' = '2025-11-25',
) => ({
  revision,
  capabilities: JSON.parse(JSON.stringify(capabilities)),
  server,
})

describe('whether a client may be asked', () => {
  for (const [method, params, capabilities, sampling, expected] of [
    ['elicitation/create', null, { elicitation: {} }, [], true],
    ['elicitation/create', null, {}, [], false],
    ['elicitation/create', { mode: 'url' }, { elicitation: {} }, [], false],
    ['elicitation/create', { mode: 'url' }, { elicitation: { url: {} } }, [], true],
    ['roots/list', null, { roots: {} }, [], true],
    ['sampling/createMessage', null, { sampling: {} }, [], false],
    ['sampling/createMessage', null, { sampling: {} }, ['other'], false],
    ['sampling/createMessage', null, { sampling: {} }, ['market'], true],
    ['sampling/createMessage', null, {}, ['market'], false],
    ['tools/call', null, { tools: {} }, [], false],
    ['notifications/message', null, {}, [], false],
    ['constructor', null, { constructor: {} }, [], false],
  ] as const) {
    it(`${method} ${JSON.stringify({ params, capabilities, sampling })}: ${expected}`, () => {
      assert.equal(mayAsk(method, params, turn(capabilities), sampling), expected)
    })
  }
  it('knows no pages to open on the oldest revision', () => {
    assert.equal(
      mayAsk('elicitation/create', { mode: 'url' }, turn({ elicitation: { url: {} } }, '2025-06-18'), []),
      false,
    )
  })
})

describe('capabilities', () => {
  const declared = { sampling: {}, elicitation: { form: {} }, roots: {}, experimental: {}, tasks: {} }
  it('told to a server on a session are those of the table', () => {
    assert.deepEqual(capabilitiesFor(server, declared, []), { elicitation: { form: {} }, roots: {} })
    assert.ok('sampling' in capabilitiesFor(server, declared, ['market']))
  })
  it('told in an envelope are the client’s own without what is off', () => {
    const extensions = { 'io.modelcontextprotocol/tasks': {}, 'example/x': {} }
    assert.deepEqual(envelopeCapabilities(server, { ...declared, extensions }, []), {
      elicitation: { form: {} },
      roots: {},
      experimental: {},
      extensions: { 'example/x': {} },
    })
    assert.ok('sampling' in envelopeCapabilities(server, declared, ['market']))
  })
  it('of a server are those whose methods are served', () => {
    assert.deepEqual(
      serverCapabilities({ tools: { listChanged: true }, tasks: {}, extensions: {}, logging: 'yes' }),
      {
        tools: { listChanged: true },
      },
    )
  })
})

it('keeps principals apart, whatever their ids hold', () => {
  const keys = [
    identity(),
    identity({ user: null }),
    identity({ user: 'user-2' }),
    identity({ agent: 'agent-2' }),
    identity({ clientId: 'other' }),
    identity({ via: ['agent-9'] }),
    identity({ tenant: 'acme","agent-1' }),
  ].map(principalKey)
  assert.equal(new Set(keys).size, keys.length)
  assert.equal(principalKey(identity({ id: 'new token', task: 'task-2' })), principalKey(identity()))
})
