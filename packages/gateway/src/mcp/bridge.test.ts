import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isSafeconductError, type JsonObject } from '@safeconduct/protocol'
import type { Hooks, Link } from '../upstream/link.ts'
import { createBridge, withoutEnvelope } from './bridge.ts'
import type { RpcAnswer } from './message.ts'

interface FakeLink extends Link {
  readonly sent: { params: JsonObject | null; hooks: Hooks }[]
  answer(answer: RpcAnswer): void
  fail(reason: unknown): void
}

function fakeLink(): FakeLink {
  const sent: FakeLink['sent'] = []
  const waiting: { resolve: (answer: RpcAnswer) => void; reject: (reason: unknown) => void }[] = []
  return {
    sent,
    hello: { protocolVersion: '2025-11-25', capabilities: {}, serverInfo: {}, instructions: null },
    alive: true,
    request(_method, params, hooks) {
      sent.push({ params, hooks })
      return new Promise((resolve, reject) => {
        waiting.push({ resolve, reject })
        hooks.signal.addEventListener('abort', () => reject(hooks.signal.reason))
      })
    },
    notify: async () => undefined,
    attach: () => () => undefined,
    close: async () => undefined,
    answer: (answer) => waiting[0]?.resolve(answer),
    fail: (reason) => waiting[0]?.reject(reason),
  }
}

const DONE: RpcAnswer = { ok: true, result: { content: [] } }
const ask = {
  kind: 'request',
  id: 9,
  method: 'elicitation/create',
  params: { message: 'Name?', elicitationId: 'e' },
} as const
const yes = () => true

function scene(limit?: number) {
  const clock = { time: 0, now: () => clock.time }
  const bridge = createBridge(clock, 1_000, limit)
  const link = fakeLink()
  const controller = new AbortController()
  const heard: string[] = []
  const hooks: Hooks = {
    signal: controller.signal,
    onNotification: ({ method }) => heard.push(method),
    onActivity: () => undefined,
    onRequest: async () => ({ ok: false, error: { code: 0, message: 'not used' } }),
  }
  return { clock, bridge, link, hooks, controller, heard }
}

async function suspended() {
  const all = scene()
  const first = all.bridge.send(all.link, 'tools/call', { name: 'x' }, all.hooks, yes)
  const asked = all.link.sent[0]?.hooks.onRequest(ask, new AbortController().signal)
  assert.ok(asked !== undefined)
  return { ...all, asked, sent: await first }
}

