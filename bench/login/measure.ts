/**
 * Logins in the order of time against what was learned before them; attacks against users with twelve logins behind
 * them. Nothing later than a login is known when it is scored.
 * @module
 */

import { login } from '@safeconduct/engine'
import { median, quantile } from '../lib/stats.ts'
import { type Densities, densities } from './bound.ts'
import {
  ATTACKERS,
  type Attacker,
  type Circumstances,
  generate,
  type LoginRow,
  type Parameters,
} from './generate.ts'
import { thresholdAt } from './intervals.ts'
import { random } from './random.ts'

/** `plain` = Freeman as published. The others are ours, each with more to go by. */
export const ARMS = ['plain', 'ours', 'ours + round trip', 'ours + round trip + key'] as const
export type Arm = (typeof ARMS)[number]

/**
 * Not scorers: `bound` knows the generator, every attacker and all of the user that no login has shown yet (`bound.ts`).
 * `bound, new is asked` knows as much, and asks whenever a client or a network is new to the user.
 */
export const BOUNDS = ['bound', 'bound, new is asked'] as const
export type Bound = (typeof BOUNDS)[number]

type Arrival = login.Arrival
type Habit = login.Habit
type LoginCounts = login.LoginCounts
const { clientLevels, countLogin, emptyHabit, emptyLogins, freemanScore, learnArrival, likeness } = login

const HISTORY = 12
const LIMIT = 20_000
/** The first part of the time only teaches what is usual. */
const WARM_UP = 0.2

interface User {
  readonly rows: LoginRow[]
  readonly counts: LoginCounts
  readonly habits: Record<Arm, Habit>
  readonly scores: UserScores
  readonly late: boolean
}

/** Of one user: what the first logins scored, and what one attack of each kind did. */
export interface UserScores {
  readonly own: Readonly<Record<Arm | Bound, number[]>>
  readonly attacks: Readonly<Record<Arm | Bound, Partial<Record<Attacker, number>>>>
}

export interface Result {
  readonly arm: Arm | Bound
  readonly attacker: Attacker
  readonly tpr: number
  /** Of the users, logins of their first twelve on which they are asked again; the very first always counts. */
  readonly median: number
  readonly mean: number
  readonly p90: number
  readonly users: number
}

/** Scores of all users with so many logins who joined after the first part of the time. */
export function measure(parameters: Parameters, seed: number): UserScores[] {
  const world = generate(parameters, seed)
  const known = densities(parameters, world.networks)
  const all = emptyLogins()
  const kinds = emptyLogins([[1, 1, 1]])
  const users = new Map<number, User>()
  const first = world.rows[0]?.at ?? 0
  const span = (world.rows.at(-1)?.at ?? 0) - first
  const r = random(seed + 1)
  for (const row of world.rows) {
    let user = users.get(row.user)
    if (user === undefined) {
      user = newUser(row.at > first + WARM_UP * span)
      users.set(row.user, user)
    }
    const drawn = world.drawnFrom.get(row)
    if (user.rows.length < HISTORY && user.late) {
      for (const arm of ARMS) user.scores.own[arm].push(scoreOf(arm, row, user, all, kinds, users.size))
      for (const arm of BOUNDS) user.scores.own[arm].push(boundOf(arm, row, user.rows, known, drawn?.before))
    }
    learn(user, row)
    countLogin(all, loginOf(row), LIMIT)
    countLogin(kinds, [kindsOf(row)], LIMIT)
    if (user.rows.length !== HISTORY || !user.late) continue
    for (const attacker of ATTACKERS) {
      const attack = world.attack(attacker, user.rows, row.at + r.below(7) * 86_400_000)
      for (const arm of ARMS)
        user.scores.attacks[arm][attacker] = scoreOf(arm, attack, user, all, kinds, users.size)
      for (const arm of BOUNDS)
        user.scores.attacks[arm][attacker] = boundOf(arm, attack, user.rows, known, drawn?.after)
    }
  }
  return [...users.values()]
    .filter(({ late, rows }) => late && rows.length >= HISTORY)
    .map(({ scores }) => scores)
}

/** How often these users are asked where this share of the attacks on them is caught. */
export function resultOf(
  users: readonly UserScores[],
  arm: Arm | Bound,
  attacker: Attacker,
  tpr: number,
): Result {
  const scores = users.map(({ attacks }) => attacks[arm][attacker] ?? Number.NaN).sort((a, b) => a - b)
  const threshold = scores[thresholdAt(scores.length, tpr)] ?? Number.NaN
  const asked = users.map(({ own }) => own[arm].filter((score) => score >= threshold).length)
  return {
    arm,
    attacker,
    tpr,
    median: median(asked),
    mean: asked.reduce((sum, n) => sum + n, 0) / asked.length,
    p90: quantile(
      asked.toSorted((a, b) => a - b),
      0.9,
    ),
    users: users.length,
  }
}

