import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isSafeconductError, type JsonObject, type Operation } from '@safeconduct/protocol'
import type { RpcRequest } from './message.ts'
import { clientMethod } from './methods.ts'
import { decidedParams, readSubject } from './subject.ts'

const request = (method: string, params: JsonObject | null): RpcRequest => ({
  kind: 'request',
  id: 1,
  method,
  params,
})
const read = (method: string, params: JsonObject | null) => {
  const row = clientMethod(method, '2025-11-25')
  assert.ok(row !== null)
  return readSubject(row, request(method, params))
}

describe('what a request is about', () => {
  for (const [method, params, expected] of [
    ['tools/call', { name: 'pay', arguments: { a: 1 } }, { kind: 'tool', name: 'pay', args: { a: 1 } }],
    ['tools/call', { name: 'pay' }, { kind: 'tool', name: 'pay', args: {} }],
    ['resources/read', { uri: 'a:b' }, { kind: 'resource', name: 'a:b', args: { uri: 'a:b' } }],
    ['resources/subscribe', { uri: 'a:b' }, { kind: 'resource', name: 'a:b', args: { uri: 'a:b' } }],
    ['prompts/get', { name: 'p', arguments: { x: 'y' } }, { kind: 'prompt', name: 'p', args: { x: 'y' } }],
    [
      'completion/complete',
      { ref: { type: 'ref/prompt', name: 'p' }, argument: { name: 'x', value: 'ya' } },
      { kind: 'prompt', name: 'p', args: { x: 'ya' } },
    ],
    [
      'completion/complete',
      { ref: { type: 'ref/resource', uri: 'a:{b}' }, argument: { name: 'b', value: '1' } },
      { kind: 'resource', name: 'a:{b}', args: { b: '1' } },
    ],
  ] as const) {
    it(`${method} ${JSON.stringify(params)}`, () => assert.deepEqual(read(method, params), expected))
  }

  for (const [method, params] of [
    ['tools/call', null],
    ['tools/call', { name: ['pay'] }],
    ['tools/call', { name: 'pay', arguments: 'x' }],
    ['tools/call', { name: 'pay', task: {} }],
    ['resources/read', { name: 'x' }],
    ['completion/complete', { ref: { type: 'ref/other', name: 'p' }, argument: { name: 'x', value: 'y' } }],
    ['completion/complete', { ref: { type: 'ref/prompt', name: 'p' }, argument: { name: 'x', value: 7 } }],
    ['completion/complete', { ref: 'p', argument: {} }],
  ] as const) {
    it(`refuses ${method} ${JSON.stringify(params)}`, () => {
      assert.throws(
        () => read(method, params),
        (error) => isSafeconductError(error) && error.code === 'invalid_params',
      )
    })
  }
})

describe('the parameters that go on', () => {
  const operation = (extra: Partial<Operation>): Operation => ({
    server: 's',
    method: 'tools/call',
    kind: 'tool',
    name: 'pay',
    args: {},
    ...extra,
  })
  it('have the decided name and arguments in place of the received', () => {
    const sent = decidedParams(
      request('tools/call', {
        name: 'evil',
        arguments: { amount: 500 },
        _meta: {
          progressToken: 7,
          traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
          note: 'past you',
          tracestate: 'a b',
        },
        requestState: 'x',
        inputResponses: {},
      }),
      operation({ args: { amount: 5 } }),
    )
    assert.deepEqual(sent, {
      name: 'pay',
      arguments: { amount: 5 },
      _meta: { progressToken: 7, traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` },
      inputResponses: {},
    })
  })
  it('leave absent arguments absent, and empty ones empty', () => {
    assert.ok(!('arguments' in decidedParams(request('tools/call', { name: 'pay' }), operation({}))))
    assert.deepEqual(
      decidedParams(request('tools/call', { name: 'pay', arguments: {} }), operation({})).arguments,
      {},
    )
  })
  it('have the decided URI', () => {
    const sent = decidedParams(
      request('resources/read', { uri: 'evil:x' }),
      operation({ method: 'resources/read', kind: 'resource', name: 'a:b', args: { uri: 'a:b' } }),
    )
    assert.deepEqual(sent, { uri: 'a:b' })
  })
  it('have no member of another method, nor one inside a member that is decided', () => {
    const beside = { argument: { name: 'x', value: 'past you' }, ref: { past: 'you' }, arguments: { a: 1 } }
    const tool = decidedParams(
      request('tools/call', { name: 'pay', ...beside }),
      operation({ args: { a: 1 } }),
    )
    assert.deepEqual(tool, { name: 'pay', arguments: { a: 1 } })
    const uri = { method: 'resources/read', kind: 'resource', name: 'a:b', args: { uri: 'a:b' } } as const
    const resource = decidedParams(request('resources/read', { uri: 'a:b', ...beside }), operation(uri))
    assert.deepEqual(resource, { uri: 'a:b' })
    const ref = { type: 'ref/prompt', name: 'p', title: 'past you' }
    const asked = request('completion/complete', {
      ...beside,
      ref,
      argument: { name: 'x', value: 's', more: 1 },
    })
    const completion = { method: 'completion/complete', kind: 'prompt', name: 'p', args: { x: 's' } } as const
    assert.deepEqual(decidedParams(asked, operation(completion)), {
      ref: { type: 'ref/prompt', name: 'p' },
      argument: { name: 'x', value: 's' },
    })
  })
  it('have the decided value that is being completed', () => {
    const params = { ref: { type: 'ref/prompt', name: 'p' }, argument: { name: 'x', value: 'secret' } }
    const sent = decidedParams(
      request('completion/complete', params),
      operation({ method: 'completion/complete', kind: 'prompt', name: 'p', args: { x: 'se' } }),
    )
    assert.deepEqual(sent.argument, { name: 'x', value: 'se' })
  })
  it('have the decided arguments that were chosen before', () => {
    const ask = request('completion/complete', {
      ref: { type: 'ref/prompt', name: 'p' },
      argument: { name: 'x', value: 'se' },
      context: { arguments: { y: 'before' }, more: 'undecided' },
    })
    const row = clientMethod('completion/complete', '2025-11-25')
    assert.ok(row !== null)
    const { name, args } = readSubject(row, ask)
    assert.deepEqual(args, { x: 'se', y: 'before' })
    const sent = decidedParams(ask, operation({ method: 'completion/complete', kind: 'prompt', name, args }))
    assert.deepEqual(
      [sent.argument, sent.context],
      [{ name: 'x', value: 'se' }, { arguments: { y: 'before' } }],
    )
  })
})
