import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Attempts, CallContext, RegistrationSigns } from '@safeconduct/protocol'
import fc from 'fast-check'
import { decode, encode } from '../../plain.ts'
import { type Background, background, NO_PEERS, type Peers } from '../behaviour/peers.ts'
import type { Detector, Signal } from '../detector.ts'
import { arrival } from '../detectors/arrival.ts'
import { client } from '../detectors/client.ts'
import { credentials } from '../detectors/credentials.ts'
import { hours } from '../detectors/hours.ts'
import { places } from '../detectors/places.ts'
import { synthetic } from '../detectors/synthetic.ts'
import { completed } from '../learning/completed.ts'
import { isTooFar, kilometresBetween } from './countries.ts'
import { type Arrival, type ClientName, emptyHabit, type Habit, learnArrival, likeness } from './likeness.ts'
import { BURST, registrationSigns } from './registration.ts'
import { arrivalOf, learnSeen, populationOf, seenOf } from './seen.ts'

const alone = () => NO_PEERS
const MINUTE = 60_000
const HOUR = 60 * MINUTE
const START = Date.UTC(2026, 0, 5, 10)

const HOME: CallContext = {
  channel: 'http',
  ip: '8.8.4.4',
  client: 'Desk/1.4.0',
  country: 'NL',
  network: { asn: 1136, hosting: false },
}
const ELSEWHERE: CallContext = {
  channel: 'http',
  ip: '1.1.1.1',
  client: 'Thing/0.1',
  country: 'BR',
  network: { asn: 64500, hosting: true },
}

function signal(context: CallContext, at: number, more: Partial<Signal> = {}): Signal {
  const seen = seenOf(context, alone)
  return {
    at,
    tool: 'desk/look',
    write: false,
    numbers: [],
    parties: [],
    steered: false,
    steering: null,
    place: context.ip,
    proofAge: 0,
    ...(seen === null ? {} : { seen }),
    ...more,
  }
}

function using<S>(detector: Detector<S>) {
  const state = detector.empty()
  return {
    state,
    bits: (each: Signal) => detector.score(state, each, NO_PEERS)?.bits ?? 0,
    reason: (each: Signal) => detector.score(state, each, NO_PEERS)?.reason ?? '',
    allowed(each: Signal) {
      detector.attempt?.(state, each, 'allow')
      detector.settled?.(state, each)
    },
    refused: (each: Signal) => detector.attempt?.(state, each, 'step_up'),
  }
}

test('countries: neighbours are near, continents are far, what is not known says nothing', () => {
  assert.equal(kilometresBetween('DE', 'FR'), 0)
  assert.ok((kilometresBetween('NL', 'AU') ?? 0) > 12_000)
  assert.equal(kilometresBetween('NL', 'XX'), null)
  assert.equal(kilometresBetween('NL', '__proto__'), null)
  assert.equal(isTooFar('NL', 'AU', HOUR), true)
  assert.equal(isTooFar('NL', 'AU', 22 * HOUR), false)
  assert.equal(isTooFar('NL', 'BE', 0), false)
  assert.equal(isTooFar('NL', 'AU', -5 * HOUR), true, 'a clock that went back')
  const codes = fc.constantFrom('US', 'NL', 'JP', 'FJ', 'NZ', 'CL', 'RU', 'ZA')
  fc.assert(
    fc.property(codes, codes, (a, b) => {
      const there = kilometresBetween(a, b) ?? Number.NaN
      assert.equal(there, kilometresBetween(b, a))
      assert.ok(there >= 0 && there < 20_040)
    }),
  )
})

