import assert from 'node:assert/strict'
import { describe, it, mock } from 'node:test'
import type { Bus, BusMessage } from '@safeconduct/engine'
import { isSafeconductError } from '@safeconduct/protocol'
import { createEventStreams, MAX_BACKLOG, MAX_VIEWERS, type Viewer } from './events.ts'

function testBus(): Bus & { readonly listeners: number } {
  const listeners = new Set<(message: BusMessage) => void>()
  return {
    publish: (message) => {
      for (const listener of listeners) listener(message)
    },
    subscribe: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    get listeners() {
      return listeners.size
    },
  }
}

const viewer = (more: Partial<Viewer> = {}): Viewer => ({
  tenant: 't1',
  signal: new AbortController().signal,
  allowed: () => true,
  cut: () => assert.fail('it was cut'),
  ...more,
})
const revoked = (id: string, tenant = 't1'): BusMessage => ({ type: 'revoked', tenant, kind: 'task', id })
const refused = (code: string) => (error: unknown) => isSafeconductError(error) && error.code === code

describe('event streams', () => {
  it('send what the tenant may see, and end with the one who owns them', async () => {
    const bus = testBus()
    const streams = createEventStreams(bus)
    const response = streams.open(viewer())
    bus.publish(revoked('a'))
    bus.publish(revoked('b', 't2'))
    streams.close()
    bus.publish(revoked('c'))
    assert.equal(
      await response.text(),
      ': open\n\nevent: revoked\ndata: {"type":"revoked","tenant":"t1","kind":"task","id":"a"}\n\n',
    )
    assert.equal(bus.listeners, 0)
    assert.throws(() => streams.open(viewer()), refused('shutting_down'))
    streams.close()
  })

  it('are as many as there are places, and give a place back however they end', async () => {
    const bus = testBus()
    const streams = createEventStreams(bus)
    const gone = new AbortController()
    const first = streams.open(viewer({ signal: gone.signal }))
    const second = streams.open(viewer())
    let allowed = true
    const third = streams.open(viewer({ allowed: () => allowed }))
    for (let i = 3; i < MAX_VIEWERS; i++) streams.open(viewer())
    assert.throws(() => streams.open(viewer()), refused('overloaded'))
    assert.equal(bus.listeners, MAX_VIEWERS)

    gone.abort()
    await second.body?.cancel()
    allowed = false
    bus.publish(revoked('not for them'))
    assert.equal(bus.listeners, MAX_VIEWERS - 3)
    assert.equal(await first.text(), ': open\n\n')
    assert.equal(await third.text(), ': open\n\n')
    for (let i = 0; i < 3; i++) streams.open(viewer())
    assert.throws(() => streams.open(viewer()), refused('overloaded'))
    streams.close()
  })

  it('do not begin for whoever is gone already', async () => {
    const bus = testBus()
    const streams = createEventStreams(bus)
    const response = streams.open(viewer({ signal: AbortSignal.abort() }))
    assert.equal(bus.listeners, 0)
    assert.equal(await response.text(), ': open\n\n')
    streams.close()
  })

  it('cut off a viewer by what waits for it in bytes, once, without touching the others', async () => {
    const bus = testBus()
    const streams = createEventStreams(bus)
    const cut = mock.fn()
    const slow = streams.open(viewer({ cut }))
    const piece = 'x'.repeat(MAX_BACKLOG / 8)
    for (let i = 0; i < 8; i++) bus.publish(revoked(piece))
    assert.equal(cut.mock.callCount(), 0)
    const other = streams.open(viewer())
    for (let i = 0; i < 3; i++) bus.publish(revoked('one too many'))
    assert.equal(cut.mock.callCount(), 1)
    assert.equal(bus.listeners, 1)
    assert.doesNotMatch(await slow.text(), /one too many/)
    streams.close()
    assert.match(await other.text(), /one too many/)
  })

  it('say now and then that they are alive, and notice in silence that the session is over', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] })
    const bus = testBus()
    const streams = createEventStreams(bus)
    let allowed = true
    const response = streams.open(viewer({ allowed: () => allowed }))
    t.mock.timers.tick(15_000)
    allowed = false
    t.mock.timers.tick(15_000)
    assert.equal(bus.listeners, 0)
    assert.equal(await response.text(), ': open\n\n: alive\n\n')
    streams.close()
  })
})
