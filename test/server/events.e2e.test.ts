/**
 * The event stream over a real connection: its tenant's messages, nobody's who signed out, and no viewer that can hold
 * up or outlive the control plane.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { createConnection } from 'node:net'
import { after, before, describe, it } from 'node:test'
import type { BusMessage } from '@safeconduct/engine'
import { furnish, quote } from './desk.ts'
import { createWorld, TENANT, type Who, type World } from './world.ts'

const PATH = '/api/v1/events'

function revoked(tenant: string, id: string): BusMessage {
  return { type: 'revoked', tenant, kind: 'task', id }
}

/** Reads a stream until what came satisfies, and goes on from there the next time. */
function reader(response: IncomingMessage) {
  let text = ''
  response.setEncoding('utf8')
  response.on('data', (chunk: string) => {
    text += chunk
  })
  // A connection that is cut is an end like another here.
  response.on('error', () => undefined)
  return {
    async until(done: (text: string) => boolean): Promise<string> {
      while (!done(text)) {
        assert.equal(response.closed, false, 'the stream ended')
        await once(response, 'data')
      }
      return text
    },
    async end(): Promise<string> {
      if (!response.closed) await once(response, 'close')
      return text
    },
  }
}

describe('the event stream', () => {
  let world: World
  before(async () => {
    world = await createWorld()
    await furnish(world)
  })
  after(() => world.close())

  async function watch(who: Who = 'owner') {
    const response = await world.open(who, 'GET', PATH)
    assert.equal(response.statusCode, 200)
    const events = reader(response)
    await events.until((text) => text.includes(': open'))
    return { response, events }
  }

  it('tells of calls as they happen, in the form that browsers read', async () => {
    const { response, events } = await watch()
    assert.equal(response.headers['content-type'], 'text/event-stream')
    assert.equal(response.headers['cache-control'], 'no-store')
    const request = quote(world)
    await world.decider.prepare(request)
    const text = await events.until((seen) => seen.includes(request.id) && seen.endsWith('\n\n'))
    const frame = text.split('\n\n').find((one) => one.startsWith('event: decision'))
    const [, data = ''] = frame?.split('\ndata: ') ?? []
    const { summary, decision } = JSON.parse(data)
    assert.deepEqual([summary.id, summary.tool, decision.outcome], [request.id, 'get_quote', 'allow'])
    response.destroy()
  })

  it('tells nothing of another tenant', async () => {
    const { response, events } = await watch('local')
    world.bus.publish(revoked('other', 'secret-of-another'))
    world.bus.publish(revoked(TENANT, 'mine'))
    const text = await events.until((seen) => seen.includes('"mine"'))
    assert.doesNotMatch(text, /another/)
    response.destroy()
  })

  it('cannot be given a line of its own by what it tells', async () => {
    const { response, events } = await watch('local')
    const id = 'x\n\nevent: approval\ndata: {}\r\n\u2028'
    world.bus.publish(revoked(TENANT, id))
    const text = await events.until((seen) => seen.includes('event: revoked') && seen.endsWith('\n\n'))
    assert.equal(text.split('\n').filter((line) => line.startsWith('event:')).length, 1)
    response.destroy()
  })

  it('holds 64 viewers and frees the place of one that leaves', async () => {
    const viewers = []
    for (let i = 0; i < 64; i++) viewers.push(await watch('local'))
    const over = await world.get('local', PATH)
    assert.deepEqual([over.status, over.json.error], [503, 'overloaded'])
    for (const { response } of viewers) response.destroy()
    for (let turns = 0; ; turns++) {
      assert.ok(turns < 10_000, 'no place becomes free')
      const next = await world.get('local', PATH)
      if (next.status === 200) break
      await new Promise(setImmediate)
    }
  })

  it('cuts off a viewer that does not read', async () => {
    const socket = createConnection(Number(new URL(world.origin).port), '127.0.0.1')
    // Cut, it may look like an end or like a reset from here.
    socket.on('error', () => undefined)
    socket.write(`GET ${PATH} HTTP/1.1\r\nhost: localhost\r\ncookie: ${world.session.cookie}\r\n\r\n`)
    await once(socket, 'data')
    socket.pause()
    // Far more than the kernel holds for it and what may wait for it.
    const piece = 'x'.repeat(64 * 1024)
    const pieces = 1024
    for (let sent = 0; sent < pieces; sent++) {
      world.bus.publish(revoked(TENANT, piece))
      if (sent % 16 === 0) await new Promise(setImmediate)
    }
    await new Promise(setImmediate)
    let read = 0
    socket.on('data', (chunk) => {
      read += chunk.length
    })
    socket.resume()
    await once(socket, 'close')
    assert.ok(read < pieces * piece.length, `${read} bytes`)
    assert.equal((await world.get('local', PATH)).status, 200)
  })

  it('shows nothing more once the owner signed out', async () => {
    const other = await createWorld()
    try {
      const response = await other.open('owner', 'GET', PATH)
      const events = reader(response)
      await events.until((text) => text.includes(': open'))
      const signedOut = await other.ask('anonymous', 'POST', '/signout', {
        raw: new URLSearchParams({ csrf: other.session.csrf }).toString(),
        headers: {
          cookie: other.session.cookie,
          origin: other.origin,
          'content-type': 'application/x-www-form-urlencoded',
        },
      })
      assert.equal(signedOut.status, 303)
      other.bus.publish(revoked(TENANT, 'after-sign-out'))
      const seen = await Promise.race([events.end(), events.until((text) => text.includes('after-sign-out'))])
      assert.doesNotMatch(seen, /after-sign-out/)
      response.destroy()
    } finally {
      await other.close()
    }
  })

  it('ends when the control plane closes, and is not opened again', async () => {
    const other = await createWorld()
    try {
      const response = await other.open('local', 'GET', PATH)
      const events = reader(response)
      await events.until((text) => text.includes(': open'))
      other.plane.close()
      await events.end()
      assert.equal(response.complete, true, 'ended, not broken')
      const again = await other.get('local', PATH)
      assert.deepEqual([again.status, again.json.error], [503, 'shutting_down'])
    } finally {
      await other.close()
    }
  })
})