test('places: nobody is in two countries at once; a rented machine explains some; the same network most', () => {
  const at = using(places)
  at.allowed(signal(HOME, START))
  const plain = { ...ELSEWHERE, network: { asn: 1, hosting: false } }
  assert.equal(at.bits(signal(plain, START + 2 * HOUR)), 3)
  assert.ok(at.bits(signal(ELSEWHERE, START + 2 * HOUR)) < 3)
  assert.equal(at.bits(signal(plain, START + 20 * HOUR)), 0, 'a day later it may have flown')
  const beside = { ...HOME, ip: '8.8.8.8' }
  assert.ok(at.bits(signal(beside, START + MINUTE)) <= 1)
  assert.equal(at.bits(signal(beside, START + HOUR)), 0)
  at.refused(signal(plain, START + 2 * HOUR))
  assert.equal(at.bits(signal(plain, START + 2 * HOUR)), 3, 'being refused makes no place known')
})

test('arrival: another network, country and client than ever is doubted until it was let in; home never is', () => {
  const at = using(arrival)
  for (let day = 0; day < 12; day++) at.allowed(signal(HOME, START + day * 24 * HOUR))
  const later = START + 13 * 24 * HOUR
  assert.equal(at.bits(signal(HOME, later)), 0)
  assert.equal(at.bits(signal({ ...HOME, ip: '8.8.9.9' }, later)), 0, 'a new address of the same network')
  assert.equal(at.bits(signal({ ...HOME, client: 'Desk/1.5.0' }, later)), 0, 'an update')
  assert.equal(at.bits(signal(ELSEWHERE, later)), arrival.cap)
  assert.match(at.reason(signal(ELSEWHERE, later)), /its network .* its client|its client .* its network/)
  at.refused(signal(ELSEWHERE, later))
  assert.equal(at.bits(signal(ELSEWHERE, later)), arrival.cap)
  arrival.attempt?.(at.state, signal(ELSEWHERE, later), 'allow')
  assert.equal(at.bits(signal(ELSEWHERE, later + HOUR)), 0, 'let in')
  assert.equal(at.bits(signal(ELSEWHERE, later + 30 * 24 * HOUR)), arrival.cap, 'and forgotten')
})

test('arrival: a thousand calls of one session teach no more than one', () => {
  const at = using(arrival)
  for (let i = 0; i < 1000; i++) at.allowed(signal(HOME, START + i * 1000))
  assert.equal(at.state.learned, 1)
})

test('arrival: what only this agent comes with speaks for it more than what everybody comes with', () => {
  const peers: Peers = new Map()
  const seen = seenOf(HOME, alone)
  assert.ok(seen !== null)
  for (let i = 0; i < 300; i++) learnSeen(peers, i % 4, seen)
  const habit = using(arrival)
  for (let day = 0; day < 12; day++) habit.allowed(signal(HOME, START + day * 24 * HOUR))
  const of = (among: Background) => {
    const each = seenOf(HOME, () => among)
    assert.ok(each !== null)
    return likeness(habit.state.habit, arrivalOf(each, HOME.ip, START), populationOf(each)).bits
  }
  assert.ok(of(NO_PEERS) < of(background(peers, 9)))
})

test('loopback and no address say nothing of a place', () => {
  assert.equal(seenOf({ channel: 'stdio', ip: null, client: null }, alone), null)
  assert.equal(seenOf({ channel: 'http', ip: '127.0.0.1', client: null, country: 'NL' }, alone), null)
  assert.equal(
    seenOf({ channel: 'http', ip: '127.0.0.1', client: 'Desk', country: 'NL' }, alone)?.country,
    null,
  )
})

test('client: letters that look like others, and tools for scripts, where the agent never came so', () => {
  const at = using(client)
  for (let i = 0; i < 6; i++) at.allowed(signal(HOME, START + i * HOUR))
  const named = (name: string) => signal({ ...HOME, client: name }, START + 9 * HOUR)
  assert.equal(at.bits(named('Desk/9.0')), 0)
  assert.equal(at.bits(named('Other/1.0')), 0)
  assert.ok(at.bits(named('D\u0435sk/1.4.0')) > 0, 'a Cyrillic letter')
  assert.ok(at.bits(named('Desk\u202e/1.4.0')) > 0, 'turned around')
  assert.ok(at.bits(named('curl/8.1')) > 0)
  at.refused(named('curl/8.1'))
  assert.ok(at.bits(named('curl/8.1')) > 0, 'being refused makes no client known')
  client.attempt?.(at.state, named('curl/8.1'), 'allow')
  assert.equal(at.bits(named('curl/8.2')), 0, 'let in, so not asked about at the next call')
})

