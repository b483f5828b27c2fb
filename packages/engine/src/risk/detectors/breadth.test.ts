import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { test } from 'node:test'
import { decode, encode } from '../../plain.ts'
import { background, NO_PEERS, type Peers } from '../behaviour/peers.ts'
import { learnWithin } from '../customs.ts'
import type { Signal } from '../detector.ts'
import { breadth, takeWindows } from './breadth.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const thing = (name: string): number => Number.parseInt(hash('sha256', name, 'hex').slice(0, 8), 16)

function signal(at: number, what: string, write = false): Signal {
  return {
    at,
    tool: 'desk/get',
    write,
    numbers: [],
    parties: [],
    targets: [thing(what)],
    steered: false,
    steering: null,
    place: null,
    proofAge: null,
  }
}

type State = ReturnType<typeof breadth.empty>
function call(state: State, one: Signal): void {
  breadth.attempt?.(state, one, 'allow')
  breadth.settled?.(state, one)
}

/** Days of eight hours with so many different records in each, the same ones every day. */
function clerk(days: number, perHour: number, write = false): State {
  const state = breadth.empty()
  for (let day = 0; day < days; day++)
    for (let hour = 0; hour < 8; hour++)
      for (let i = 0; i < perHour; i++)
        call(state, signal(day * DAY + hour * HOUR + i, `r${hour}-${i}`, write))
  return state
}

const score = (state: State, one: Signal, peers = NO_PEERS) => breadth.score(state, one, peers)

test('a mass of records within an hour speaks, known ones as well as new ones; as many as usual do not', () => {
  for (const write of [false, true]) {
    const state = clerk(8, 10, write)
    const at = 8 * DAY
    for (let i = 0; i < 10; i++) breadth.attempt?.(state, signal(at + i, `r0-${i}`, write), 'allow')
    assert.equal(score(state, signal(at, 'r0-10', write)), null)
    for (let i = 0; i < 300; i++)
      breadth.attempt?.(state, signal(at + i, `r${i % 8}-${i % 80}`, write), 'allow')
    const known = score(state, signal(at, 'r1-1', write))
    for (let i = 0; i < 300; i++) breadth.attempt?.(state, signal(at + i, `new-${i}`, write), 'allow')
    const mass = score(state, signal(at, 'new-1', write))
    assert.ok(known !== null && known.bits > 0.5, 'eighty known ones')
    assert.ok(mass !== null && mass.bits > known.bits)
    assert.equal(score(state, signal(at, 'new-1', !write)), null, 'reads and writes are told apart')
  }
})

test('one record read a thousand times is one record', () => {
  const state = clerk(8, 10)
  for (let i = 0; i < 1000; i++) breadth.attempt?.(state, signal(8 * DAY + i, 'same'), 'allow')
  assert.equal(score(state, signal(8 * DAY + 1000, 'same')), null)
})

test('over a day the same, with pauses that keep every hour small', () => {
  const state = clerk(12, 4)
  let worst = 0
  for (let hour = 0; hour < 24; hour++)
    for (let i = 0; i < 40; i++) {
      const one = signal(12 * DAY + hour * HOUR + i, `slow-${hour}-${i}`)
      worst = Math.max(worst, score(state, one)?.bits ?? 0)
      breadth.attempt?.(state, one, 'allow')
    }
  assert.ok(worst > 1, String(worst))
})

/** Nights of `batch` things at two o'clock, hours of `quiet` ones. @returns bits by night, at their worst */
function nights(
  state: State,
  days: number,
  quiet: number,
  batch: (day: number) => number,
  first = 0,
): number[] {
  const worst: number[] = []
  for (let day = first; day < first + days; day++) {
    let most = 0
    for (let hour = 0; hour < 24; hour++)
      for (let i = 0; i < (hour === 2 ? batch(day) : quiet); i++) {
        const one = signal(day * DAY + hour * HOUR + i * 1000, `r${hour}-${i}`)
        most = Math.max(most, score(state, one)?.bits ?? 0)
        call(state, one)
      }
    worst.push(most)
  }
  return worst
}