describe('a request of a stateless client on a session', () => {
  it('that nobody is asked about is simply answered', async () => {
    const { bridge, link, hooks } = scene()
    const sent = bridge.send(link, 'tools/call', null, hooks, yes)
    link.answer(DONE)
    assert.deepEqual(await sent, { status: 200, answer: DONE })
    assert.equal(bridge.size, 0)
  })

  it('is suspended by a question, and taken up with the answer', async () => {
    const { bridge, link, hooks, asked, sent } = await suspended()
    assert.ok(sent.pending !== undefined && sent.answer.ok)
    const { resultType, inputRequests } = sent.answer.result
    assert.equal(resultType, 'input_required')
    assert.deepEqual(inputRequests, { q1: { method: 'elicitation/create', params: { message: 'Name?' } } })
    const again = bridge.resume(sent.pending, { q1: { action: 'accept' } }, hooks)
    assert.deepEqual(await asked, { ok: true, result: { action: 'accept' } })
    link.answer(DONE)
    assert.deepEqual((await again).answer, DONE)
    assert.equal(bridge.size, 0)
  })

  it('may be asked again', async () => {
    const { bridge, link, hooks, sent } = await suspended()
    const again = bridge.resume(sent.pending ?? '', { q1: { action: 'accept' } }, hooks)
    void link.sent[0]?.hooks.onRequest({ ...ask, id: 10 }, new AbortController().signal)
    const second = await again
    assert.ok(second.pending !== undefined && second.answer.ok)
    assert.deepEqual(Object.keys(second.answer.result.inputRequests ?? {}), ['q2'])
  })

  it('is taken up once', async () => {
    const { bridge, hooks, sent } = await suspended()
    void bridge.resume(sent.pending ?? '', {}, hooks)
    await assert.rejects(
      bridge.resume(sent.pending ?? '', {}, hooks),
      (error) => isSafeconductError(error) && error.code === 'invalid_params',
    )
  })

  it('whose client has no answer says so to the server', async () => {
    const { bridge, hooks, asked, sent } = await suspended()
    void bridge.resume(sent.pending ?? '', { q1: 'nonsense' }, hooks)
    assert.equal((await asked).ok, false)
  })

  it('is given up when the client does not come back', async () => {
    const { bridge, clock, link, sent, hooks } = await suspended()
    clock.time = 1_000
    bridge.sweep(clock.time)
    assert.equal(link.sent[0]?.hooks.signal.aborted, true)
    await assert.rejects(bridge.resume(sent.pending ?? '', {}, hooks))
  })

  it('is not cancelled by the end of the client’s first request, but is by that of its next', async () => {
    const { bridge, link, controller, sent, hooks } = await suspended()
    controller.abort(new Error('first request over'))
    assert.equal(link.sent[0]?.hooks.signal.aborted, false)
    const next = new AbortController()
    const again = bridge.resume(sent.pending ?? '', {}, { ...hooks, signal: next.signal })
    next.abort(new Error('cancelled'))
    await assert.rejects(again, /cancelled/)
  })

  it('is not suspended where the protocol knows no question, or the client cannot be asked', async () => {
    for (const [method, mayAsk] of [
      ['completion/complete', yes],
      ['tools/call', () => false],
    ] as const) {
      const { bridge, link, hooks } = scene()
      const sent = bridge.send(link, method, null, hooks, mayAsk)
      const answer = await link.sent[0]?.hooks.onRequest(ask, new AbortController().signal)
      assert.equal(answer?.ok, false)
      link.answer(DONE)
      assert.deepEqual((await sent).answer, DONE)
    }
  })

  it('is refused when too many wait', async () => {
    const { bridge, link, hooks } = scene(0)
    const sent = bridge.send(link, 'tools/call', null, hooks, yes)
    void link.sent[0]?.hooks.onRequest(ask, new AbortController().signal)
    await assert.rejects(sent, (error) => isSafeconductError(error) && error.code === 'overloaded')
    assert.equal(link.sent[0]?.hooks.signal.aborted, true)
  })

  it('passes on what fails, and what is said meanwhile', async () => {
    const { bridge, link, hooks, heard } = scene()
    const sent = bridge.send(link, 'tools/call', null, hooks, yes)
    link.sent[0]?.hooks.onNotification({
      kind: 'notification',
      method: 'notifications/message',
      params: null,
    })
    link.fail(new Error('dead'))
    await assert.rejects(sent, /dead/)
    assert.deepEqual(heard, ['notifications/message'])
  })

  it('ends with the gateway', async () => {
    const { bridge, link } = await suspended()
    bridge.close()
    assert.deepEqual([bridge.size, link.sent[0]?.hooks.signal.aborted], [0, true])
  })
})

it('leaves at home what only the stateless revision knows', () => {
  const meta = {
    'io.modelcontextprotocol/protocolVersion': 'x',
    'io.modelcontextprotocol/clientCapabilities': {},
    progressToken: 1,
  }
  assert.deepEqual(withoutEnvelope({ name: 'x', _meta: meta, requestState: 's', inputResponses: {} }), {
    name: 'x',
    _meta: { progressToken: 1 },
  })
  assert.deepEqual(withoutEnvelope({ _meta: { 'io.modelcontextprotocol/logLevel': 'info' } }), {})
  assert.equal(withoutEnvelope(null), null)
})