test('hours: nobody is asked about an hour beside the usual ones; the other end of the week is unusual', () => {
  const at = using(hours)
  for (let day = 0; day < 40; day++) {
    if (day % 7 < 5)
      for (const hour of [9, 10, 11, 14, 15])
        at.allowed(signal(HOME, START + day * 24 * HOUR + (hour - 10) * HOUR))
  }
  const monday = START + 42 * 24 * HOUR
  assert.equal(at.bits(signal(HOME, monday)), 0)
  assert.equal(at.bits(signal(HOME, monday + 2 * HOUR)), 0)
  assert.ok(
    at.bits(signal(HOME, monday + 5 * 24 * HOUR - 7 * HOUR)) > 0,
    'three in the morning on a Saturday',
  )
  assert.equal(at.state.hours.length, 168)
})

test('credentials: a proof that came twice, tokens without their key, many failing at the door; each until it is answered', () => {
  const trouble = (more: Partial<Attempts>): Signal =>
    signal(HOME, START, {
      attempts: { replayed: 0, unproven: 0, latest: START, clientsHere: 0, latestHere: START, ...more },
    })
  const at = using(credentials)
  assert.equal(at.bits(signal(HOME, START)), 0)
  assert.ok(at.bits(trouble({ replayed: 1 })) >= 2)
  assert.equal(at.bits(trouble({ unproven: 2 })), 0, 'a clock that is wrong')
  assert.ok(at.bits(trouble({ unproven: 5 })) > 1)
  assert.equal(at.bits(trouble({ clientsHere: 4 })), 0)
  assert.ok(at.bits(trouble({ clientsHere: 5 })) >= 1)
  assert.equal(at.bits(trouble({ replayed: 1e308, clientsHere: 1e308 })), credentials.cap)
  at.refused(trouble({ replayed: 1 }))
  assert.ok(at.bits(trouble({ replayed: 1 })) >= 2)
  at.allowed(trouble({ replayed: 1 }))
  assert.equal(at.bits(trouble({ replayed: 1 })), 0)
  assert.ok(at.bits(trouble({ replayed: 2, latest: START + 1 })) >= 2, 'another one')
})

test('registration: bursts of strangers, names made alike, redirects that anybody can have', () => {
  const one = (more: object = {}) => ({
    id: 'a',
    name: 'invoice-bot',
    registration: 'owner' as const,
    redirectUris: [] as string[],
    createdAt: START,
    ...more,
  })
  assert.equal(registrationSigns(one(), [one()]), null)
  assert.equal(registrationSigns(one({ name: 'worker-2' }), [one({ id: 'b', name: 'worker-1' })]), null)
  assert.equal(registrationSigns(one({ name: 'worker-11' }), [one({ id: 'b', name: 'worker-1' })]), null)
  for (const name of ['inv0ice-bot', 'lnvoice-bot', 'invoice_bot', 'invoice-b0t'])
    assert.equal(registrationSigns(one({ id: 'x', name }), [one()])?.alike, 'invoice-bot', name)
  assert.equal(
    registrationSigns(one({ id: 'x', name: 'rnarket' }), [one({ name: 'market' })])?.alike,
    'market',
  )
  const stranger = (i: number, at = START) =>
    one({ id: `d${i}`, name: `app-00000${i}`, registration: 'dcr', createdAt: at })
  const burst = Array.from({ length: BURST }, (_, i) => stranger(i, START - i * MINUTE))
  assert.equal(registrationSigns(stranger(9), burst)?.burst, BURST + 1)
  assert.equal(registrationSigns(stranger(9), burst)?.alike, null, 'one program installed several times')
  assert.equal(
    registrationSigns(one({ id: 'own', name: 'mine' }), burst),
    null,
    'the owner may register many',
  )
  assert.equal(registrationSigns(stranger(9, START + 2 * HOUR), burst), null)
  for (const uri of ['https://x.ngrok.io/cb', 'https://webhook.site/1', 'https://a.b.trycloudflare.com'])
    assert.equal(registrationSigns(one({ redirectUris: [uri] }), [])?.throwaway, true, uri)
  for (const uri of ['https://notngrok.io/cb', 'com.example.app:/cb', 'http://localhost:1/cb', 'no uri'])
    assert.equal(registrationSigns(one({ redirectUris: [uri] }), []), null, uri)
})

