import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { JsonObject } from '@safeconduct/protocol'
import fc from 'fast-check'
import {
  decodeHeaderValue,
  disagreeingParam,
  encodeHeaderValue,
  forwardedHeaders,
  headerParams,
  paramHeaders,
} from './header-values.ts'

const schema = (properties: JsonObject): JsonObject => ({ type: 'object', properties })
const REGION = { type: 'string', 'x-mcp-header': 'Region' }

describe('header values', () => {
  it('come back as they went, whatever they hold', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const sent = encodeHeaderValue(text)
        assert.match(sent, /^[\x20-\x7E]*$/)
        assert.equal(decodeHeaderValue(sent), text)
      }),
    )
  })
  it('are wrapped when they only look wrapped', () => {
    assert.equal(decodeHeaderValue(encodeHeaderValue('=?base64?aGk=?=')), '=?base64?aGk=?=')
  })
  it('lose surrounding blanks, which are not part of them', () => {
    assert.equal(decodeHeaderValue(' \tname '), 'name')
  })
  for (const wrong of ['=?base64?a?=', '=?base64?a===?=', '=?base64?/w==?=', '=?base64?aG k=?=']) {
    it(`refuses ${wrong}`, () => assert.equal(decodeHeaderValue(wrong), null))
  }
  it('takes a value without the end of the wrapper as it is', () => {
    assert.equal(decodeHeaderValue('=?base64?aGk='), '=?base64?aGk=')
  })
})

describe('x-mcp-header', () => {
  it('is found on properties, also nested ones', () => {
    const found = headerParams(
      schema({ region: REGION, at: schema({ row: { type: 'integer', 'x-mcp-header': 'Row' } }) }),
    )
    assert.deepEqual(found?.map(({ name, path }) => [name, path.join('.')]).sort(), [
      ['Region', 'region'],
      ['Row', 'at.row'],
    ])
  })
  for (const [name, given] of Object.entries({
    'an empty name': schema({ a: { type: 'string', 'x-mcp-header': '' } }),
    'a name that is no token': schema({ a: { type: 'string', 'x-mcp-header': 'a b' } }),
    'a header injection': schema({ a: { type: 'string', 'x-mcp-header': 'a\r\nb' } }),
    'an object': schema({ a: { type: 'object', 'x-mcp-header': 'A' } }),
    'a fraction': schema({ a: { type: 'number', 'x-mcp-header': 'A' } }),
    'the same name twice': schema({ a: REGION, b: { type: 'string', 'x-mcp-header': 'REGION' } }),
    'a place under items': schema({ a: { type: 'array', items: REGION } }),
    'a place under $defs': { ...schema({}), $defs: { a: REGION } },
    'the root': { ...schema({}), 'x-mcp-header': 'A' },
  })) {
    it(`is not honoured with ${name}`, () => assert.equal(headerParams(given), null))
  }
  it('may be absent', () => {
    assert.deepEqual(headerParams(schema({ a: { type: 'string' } })), [])
    assert.deepEqual(headerParams(undefined), [])
  })
})

describe('parameter headers', () => {
  const params =
    headerParams(
      schema({
        region: REGION,
        row: { type: 'integer', 'x-mcp-header': 'Row' },
        on: { type: 'boolean', 'x-mcp-header': 'On' },
      }),
    ) ?? []
  it('are written from the arguments and agree with them', () => {
    const args = { region: 'zürich', row: 7, on: false }
    const headers = paramHeaders(params, args)
    assert.equal(headers['mcp-param-row'], '7')
    assert.equal(headers['mcp-param-on'], 'false')
    assert.equal(disagreeingParam(params, args, headers), null)
  })
  it('are not asked for absent or null arguments', () => {
    assert.deepEqual(paramHeaders(params, { region: null }), {})
    assert.equal(disagreeingParam(params, { region: null }, { 'mcp-param-region': 'x' }), null)
  })
  for (const [headers, wrong] of [
    [{}, 'Region'],
    [{ 'mcp-param-region': 'bern' }, 'Region'],
    [{ 'mcp-param-region': '=?base64?!?=' }, 'Region'],
    [{ 'mcp-param-region': 'basel' }, null],
  ] as const) {
    it(`compares ${JSON.stringify(headers)}`, () => {
      assert.equal(disagreeingParam(params, { region: 'basel' }, headers), wrong)
    })
  }
  it('compares whole numbers as numbers', () => {
    assert.equal(disagreeingParam(params, { row: 7 }, { 'mcp-param-row': '7.0' }), null)
    assert.equal(disagreeingParam(params, { row: 7 }, { 'mcp-param-row': '8' }), 'Row')
  })
})

it('passes on trace context in its right form, and nothing else', () => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  const secret = {
    authorization: 'Bearer x',
    cookie: 'a=b',
    dpop: 'x',
    host: 'h',
    origin: 'o',
    'x-forwarded-for': '1',
  }
  assert.deepEqual(forwardedHeaders({ ...secret, traceparent, tracestate: 'a=1' }), {
    traceparent,
    tracestate: 'a=1',
  })
  assert.deepEqual(forwardedHeaders({ traceparent: 'Bearer stolen' }), {})
})
