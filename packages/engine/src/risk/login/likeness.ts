/**
 * Whether a login or call comes from where, and with what, this principal usually comes: a sum of clipped terms in bits,
 * each the logarithm of how much likelier it is anybody's than the principal's. What only comes close counts at the level
 * at which it is the same: another address of the same network, a later version of the same program. Old habits fade.
 *
 * The ratio is Freeman's (`freeman.ts`), taken level by level: a value that was never seen is judged by the level above,
 * instead of by a constant. The attacker of the hosting, round-trip and key terms is assumed, not measured.
 * @module
 */
import { type Counts, count, counted, countedAll, emptyCounts } from '../behaviour/counts.ts'
import { emptySpread, type Spread, widen } from '../behaviour/spread.ts'
import { strongest, type Term } from '../behaviour/terms.ts'
import { clip } from '../detector.ts'

/** What is known of one login; null and absent = unknown, and then it says nothing. */
export interface Arrival {
  /** UTC, 0–23. */
  readonly hour: number
  /** Digest of the address, network, country. */
  readonly place: readonly [string, string, string] | null
  readonly hosting: boolean | null
  readonly client: ClientName | null
  /** Milliseconds of the network round trip. */
  readonly roundTrip?: number | null
  /** A key or device that was proven; null = none was. Absent = nobody looked. */
  readonly key?: string | null
}

export interface ClientName {
  /** The whole name as sent. */
  readonly full: string
  readonly family: string
  readonly version: readonly number[]
  readonly system: string
  readonly device: string
}

export interface Habit {
  readonly place: readonly [Counts, Counts, Counts]
  readonly client: readonly [Counts, Counts, Counts]
  /** Latest version by family, system and device. */
  readonly versions: Map<string, readonly number[]>
  readonly hosting: Counts
  readonly hours: Counts
  readonly keys: Counts
  /** By kind of client and key, `\n` between them. */
  readonly clientKeys: Counts
  /** Logarithms of round trips by network and kind of device. */
  readonly trips: Map<string, Spread>
}

/** How usual values of a level are among everybody, 0–1. */
export interface Population {
  place(level: 0 | 1 | 2, value: string): number
  client(level: 0 | 1 | 2, value: string): number
}

const FADING = { halfLife: 30, limit: 24 } as const
const KEPT_TRIPS = 12
/** What one value that differs from those before says for the level above (Witten & Bell 1991), by level. */
const NOVELTY = { place: [1, 1, 0.5], client: [1, 1, 0.5] } as const
const OLDER = 1.5
const CLIPS = {
  place: [-4, 6],
  client: [-3, 5],
  version: [0, OLDER],
  hosting: [-0.5, 3.5],
  hour: [-0.7, 2],
  'round-trip': [-1, 5],
  key: [-6, 4],
} as const
/** Assumed shares among attacks. */
const ATTACK = { hosting: 0.5, key: 0.02 } as const
/** Logins with keys of anywhere that weigh as much as those of this client. */
const KEYS_ANYWHERE = 0.5
/** Chance that a client never seen proves what it does. */
const NEW_CLIENT = 0.5
/** Round trips of one way, as logarithms: least deviation, what few of them leave open, and where noise gets heavy tails. */
const TRIP = { least: 0.08, open: 0.1, tails: 2.5 } as const
const HOUR_WIDTH = 2

export function emptyHabit(): Habit {
  const three = () => [emptyCounts(), emptyCounts(), emptyCounts()] as const
  return {
    place: three(),
    client: three(),
    versions: new Map(),
    hosting: emptyCounts(),
    hours: emptyCounts(),
    keys: emptyCounts(),
    clientKeys: emptyCounts(),
    trips: new Map(),
  }
}

export interface Likeness {
  readonly bits: number
  readonly terms: readonly Term[]
}

