import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isSafeconductError, type JsonValue, parseJson, SafeconductError } from '@safeconduct/protocol'
import fc from 'fast-check'
import { failWith, parseMessage, type RpcMessage, response, writeMessage } from './message.ts'

const read = (text: string): RpcMessage => parseMessage(parseJson(text))

describe('messages', () => {
  for (const [text, expected] of [
    ['{"jsonrpc":"2.0","id":1,"method":"ping"}', { kind: 'request', id: 1, method: 'ping', params: null }],
    ['{"jsonrpc":"2.0","method":"n"}', { kind: 'notification', method: 'n', params: null }],
    [
      '{"jsonrpc":"2.0","id":"a","error":{"code":-1,"message":"m"}}',
      { kind: 'response', id: 'a', answer: { ok: false, error: { code: -1, message: 'm' } } },
    ],
    [
      '{"jsonrpc":"2.0","id":null,"error":{"code":-1,"message":"m"}}',
      { kind: 'response', id: null, answer: { ok: false, error: { code: -1, message: 'm' } } },
    ],
  ] as const) {
    it(`reads ${text}`, () => assert.deepEqual(read(text), expected))
  }

  for (const text of [
    '[]',
    '[{"jsonrpc":"2.0","id":1,"method":"ping"}]',
    '"ping"',
    'null',
    '{}',
    '{"jsonrpc":"1.0","id":1,"method":"ping"}',
    '{"id":1,"method":"ping"}',
    '{"jsonrpc":"2.0","id":1.5,"method":"ping"}',
    '{"jsonrpc":"2.0","id":null,"method":"ping"}',
    '{"jsonrpc":"2.0","id":{},"method":"ping"}',
    '{"jsonrpc":"2.0","id":1,"method":7}',
    '{"jsonrpc":"2.0","id":1,"method":""}',
    '{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}',
    '{"jsonrpc":"2.0","id":1,"method":"ping","params":null}',
    '{"jsonrpc":"2.0","id":1,"result":7}',
    '{"jsonrpc":"2.0","result":{}}',
    '{"jsonrpc":"2.0","id":1,"result":{},"error":{"code":1,"message":"m"}}',
    '{"jsonrpc":"2.0","id":1,"error":{"code":"1","message":"m"}}',
    '{"jsonrpc":"2.0","id":1,"error":{"code":1}}',
    `{"jsonrpc":"2.0","id":1,"method":"${'m'.repeat(200)}"}`,
    `{"jsonrpc":"2.0","id":"${'i'.repeat(300)}","method":"m"}`,
  ]) {
    it(`refuses ${text.slice(0, 80)}`, () => {
      assert.throws(
        () => read(text),
        (error) => isSafeconductError(error) && error.code === 'invalid_request',
      )
    })
  }

  it('never throws anything but our own error, whatever JSON it gets', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 5 }), (text) => {
        try {
          parseMessage(parseJson(text))
        } catch (error) {
          assert.ok(isSafeconductError(error))
        }
      }),
    )
  })

  it('come back as they were written, on one line, without members nobody knows', () => {
    const id = fc.oneof(fc.integer(), fc.string({ maxLength: 20 }))
    const params = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 }))
    fc.assert(
      fc.property(id, fc.stringMatching(/^[a-z/]{1,30}$/), params, (given, method, value) => {
        const sent = { jsonrpc: '2.0', id: given, method, params: value, extra: 'dropped' }
        const message = read(JSON.stringify(sent))
        const written = writeMessage(message)
        assert.doesNotMatch(written, /\n|dropped/)
        assert.deepEqual(read(written), message)
      }),
    )
  })

  it('leave an unknown id out', () => {
    const text = writeMessage(response(null, failWith(new SafeconductError('invalid_json'))))
    assert.ok(!('id' in JSON.parse(text)))
  })

  it('carry no private cause', () => {
    const error = new SafeconductError('internal', { cause: new Error('secret path /etc') })
    const answer: JsonValue = JSON.parse(writeMessage(response(1, failWith(error))))
    assert.ok(!JSON.stringify(answer).includes('secret'))
  })
})