test('synthetic: the signs count for a week, and less with every clean call', () => {
  const signs: RegistrationSigns = { burst: 40, alike: 'invoice-bot', throwaway: true }
  const at = using(synthetic)
  const later = (ms: number) => signal(HOME, START + ms, { registered: { at: START, signs } })
  assert.equal(at.bits(signal(HOME, START)), 0)
  assert.equal(at.bits(later(0)), synthetic.cap)
  assert.ok(at.bits(later(4 * 24 * HOUR)) < synthetic.cap)
  assert.equal(at.bits(later(8 * 24 * HOUR)), 0)
  assert.ok(at.bits(later(-HOUR)) > 0, 'a clock that went back')
  for (let i = 0; i < 50; i++) at.allowed(later(0))
  assert.equal(at.bits(later(0)), 0)
})

const HOSTILE = fc.oneof(
  fc.string({ maxLength: 300 }),
  fc.constantFrom('__proto__', '\u0000', '\ud800', 'a/1e308', `x/${'9'.repeat(400)}`),
)

test('hostile strings and numbers: no throw, bits in bounds, state that is the same after a snapshot, bit for bit', () => {
  const context = fc.record({
    channel: fc.constantFrom('http', 'stdio', 'api'),
    ip: fc.option(fc.oneof(HOSTILE, fc.ipV4(), fc.ipV6())),
    client: fc.option(HOSTILE),
    country: fc.option(fc.oneof(HOSTILE, fc.constantFrom('NL', 'BR', 'AU'))),
    network: fc.option(
      fc.record({
        asn: fc.option(fc.oneof(fc.integer(), fc.double())),
        hosting: fc.option(fc.boolean()),
      }),
    ),
  })
  const times = fc.oneof(
    fc.integer({ min: START, max: START + 40 * 24 * HOUR }),
    fc.constantFrom(0, -1e15, 8.64e15, Number.MAX_SAFE_INTEGER),
  )
  fc.assert(
    fc.property(fc.array(fc.tuple(context, times), { minLength: 1, maxLength: 60 }), (calls) => {
      for (const detector of [
        places,
        arrival,
        client,
        hours,
        credentials,
        synthetic,
      ] as Detector<unknown>[]) {
        let state = detector.empty()
        let again = detector.empty()
        for (const [given, at] of calls) {
          const each = signal(given as CallContext, at)
          const found = detector.score(state, each, NO_PEERS)
          assert.deepEqual(detector.score(again, each, NO_PEERS), found)
          assert.ok(found === null || (found.bits >= 0 && found.bits <= detector.cap), detector.name)
          for (const target of [state, again]) {
            detector.attempt?.(target, each, 'allow')
            detector.settled?.(target, each)
          }
          again = decode(JSON.parse(JSON.stringify(encode(again))))
        }
        assert.deepEqual(again, state, detector.name)
        assert.ok(JSON.stringify(encode(state)).length < 32 * 1024, detector.name)
        state = null
      }
    }),
    { numRuns: 40 },
  )
})