/** Above 0 bits: likelier somebody else's. Nothing is said of what was never learned. */
export function likeness(habit: Habit, arrival: Arrival, population: Population): Likeness {
  const terms: [string, number][] = []
  const say = (name: keyof typeof CLIPS, bits: number) => {
    const [low, high] = CLIPS[name]
    if (Number.isFinite(bits)) terms.push([name, clip(bits, low, high)])
  }
  if (arrival.place !== null && countedAll(habit.place[2]) > 0)
    say('place', -ratioBits(habit.place, arrival.place, NOVELTY.place, (l, v) => population.place(l, v)))
  if (arrival.client !== null && countedAll(habit.client[2]) > 0) sayClient(arrival.client)
  if (arrival.hosting !== null && countedAll(habit.hosting) > 0) {
    const own = share(habit.hosting, 'yes', 0.03, 1)
    say('hosting', Math.log2(arrival.hosting ? ATTACK.hosting / own : (1 - ATTACK.hosting) / (1 - own)))
  }
  if (countedAll(habit.hours) > 0) say('hour', -Math.log2(hourShare(habit.hours, arrival.hour) * 24))
  const trip = tripBits(habit, arrival)
  if (trip !== null) say('round-trip', trip)
  if (arrival.key !== undefined && countedAll(habit.keys) > 0)
    say('key', keyBits(habit, arrival.client, arrival.key))
  return { bits: terms.reduce((sum, [, bits]) => sum + bits, 0), terms: strongest(terms, terms.length) }

  function sayClient(client: ClientName): void {
    const levels = clientLevels(client)
    say('client', -ratioBits(habit.client, levels, NOVELTY.client, (l, v) => population.client(l, v)))
    const known = habit.versions.get(kindOf(client))
    // Programs are replaced by what is newer; an older one than yesterday's is another installation.
    if (known !== undefined && newer(known, client.version)) say('version', OLDER)
  }
}

/** Only what was the principal for sure. Changes `habit` in place. */
export function learnArrival(habit: Habit, arrival: Arrival, weight = 1): void {
  const { place, client, hosting, roundTrip, key } = arrival
  if (place !== null) {
    for (const level of [0, 1, 2] as const) count(habit.place[level], place[level], weight, FADING)
  }
  if (client !== null) {
    const values = clientLevels(client)
    for (const level of [0, 1, 2] as const) count(habit.client[level], values[level], weight, FADING)
    const kept = habit.versions.get(kindOf(client))
    habit.versions.delete(kindOf(client))
    habit.versions.set(
      kindOf(client),
      kept === undefined || newer(client.version, kept) ? client.version : kept,
    )
    if (habit.versions.size > FADING.limit) dropOldest(habit.versions)
  }
  if (hosting !== null) count(habit.hosting, hosting ? 'yes' : 'no', weight, FADING)
  count(habit.hours, String(hourOf(arrival.hour)), weight, { ...FADING, limit: 25 })
  if (key !== undefined) {
    const proof = proofOf(key)
    count(habit.keys, proof, weight, FADING)
    if (client !== null) count(habit.clientKeys, `${kindOf(client)}\n${proof}`, weight, FADING)
  }
  const trip = logTrip(roundTrip)
  if (trip !== null && place !== null) {
    const way = wayOf(place, client)
    const seen = habit.trips.get(way) ?? emptySpread()
    habit.trips.delete(way)
    widen(seen, trip, 1)
    habit.trips.set(way, seen)
    if (habit.trips.size > KEPT_TRIPS) dropOldest(habit.trips)
  }
}

/**
 * log2 of p(value | principal) / p(value | everybody): from the coarsest level down, each given the one above it, so that a
 * new address in a country that is itself new costs the journey only. What was not seen is as usual as for everybody.
 */
function ratioBits(
  levels: readonly [Counts, Counts, Counts],
  values: readonly [string, string, string],
  novelty: readonly [number, number, number],
  everybody: (level: 0 | 1 | 2, value: string) => number,
): number {
  let ratio = 1
  let seenAbove = countedAll(levels[2])
  let usualAbove = 1
  let kindsAbove = 1
  for (const level of [2, 1, 0] as const) {
    const counts = levels[level]
    const seen = counted(counts, values[level])
    const usual = clip(everybody(level, values[level]), 1e-6, usualAbove)
    const kinds = Math.max(1, counts.values.size)
    const unseen = novelty[level] * (kinds / kindsAbove)
    ratio *= ((seen * usualAbove) / usual + unseen) / (seenAbove + unseen)
    seenAbove = seen
    usualAbove = usual
    kindsAbove = kinds
  }
  return Math.log2(ratio)
}

/**
 * A client at the levels that are compared: all of its name without the versions of products (RFC 9110 §10.1.5), its family
 * where it runs, where it runs alone. Versions go by themselves (`versions`): an update changes no habit.
 */
