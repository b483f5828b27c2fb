import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { JsonObject } from '@safeconduct/protocol'
import { checkEnvelope, headerName, isStateless } from './envelope.ts'
import type { RpcRequest } from './message.ts'
import { META } from './revisions.ts'

const VERSION = '2026-07-28'
const meta = { [META.version]: VERSION, [META.capabilities]: {} }
const request = (method: string, params: JsonObject = {}): RpcRequest => ({
  kind: 'request',
  id: 1,
  method,
  params: { _meta: meta, ...params },
})
const headers = (extra: Record<string, string | undefined> = {}) => ({
  'mcp-protocol-version': VERSION,
  'mcp-method': 'tools/call',
  'mcp-name': 'pay',
  ...extra,
})

describe('the envelope of a stateless request', () => {
  it('is in order', () => {
    assert.equal(checkEnvelope(request('tools/call', { name: 'pay' }), headers()), null)
    assert.equal(checkEnvelope(request('tools/list'), headers({ 'mcp-method': 'tools/list' })), null)
    assert.equal(
      checkEnvelope(
        request('tools/call', { name: 'zürich' }),
        headers({ 'mcp-name': '=?base64?esO8cmljaA==?=' }),
      ),
      null,
    )
  })

  const call = request('tools/call', { name: 'pay' })
  for (const [name, given, extra, code] of [
    ['another version in the header', call, { 'mcp-protocol-version': '2025-11-25' }, -32020],
    ['no version in the header', call, { 'mcp-protocol-version': undefined }, -32020],
    ['another method', call, { 'mcp-method': 'tools/list' }, -32020],
    ['another case of the method', call, { 'mcp-method': 'Tools/Call' }, -32020],
    ['no method', call, { 'mcp-method': undefined }, -32020],
    ['another name', call, { 'mcp-name': 'pay2' }, -32020],
    ['no name', call, { 'mcp-name': undefined }, -32020],
    ['a name that does not decode', call, { 'mcp-name': '=?base64?!?=' }, -32020],
    ['no name in the body', request('tools/call'), {}, -32020],
    ['no envelope', request('tools/call', { name: 'pay', _meta: {} }), {}, -32602],
    [
      'no capabilities',
      request('tools/call', { name: 'pay', _meta: { [META.version]: VERSION } }),
      {},
      -32602,
    ],
  ] as const) {
    it(`has ${name}: ${code}`, () => {
      const refused = checkEnvelope(given, headers(extra))
      assert.equal(refused?.status, 400)
      assert.ok(refused !== null && !refused.answer.ok && refused.answer.error.code === code)
    })
  }

  it('names a version nobody serves: -32022, with what is served', () => {
    const given = request('tools/call', { name: 'pay', _meta: { ...meta, [META.version]: '2099-01-01' } })
    const refused = checkEnvelope(given, headers({ 'mcp-protocol-version': '2099-01-01' }))
    assert.ok(refused !== null && !refused.answer.ok)
    assert.equal(refused.answer.error.code, -32022)
    assert.deepEqual(refused.answer.error.data, { supported: [VERSION], requested: '2099-01-01' })
  })
})

it('belongs to the stateless revision by its body or its header', () => {
  assert.equal(isStateless(request('tools/list'), {}), true)
  assert.equal(
    isStateless({ ...request('tools/list'), params: null }, { 'mcp-protocol-version': VERSION }),
    true,
  )
  assert.equal(
    isStateless({ ...request('tools/list'), params: null }, { 'mcp-protocol-version': '2025-11-25' }),
    false,
  )
})

it('repeats names only where the protocol says so', () => {
  assert.equal(headerName('tools/call', { name: 'pay' }), 'pay')
  assert.equal(headerName('resources/read', { uri: 'a:b' }), 'a:b')
  assert.equal(headerName('tools/list', { name: 'pay' }), null)
  assert.equal(headerName('constructor', { name: 'pay' }), null)
})
