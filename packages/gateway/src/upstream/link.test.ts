import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isSafeconductError, type JsonObject } from '@safeconduct/protocol'
import {
  notification,
  type RpcAnswer,
  type RpcId,
  type RpcMessage,
  type RpcNotification,
  type RpcRequest,
  response,
} from '../mcp/message.ts'
import { createDispatcher, type Hooks, readHello } from './link.ts'

function hooks() {
  const heard: RpcNotification[] = []
  const asked: { request: RpcRequest; signal: AbortSignal; answer: (answer: RpcAnswer) => void }[] = []
  let activity = 0
  const made: Hooks = {
    signal: new AbortController().signal,
    onNotification: (message) => heard.push(message),
    onActivity: () => {
      activity += 1
    },
    onRequest: (request, signal) => new Promise((answer) => asked.push({ request, signal, answer })),
  }
  return { hooks: made, heard, asked, activity: () => activity }
}

function dispatcher() {
  const replies: { id: RpcId; answer: RpcAnswer }[] = []
  return { replies, ...createDispatcher((id, answer) => replies.push({ id, answer })) }
}

const OK: RpcAnswer = { ok: true, result: { x: 1 } }
const question = (id: RpcId): RpcMessage => ({ kind: 'request', id, method: 'roots/list', params: null })
const settle = () => new Promise((resolve) => setImmediate(resolve))

describe('bringing answers to requests', () => {
  it('by the number we gave, in any order', async () => {
    const link = dispatcher()
    const one = link.open(null, hooks().hooks)
    const two = link.open(null, hooks().hooks)
    assert.notEqual(one.id, two.id)
    link.receive(response(two.id, OK), null)
    link.receive(response(one.id, { ok: true, result: { x: 2 } }), null)
    assert.deepEqual([await one.answer, await two.answer], [{ ok: true, result: { x: 2 } }, OK])
    assert.equal(link.waits(one.id), false)
  })

  it('takes no answer to another request on the stream of one', () => {
    const link = dispatcher()
    const one = link.open(null, hooks().hooks)
    const two = link.open(null, hooks().hooks)
    assert.throws(() => link.receive(response(two.id, OK), one.id), isSafeconductError)
    assert.throws(() => link.receive(response('made-up', OK), one.id), isSafeconductError)
  })

  it('ignores an answer nobody waits for where all share one stream', () => {
    dispatcher().receive(response(99, OK), null)
  })

  it('takes an error without an id as the answer of its stream', async () => {
    const link = dispatcher()
    const one = link.open(null, hooks().hooks)
    const failed: RpcAnswer = { ok: false, error: { code: -32600, message: 'no' } }
    link.receive(response(null, failed), one.id)
    assert.deepEqual(await one.answer, failed)
  })

  it('rejects all that wait when the link dies', async () => {
    const link = dispatcher()
    const one = link.open(null, hooks().hooks)
    link.drop(new Error('dead'))
    await assert.rejects(one.answer, /dead/)
  })
})

describe('progress', () => {
  it('goes by our token and comes back with the client’s', () => {
    const link = dispatcher()
    const mine = hooks()
    const other = hooks()
    const open = link.open({ _meta: { progressToken: 'theirs', keep: 1 } }, mine.hooks)
    link.open({ _meta: { progressToken: 'theirs' } }, other.hooks)
    assert.deepEqual(open.params, { _meta: { progressToken: open.id, keep: 1 } })
    link.receive(notification('notifications/progress', { progressToken: open.id, progress: 1 }), null)
    assert.deepEqual(mine.heard[0]?.params, { progressToken: 'theirs', progress: 1 })
    assert.deepEqual([other.heard.length, mine.activity() > 0], [0, true])
  })

  it('on a token nobody gave goes nowhere', () => {
    const link = dispatcher()
    const mine = hooks()
    const open = link.open(null, mine.hooks)
    for (const progressToken of [open.id, 'made-up', 99]) {
      link.receive(notification('notifications/progress', { progressToken, progress: 1 }), open.id)
    }
    assert.deepEqual(mine.heard, [])
  })
})

describe('questions of a server', () => {
  it('go to the request on whose stream they came, and the answer back under their id', async () => {
    const link = dispatcher()
    const mine = hooks()
    const open = link.open(null, mine.hooks)
    link.open(null, hooks().hooks)
    link.receive(question('q'), open.id)
    mine.asked[0]?.answer(OK)
    await settle()
    assert.deepEqual(link.replies, [{ id: 'q', answer: OK }])
  })

  it('without a stream go to the latest request, without one to whoever listens, without that to nobody', async () => {
    const link = dispatcher()
    link.receive(question(1), null)
    assert.equal(link.replies[0]?.answer.ok, false)
    const listener = hooks()
    link.attach(listener.hooks)
    link.receive(question(2), null)
    assert.equal(listener.asked.length, 1)
    const mine = hooks()
    link.open(null, mine.hooks)
    link.receive(question(3), null)
    assert.equal(mine.asked.length, 1)
  })

  it('that the server takes back are answered no more', async () => {
    const link = dispatcher()
    const mine = hooks()
    const open = link.open(null, mine.hooks)
    link.receive(question('q'), open.id)
    link.receive(notification('notifications/cancelled', { requestId: 'q' }), open.id)
    assert.equal(mine.asked[0]?.signal.aborted, true)
    mine.asked[0]?.answer(OK)
    await settle()
    assert.deepEqual([link.replies, mine.heard], [[], []])
  })

  it('are limited, and an id asks once', () => {
    const link = dispatcher()
    const mine = hooks()
    const open = link.open(null, mine.hooks)
    for (let id = 0; id < 40; id++) link.receive(question(id), open.id)
    link.receive(question(0), open.id)
    assert.equal(mine.asked.length, 32)
    assert.equal(link.replies.length, 9)
  })

  it('that cannot be answered get an error that says nothing', async () => {
    const link = dispatcher()
    const failing: Hooks = { ...hooks().hooks, onRequest: () => Promise.reject(new Error('secret')) }
    const open = link.open(null, failing)
    link.receive(question('q'), open.id)
    await settle()
    assert.doesNotMatch(JSON.stringify(link.replies), /secret/)
  })
})

it('notifications of no request go to all listeners until they leave', () => {
  const link = dispatcher()
  const [one, two] = [hooks(), hooks()]
  link.attach(one.hooks)
  const leave = link.attach(two.hooks)
  link.receive(notification('a', null), null)
  leave()
  link.receive(notification('b', null), null)
  assert.deepEqual([one.heard.length, two.heard.length], [2, 1])
})

describe('what a server says of itself', () => {
  const hello: JsonObject = { protocolVersion: '2025-06-18', capabilities: {}, serverInfo: { name: 's' } }
  it('is read', () => {
    assert.equal(readHello({ ok: true, result: hello }).instructions, null)
    assert.equal(
      readHello({ ok: true, result: { ...hello, instructions: 'Be nice' } }).instructions,
      'Be nice',
    )
  })
  it('is refused when it is not what it must be', () => {
    for (const result of [{}, { ...hello, protocolVersion: 7 }, { ...hello, serverInfo: null }]) {
      assert.throws(() => readHello({ ok: true, result }), isSafeconductError)
    }
    assert.throws(() => readHello({ ok: false, error: { code: -32022, message: 'modern' } }), /2026-07-28/)
  })
})
