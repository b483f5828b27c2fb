import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isSafeconductError, type JsonObject, type JsonValue } from '@safeconduct/protocol'
import fc from 'fast-check'
import { compileValue } from './expression.ts'
import { mappedQuestions, readMapping } from './mapping.ts'
import { defaultMapping, messageOf, methodRow, methodsFor, operationOf, type TokenClaims } from './methods.ts'

const TOKEN: TokenClaims = {
  sub: 'ann',
  client_id: 'agent-1',
  aud: 'https://gate.example/mcp/crm',
  scope: 'a b',
}
const PARAMS = { name: 'pay', arguments: { to: 'bob', amount: 5, tags: ['x'], nested: { deep: true } } }
const MESSAGE = { method: 'tools/call', params: PARAMS }

const tool = (mapping: JsonValue): JsonObject => ({
  name: 'pay',
  inputSchema: { type: 'object', 'x-authzen-mapping': mapping },
})

function refused(work: () => unknown): void {
  assert.throws(work, (error) => isSafeconductError(error) && error.code === 'invalid_params')
}

describe('the default mapping', () => {
  it('names a tool, a resource, a prompt, or the server', () => {
    const resource = (method: string, params: JsonObject) =>
      defaultMapping({ method, params }, TOKEN)?.resource
    assert.deepEqual(defaultMapping(MESSAGE, TOKEN), {
      subject: { type: 'identity', id: 'ann' },
      action: { name: 'tools/call' },
      resource: { type: 'tool', id: 'pay' },
      context: { agent: 'agent-1' },
    })
    assert.deepEqual(resource('resources/read', { uri: 'file:///x' }), { type: 'resource', id: 'file:///x' })
    assert.deepEqual(resource('prompts/get', { name: 'p' }), { type: 'prompt', id: 'p' })
    for (const method of [
      'initialize',
      'tools/list',
      'resources/list',
      'prompts/list',
      'ping',
      'notifications/x',
    ])
      assert.deepEqual(resource(method, {}), { type: 'mcp_server', id: TOKEN.aud }, method)
  })

  it('has no question for methods and names that are none', () => {
    for (const method of ['tools/erase', 'constructor', '__proto__', ''])
      assert.equal(defaultMapping({ method, params: {} }, TOKEN), null)
    for (const params of [{}, { name: '' }, { name: 7 }, { name: null }])
      assert.equal(defaultMapping({ method: 'tools/call', params }, TOKEN), null)
    assert.equal(operationOf({ method: 'tools/call', params: { name: 'x', arguments: [] } }), null)
  })

  it('leads back to the message it was made of', () => {
    for (const method of ['tool', 'resource', 'prompt', 'mcp_server'].flatMap(methodsFor)) {
      const member = methodRow(method)?.member
      const message = { method, params: member === undefined ? {} : { [member]: 'x' } }
      const question = defaultMapping(message, TOKEN)
      assert.ok(question !== null)
      assert.deepEqual(messageOf(question), message)
    }
    assert.equal(messageOf({ action: { name: 'tools/call' }, resource: { type: 'prompt', id: 'x' } }), null)
  })
})