export function clientLevels(client: ClientName): readonly [string, string, string] {
  const shape = client.full.replace(/(\/|\brv:)v?\d[\d.]*/g, '$1#')
  return [shape, kindOf(client), `${client.system} ${client.device}`]
}

function kindOf({ family, system, device }: ClientName): string {
  return `${family} ${system} ${device}`
}

function newer(a: readonly number[], b: readonly number[]): boolean {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const [left = 0, right = 0] = [a[i], b[i]]
    if (left !== right) return left > right
  }
  return false
}

function share(counts: Counts, value: string, prior: number, weight: number): number {
  return (counted(counts, value) + prior * weight) / (countedAll(counts) + weight)
}

/** Hours near a usual one are usual, too. */
function hourShare(hours: Counts, hour: number): number {
  let near = 0
  let all = 0
  for (let other = 0; other < 24; other++) {
    const seen = counted(hours, String(other))
    if (seen === 0) continue
    const away = Math.abs(((hourOf(hour) - other + 36) % 24) - 12)
    near += seen * Math.exp(-0.5 * (away / HOUR_WIDTH) ** 2)
    all += seen
  }
  const peak = HOUR_WIDTH * Math.sqrt(2 * Math.PI)
  return (near / peak + 2 / 24) / (all + 2)
}

/** Against an attacker whose round trips to us are spread over a second and longer than the principal's. */
function tripBits(habit: Habit, { place, client, roundTrip }: Arrival): number | null {
  const trip = logTrip(roundTrip)
  const seen = place === null ? undefined : habit.trips.get(wayOf(place, client))
  if (trip === null || seen === undefined || seen.n < 3) return null
  // The mean absolute deviation of what is normal is 0.8 deviations.
  const deviation = Math.max(seen.spread / 0.8, TRIP.least) + TRIP.open / seen.n
  const away = Math.abs(trip - seen.centre) / deviation
  const core = Math.min(away, TRIP.tails)
  // Normal around the own centre, with exponential tails (Huber 1964), against a flat spread over three natural logarithms.
  const unlikely = 0.5 * core * core + TRIP.tails * (away - core)
  return Math.log2((deviation * Math.sqrt(2 * Math.PI)) / 3) + unlikely * Math.LOG2E
}

/** The last stretch differs by device: radio takes longer than a cable. */
function wayOf([, network]: readonly [string, string, string], client: ClientName | null): string {
  return client === null ? network : `${network} ${client.device}`
}

function logTrip(roundTrip: number | null | undefined): number | null {
  return typeof roundTrip === 'number' && roundTrip > 0 && roundTrip < 1e7 ? Math.log(roundTrip) : null
}

/** A key belongs to a device: one that this client always proved is missed, and none is where it never proved any. */
function keyBits({ keys, clientKeys }: Habit, client: ClientName | null, key: string | null): number {
  const proof = proofOf(key)
  const known = key !== null && counted(keys, proof) > 0
  const anywhere = share(keys, proof, 0.02, 1)
  let all = 0
  let same = 0
  const kind = client === null ? null : `${kindOf(client)}\n`
  for (const [name, worth] of kind === null ? [] : clientKeys.values) {
    if (kind === null || !name.startsWith(kind)) continue
    all += worth / clientKeys.unit
    if (name === kind + proof) same += worth / clientKeys.unit
  }
  const here = (same + KEYS_ANYWHERE * anywhere) / (all + KEYS_ANYWHERE)
  // A key that is the principal's speaks for it, whichever client holds it.
  if (known) return Math.log2(ATTACK.key / Math.max(here, anywhere))
  // That the client is new was said already, and what a new one proves nobody knows.
  return Math.log2((1 - ATTACK.key) / (all === 0 ? Math.max(anywhere, NEW_CLIENT) : here))
}

function proofOf(key: string | null): string {
  return key === null ? '' : `=${key}`
}

function hourOf(hour: number): number {
  return Number.isFinite(hour) ? ((Math.trunc(hour) % 24) + 24) % 24 : 0
}

function dropOldest(map: Map<string, unknown>): void {
  const oldest = map.keys().next()
  if (oldest.done !== true) map.delete(oldest.value)
}