export const RATES = [0.99, 0.98, 0.9] as const

export function resultsOf(users: readonly UserScores[]): Result[] {
  return [...ARMS, ...BOUNDS].flatMap((arm) =>
    ATTACKERS.flatMap((attacker) => RATES.map((tpr) => resultOf(users, arm, attacker, tpr))),
  )
}

/** Logarithm of how much likelier one of the attackers is than the user; whoever proves a key is none of them. */
function boundOf(
  arm: Bound,
  row: LoginRow,
  history: readonly LoginRow[],
  known: Densities,
  drawn: Circumstances | undefined,
): number {
  if (history.length === 0 || drawn === undefined) return Number.POSITIVE_INFINITY
  const isNew = !history.some(({ asn }) => asn === row.asn) || !history.some((past) => sameClient(past, row))
  if (arm === 'bound, new is asked' && isNew) return Number.POSITIVE_INFINITY
  let attack = 0
  for (const attacker of ATTACKERS) attack += known.attack(attacker, row, history) / ATTACKERS.length
  return attack === 0 ? Number.NEGATIVE_INFINITY : Math.log2(attack / known.genuine(row, drawn))
}

/** Whatever its version. */
function sameClient(one: LoginRow, other: LoginRow): boolean {
  return clientLevels(clientOf(one))[1] === clientLevels(clientOf(other))[1]
}

function newUser(late: boolean): User {
  const each = <T>(make: () => T): Record<Arm, T> => ({
    plain: make(),
    ours: make(),
    'ours + round trip': make(),
    'ours + round trip + key': make(),
  })
  const every = <T>(make: () => T): Record<Arm | Bound, T> => ({
    ...each(make),
    bound: make(),
    'bound, new is asked': make(),
  })
  return {
    rows: [],
    counts: emptyLogins(),
    habits: each(emptyHabit),
    scores: { own: every((): number[] => []), attacks: every(() => ({})) },
    late,
  }
}

function learn(user: User, row: LoginRow): void {
  user.rows.push(row)
  countLogin(user.counts, loginOf(row), LIMIT)
  for (const arm of ARMS) if (arm !== 'plain') learnArrival(user.habits[arm], arrivalOf(arm, row))
}

/** The first login of all has nothing to be compared with: it is always asked about. */
function scoreOf(
  arm: Arm,
  row: LoginRow,
  user: User,
  all: LoginCounts,
  kinds: LoginCounts,
  users: number,
): number {
  if (user.rows.length === 0) return Number.POSITIVE_INFINITY
  if (arm === 'plain') return freemanScore(loginOf(row), user.counts, all, users)
  return likeness(user.habits[arm], arrivalOf(arm, row), populationOf(all, kinds)).bits
}

function arrivalOf(arm: Arm, row: LoginRow): Arrival {
  return {
    hour: new Date(row.at).getUTCHours(),
    place: [row.ip, String(row.asn), row.country],
    hosting: row.hosting,
    client: clientOf(row),
    ...(arm === 'ours' ? {} : { roundTrip: row.roundTripMs }),
    ...(arm === 'ours + round trip + key' ? { key: row.key } : {}),
  }
}

function loginOf(row: LoginRow): login.Login {
  return [
    [row.ip, String(row.asn), row.country],
    [row.userAgent, row.browser, row.os, row.device],
  ]
}

/** The levels at which ours compares clients. */
function kindsOf(row: LoginRow): readonly string[] {
  return clientLevels(clientOf(row))
}

function clientOf({ userAgent, browser, browserVersion, os, device }: LoginRow): login.ClientName {
  const family = browser.replace(/ .*/, '')
  return { full: userAgent, family, version: [browserVersion], system: os, device }
}

/** How usual a value is among all logins so far. */
function populationOf(all: LoginCounts, kinds: LoginCounts): login.Population {
  const share = (counts: LoginCounts, level: number, value: string) =>
    ((counts.features[0]?.levels[level]?.get(value) ?? 0) + 0.5) / (counts.rows + 1)
  return {
    place: (level, value) => share(all, level, value),
    client: (level, value) => share(kinds, level, value),
  }
}