test('an update of a program changes no habit, an older version and another machine do', () => {
  const name = (full: string, version: number): ClientName => ({
    full,
    family: 'browser',
    version: [version],
    system: 'os',
    device: 'desktop',
  })
  const usual = { hour: 10, place: null, hosting: null }
  const habit = emptyHabit()
  for (let version = 100; version < 110; version++)
    learnArrival(habit, {
      ...usual,
      client: name(`Browser/${version}.0 (Machine 7) rv:${version}.0`, version),
    })
  const rare = { place: () => 0.4, client: () => 0.4 }
  const bits = (client: ClientName) => likeness(habit, { ...usual, client }, rare).bits
  assert.ok(
    bits(name('Browser/110.0 (Machine 7) rv:110.0', 110)) <=
      bits(name('Browser/109.0 (Machine 7) rv:109.0', 109)),
  )
  assert.ok(
    bits(name('Browser/90.0 (Machine 7) rv:90.0', 90)) >
      bits(name('Browser/110.0 (Machine 7) rv:110.0', 110)),
  )
  assert.ok(
    bits(name('Browser/110.0 (Machine 8) rv:110.0', 110)) >
      bits(name('Browser/110.0 (Machine 7) rv:110.0', 110)),
  )
})

const DESK: ClientName = { full: 'Desk', family: 'desk', version: [1], system: 'Linux', device: 'desktop' }
const SOMEBODY = { place: () => 0.1, client: () => 0.1 }
const PHONE: ClientName = { full: 'Pocket', family: 'pocket', version: [1], system: 'iOS', device: 'mobile' }

/** The desk proves its key and is near; the phone proves none, and radio takes longer. */
function twoDevices(): Habit {
  const habit = emptyHabit()
  for (let i = 0; i < 24; i++)
    learnArrival(habit, i % 2 === 0 ? loginOf(DESK, 'k', 20 + (i % 3)) : loginOf(PHONE, null, 60 + (i % 3)))
  return habit
}

function loginOf(client: ClientName, key: string | null, roundTrip: number): Arrival {
  return { hour: 10, place: ['address', '1136', 'NL'], hosting: false, client, key, roundTrip }
}

test('a key is missed where this client always proved one, and nowhere else', () => {
  const habit = twoDevices()
  const bitsOf = (name: string, client: ClientName, key: string | null, roundTrip = 21) =>
    likeness(habit, loginOf(client, key, roundTrip), SOMEBODY).terms.find((term) => term.name === name)?.bits
  const key = (client: ClientName, proven: string | null) => bitsOf('key', client, proven) ?? 0
  assert.ok(key(DESK, 'k') < -4 && key(DESK, null) > 2, 'the desk without its key')
  assert.ok(key(PHONE, null) < 0.5, 'the phone as ever')
  assert.ok(key(PHONE, 'k') < -2 && key(DESK, 'another') > 2)
  const strange = { ...PHONE, family: 'else', full: 'Else' }
  assert.ok(
    key(strange, null) < 1.5 && key(strange, 'another') < 1.5,
    'a new client is counted as new only once',
  )
  const trip = (client: ClientName, ms: number) => bitsOf('round-trip', client, null, ms) ?? 0
  assert.ok(trip(DESK, 21) === -1 && trip(PHONE, 61) === -1)
  assert.ok(trip(DESK, 61) === 5, 'what is usual for the phone is far for the desk')
})

test('a habit without keys by client, as an earlier release saved it, is completed, judges and learns', () => {
  const { clientKeys: _, ...older } = twoDevices()
  const habit = completed(emptyHabit(), decode(encode(older))) as Habit
  for (const key of [null, 'k', 'another']) {
    const call = loginOf(DESK, key, 21)
    assert.ok(Number.isFinite(likeness(habit, call, SOMEBODY).bits))
    learnArrival(habit, call)
  }
  assert.ok(habit.clientKeys.values.size > 0)
})
