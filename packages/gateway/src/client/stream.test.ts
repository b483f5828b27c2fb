import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { notification } from '../mcp/message.ts'
import { type ClientStream, createEventBudget, createStream, parseEventId } from './stream.ts'

/** What the stream uses of a response. */
class FakeResponse extends EventEmitter {
  text = ''
  ended = false
  writableLength = 0
  write(text: string): boolean {
    this.text += text
    return true
  }
  end(): void {
    this.ended = true
    this.emit('close')
  }
  destroy(): void {
    this.emit('close')
  }
  get ids(): string[] {
    return [...this.text.matchAll(/^id: (.+)$/gm)].map((match) => match[1] ?? '')
  }
  get said(): string[] {
    return [...this.text.matchAll(/"method":"([^"]+)"/g)].map((match) => match[1] ?? '')
  }
}

function open(extra: Partial<Parameters<typeof createStream>[0]> = {}) {
  const detached: number[] = []
  const stream = createStream({
    key: 'k',
    maxBuffered: 1_000,
    maxEvents: 100,
    maxEventBytes: 100_000,
    budget: createEventBudget(1_000_000),
    onDetached: () => detached.push(1),
    ...extra,
  })
  return { stream, detached }
}

function attach(stream: ClientStream, after?: number): FakeResponse {
  const response = new FakeResponse()
  stream.attach(response as unknown as ServerResponse, after)
  return response
}

const say = (stream: ClientStream, ...names: string[]) => {
  for (const name of names) stream.push(notification(name, null))
}

describe('a stream to a client', () => {
  it('numbers its events', () => {
    const { stream } = open()
    const client = attach(stream)
    say(stream, 'a', 'b')
    assert.deepEqual(client.ids, ['k-1', 'k-2'])
  })

  it('keeps what nobody reads until somebody does, once', () => {
    const { stream } = open()
    say(stream, 'a', 'b')
    const client = attach(stream)
    assert.deepEqual(client.said, ['a', 'b'])
    client.emit('close')
    say(stream, 'c')
    assert.deepEqual(attach(stream).said, ['c'])
  })

  it('goes on after the event the client saw last', () => {
    const { stream } = open()
    const first = attach(stream)
    say(stream, 'a', 'b', 'c')
    first.emit('close')
    assert.deepEqual(attach(stream, 1).said, ['b', 'c'])
  })

  it('has one reader: whoever came last', () => {
    const { stream, detached } = open()
    const first = attach(stream)
    const second = attach(stream)
    say(stream, 'a')
    assert.equal(first.ended, true)
    assert.deepEqual([first.said, second.said], [[], ['a']])
    assert.deepEqual(detached, [])
  })

  it('says when its reader is gone, not when it ended itself', () => {
    const { stream, detached } = open()
    attach(stream).emit('close')
    assert.equal(detached.length, 1)
    attach(stream)
    stream.end()
    assert.equal(detached.length, 1)
  })

  it('cuts a reader that is too slow', () => {
    const { stream, detached } = open({ maxBuffered: 10 })
    const client = attach(stream)
    client.writableLength = 11
    say(stream, 'a')
    assert.equal(detached.length, 1)
    assert.equal(stream.attached, false)
  })

  it('gives the rest to a reader that comes after its end', () => {
    const { stream } = open()
    say(stream, 'a')
    stream.end()
    say(stream, 'late')
    const client = attach(stream, 0)
    assert.deepEqual([client.said, client.ended], [['a'], true])
  })

  it('lets the connection go and keeps the stream, when asked to be polled', () => {
    const { stream, detached } = open()
    const client = attach(stream)
    stream.pause(500)
    assert.match(client.text, /retry: 500/)
    assert.deepEqual([client.ended, stream.ended, detached.length], [true, false, 1])
    say(stream, 'a')
    assert.deepEqual(attach(stream).said, ['a'])
  })

  it('that is not resumable has no ids, keeps nothing and cannot be paused', () => {
    const { stream } = open({ key: null })
    const client = attach(stream)
    say(stream, 'a')
    stream.pause(500)
    assert.deepEqual([client.ids, client.ended], [[], false])
    client.emit('close')
    say(stream, 'b')
    assert.deepEqual(attach(stream).said, [])
  })

  it('forgets the oldest first, by number and by bytes, and gives the bytes back', () => {
    const { stream } = open({ maxEvents: 2 })
    say(stream, 'a', 'b', 'c')
    assert.deepEqual(attach(stream, 0).said, ['b', 'c'])
    const budget = createEventBudget(200)
    const small = open({ budget, maxEventBytes: 120 }).stream
    say(small, 'a', 'b', 'c')
    assert.deepEqual(attach(small, 0).said, ['c'])
    small.discard()
    assert.equal(budget.take(200), true)
  })

  it('keeps nothing when all sessions together keep too much, and still sends', () => {
    const { stream } = open({ budget: createEventBudget(0) })
    const client = attach(stream)
    say(stream, 'a')
    assert.deepEqual(client.said, ['a'])
    assert.deepEqual(attach(stream, 0).said, [])
  })

  it('delivers every event exactly once to readers that come and go', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('say', 'leave', 'come')), (steps) => {
        const { stream } = open()
        const seen: string[] = []
        let client: FakeResponse | null = null
        let count = 0
        const collect = () => {
          if (client !== null) seen.push(...client.said)
          client = null
        }
        for (const step of steps) {
          if (step === 'say') say(stream, `m${++count}`)
          else {
            ;(client as FakeResponse | null)?.emit('close')
            collect()
            if (step === 'come') client = attach(stream)
          }
        }
        collect()
        seen.push(...attach(stream).said)
        assert.deepEqual(
          seen,
          Array.from({ length: count }, (_, at) => `m${at + 1}`),
        )
      }),
    )
  })
})

describe('event ids', () => {
  it('are taken apart', () => {
    assert.deepEqual(parseEventId('a-b_c-12'), { key: 'a-b_c', seq: 12 })
  })
  for (const id of ['', '-1', 'a-', 'a', 'a-1x', `${'a'.repeat(65)}-1`, 'a-1234567890123', 'a b-1']) {
    it(`refuses ${JSON.stringify(id.slice(0, 20))}`, () => assert.equal(parseEventId(id), null))
  }
})