describe('values of a mapping', () => {
  const resolve = (value: JsonValue) => compileValue(value)({ params: PARAMS, token: TOKEN })

  it('are expressions behind a `$`, text otherwise', () => {
    assert.equal(resolve('$params.arguments.to'), 'bob')
    assert.equal(resolve('$token.sub + "@" + params.name'), 'ann@pay')
    assert.equal(resolve('plain'), 'plain')
    assert.equal(resolve('$$5'), '$5')
    assert.deepEqual(
      resolve({ a: ['$params.arguments.amount', true, null], b: { c: '$params.arguments.nested' } }),
      {
        a: [5, true, null],
        b: { c: { deep: true } },
      },
    )
  })

  it('leave out what is optional and not there', () => {
    assert.deepEqual(resolve({ agent: '$token.?client_id', act: '$token.?act' }), { agent: 'agent-1' })
  })

  it('are refused when they loop, match patterns, are large, or fail', () => {
    for (const value of [
      '$params.arguments.tags.all(x, x == "x")',
      '$params.arguments.tags.map(x, x)',
      '$params.arguments.tags.exists(x, params.arguments.tags.exists(y, x == y))',
      '$params.name.matches("(a+)+$")',
      '$cel.bind(a, params.arguments.tags + params.arguments.tags, cel.bind(b, a + a, size(b)))',
      '$size(params.name.split(""))',
      '$matches(params.name, "a")',
      `$${'1 + '.repeat(200)}1`,
      `$"${'x'.repeat(2000)}"`,
      '$params.(',
      '$unknown.name',
      '$params.nothing.there',
      { a: Array.from({ length: 65 }, () => '$token.sub') },
      JSON.parse(`${'{"a":'.repeat(20)}1${'}'.repeat(20)}`),
    ] as JsonValue[])
      refused(() => resolve(value))
  })

  it('are JSON or refused, whatever the arguments are', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        // As it comes over the wire: JSON text knows no minus zero.
        const params: JsonObject = { value: JSON.parse(JSON.stringify(value)) }
        try {
          const made = compileValue('$params.value')({ params, token: TOKEN })
          assert.deepEqual(JSON.parse(JSON.stringify(made ?? null)), made ?? null)
        } catch (error) {
          assert.ok(isSafeconductError(error), String(error))
        }
      }),
    )
  })
})

describe('the mapping of a tool', () => {
  const questions = (mapping: JsonValue) => mappedQuestions(readMapping(tool(mapping)), MESSAGE, TOKEN)

  it('makes one question, filled up from the default', () => {
    assert.equal(readMapping({ name: 'pay', inputSchema: {} }), null)
    const [only, ...more] = questions({
      evaluation: { resource: { type: 'account', id: '$params.arguments.to' } },
    })
    assert.deepEqual(more, [])
    assert.deepEqual(only?.resource, { type: 'account', id: 'bob' })
    assert.deepEqual(only?.subject, { type: 'identity', id: 'ann' })
  })

  it('makes several, whose members replace the shared ones', () => {
    const made = questions({
      evaluations: {
        action: { name: 'pay' },
        evaluations: [
          { resource: { type: 'account', id: '$params.arguments.to' } },
          { action: { name: 'see' } },
        ],
      },
    })
    assert.deepEqual(
      made.map(({ action, resource }) => [action.name, resource.id]),
      [
        ['pay', 'bob'],
        ['see', 'pay'],
      ],
    )
  })

  it('names no other subject than the token, and is refused when it is none', () => {
    for (const mapping of [
      { evaluation: { subject: { type: 'identity', id: 'root' } } },
      { evaluation: { subject: { type: 'identity', id: '$params.arguments.to' } } },
      { evaluation: { resource: { type: 'account', id: '$params.arguments.amount' } } },
      { evaluation: { resource: 'account' } },
      { evaluations: { evaluations: [{ subject: { type: 'identity', id: 'ann' } }] } },
      { evaluations: { evaluations: [] } },
      { evaluations: { evaluations: Array.from({ length: 200 }, () => ({ action: { name: '$"pay"' } })) } },
      { evaluations: { evaluations: Array.from({ length: 300 }, () => ({})) } },
      { evaluation: {}, evaluations: { evaluations: [{}] } },
      {},
      'all',
      [],
    ] as JsonValue[])
      refused(() => questions(mapping))
  })

  it('is not asked about params that are large', () => {
    const mapping = readMapping(tool({ evaluation: { action: { name: 'pay' } } }))
    const note = (length: number) => ({ ...MESSAGE, params: { ...PARAMS, note: 'x'.repeat(length) } })
    assert.equal(mappedQuestions(mapping, note(1000), TOKEN).length, 1)
    refused(() => mappedQuestions(mapping, note(70_000), TOKEN))
    assert.equal(mappedQuestions(null, note(70_000), TOKEN).length, 1)
  })
})