test('a batch that comes every night, or every week, is usual after three that settled, at its time and in its size', () => {
  for (const [quiet, batch] of [
    [3, 300],
    [5, 200],
    [20, 400],
  ] as const) {
    const state = breadth.empty()
    const worst = nights(state, 40, quiet, () => batch)
    assert.deepEqual(
      worst.slice(6).filter((found) => found > 0),
      [],
      `${quiet} and ${batch}: ${worst.map((found) => found.toFixed(1)).join(' ')}`,
    )
    const at = 40 * DAY + 2 * HOUR
    const more = structuredClone(state)
    for (let i = 0; i < batch * 4; i++) breadth.attempt?.(more, signal(at, `new-${i}`), 'allow')
    assert.ok((score(more, signal(at, 'x'))?.bits ?? 0) > 1, 'four times as much is not usual')
    const noon = 40 * DAY + 12 * HOUR
    for (let i = 0; i < batch; i++) breadth.attempt?.(state, signal(noon, `new-${i}`), 'allow')
    assert.ok((score(state, signal(noon, 'x'))?.bits ?? 0) > 1, 'nor is it at noon')
    const copy = decode(JSON.parse(JSON.stringify(encode(state)))) as State
    assert.deepEqual(score(copy, signal(noon, 'x')), score(state, signal(noon, 'x')))
  }
  const weekly = nights(breadth.empty(), 70, 4, (day) => (day % 7 === 5 ? 300 : 4))
  assert.ok((weekly[5] ?? 0) > 1 && (weekly[12] ?? 0) > 1)
  assert.deepEqual(
    weekly.slice(30).filter((found) => found > 0),
    [],
    weekly.map((found) => found.toFixed(1)).join(' '),
  )
})

test('twice is not often, and what was not seen for long is usual no more', () => {
  const twice = nights(breadth.empty(), 34, 4, (day) => (day === 20 || day === 26 || day === 32 ? 300 : 4))
  assert.ok([20, 26, 32].every((day) => (twice[day] ?? 0) > 1))
  const state = breadth.empty()
  nights(state, 12, 4, () => 300)
  nights(state, 60, 4, () => 4, 12)
  assert.ok((nights(state, 1, 4, () => 300, 72)[0] ?? 0) > 1)
})

test('what others commonly do in an hour says less; of a new agent they are the only measure, and that is said', () => {
  const peers = (size: string): typeof NO_PEERS & { breadths: ReturnType<typeof background> } => {
    const of: Peers = new Map()
    for (let group = 0; group < 5; group++)
      for (let i = 0; i < 60; i++) learnWithin(of, group, 'reads hour', size)
    return { ...NO_PEERS, breadths: background(of, 9) }
  }
  const state = clerk(8, 10)
  const fresh = breadth.empty()
  for (const one of [state, fresh])
    for (let i = 0; i < 400; i++) breadth.attempt?.(one, signal(8 * DAY + i, `new-${i}`), 'allow')
  const probe = signal(8 * DAY, 'more')
  assert.ok((score(state, probe, peers('3'))?.bits ?? 0) > 3)
  assert.equal(score(state, probe, peers('9')), null, 'everybody does')
  const cold = score(fresh, probe, peers('3'))
  assert.ok(cold !== null && cold.bits <= 1 && cold.confidence <= 0.25)
  assert.match(cold.reason, /The agent is new.*at most/)
  assert.equal(score(fresh, probe), null, 'nobody to compare with')
})

test('windows that are over are told of once, with the power of two of their things', () => {
  const state = clerk(2, 9)
  const told = takeWindows(new Map([[breadth.name, state]]))
  assert.equal(told.filter(([kind]) => kind === 'reads day').length, 1)
  assert.ok(told.some(([kind, size]) => kind === 'reads hour' && size === '3'))
  assert.deepEqual(takeWindows(new Map([[breadth.name, state]])), [])
})

test('a clock that goes back opens no new window, and read back it says the same', () => {
  const state = clerk(8, 10)
  for (let i = 0; i < 400; i++) breadth.attempt?.(state, signal(8 * DAY + i, `new-${i}`), 'allow')
  const forward = score(state, signal(8 * DAY, 'x'))
  assert.deepEqual(score(state, signal(5 * DAY, 'x')), forward)
  breadth.attempt?.(state, signal(Number.NaN, 'y'), 'allow')
  breadth.settled?.(state, signal(Number.NaN, 'y'))
  const copy = decode(JSON.parse(JSON.stringify(encode(state)))) as State
  assert.deepEqual(score(copy, signal(8 * DAY, 'x')), score(state, signal(8 * DAY, 'x')))
  breadth.looked?.(state)
  assert.equal(score(state, signal(8 * DAY, 'x')), null)
})
