/**
 * Streams of queries against the detector and against PRADA: when each first raises an alarm, and how well a copy made of
 * the queries so far agrees with its model.
 * @module
 */
import { behaviour, extraction } from '@safeconduct/engine'
import { jsonBytes } from '../behaviour/report.ts'
import { random } from '../login/random.ts'
import { type Digit, deal, digits, SIZE } from './digits.ts'
import { label, type Mlp, newMlp, predict, train } from './mlp.ts'
import { newPrada, pradaQuery } from './prada.ts'
import { ATTACKS, agreement, HONEST, honest, type Service, type Step } from './streams.ts'

const { emptyStream, FOUND, foldVector, found, gainsOf, keepQuery, lookAt, othersAt, symbolsOf } = extraction

const MODEL = 'digits/classify'
/** Callers from whom what is usual is learned, and queries of each. */
const TEACHERS = { callers: 4, queries: 300 } as const
/** By kind of honest caller, four streams of each. */
const HONEST_QUERIES = { natural: 1000, skewed: 600, repetitive: 475 } as const
const STREAMS = 4
const ATTACK_QUERIES = 2500
const PRADA_DELTA = 0.95

export interface HonestResult {
  readonly kind: string
  readonly streams: number
  readonly queries: number
  readonly ours: number
  readonly prada: number
  /** log2 of the highest stake; `FOUND` is an alarm. */
  readonly highest: number
}

export interface AttackResult {
  readonly name: string
  readonly tuned: boolean
  readonly goal: number | null
  /** Queries until the first alarm, the alarmed one included; null = none. By identity where there are several. */
  readonly ours: number | null
  /** Where several identities ask: when nobody links them. */
  readonly alone: number | null
  readonly prada: number | null
  readonly queries: number
  /** Share of digits on which a copy made of the queries until our alarm (or of all) says the same, 0–1. */
  readonly copy: number
}

export interface Hardening {
  readonly arm: string
  readonly queries: number
  readonly copy: number
  /** Share of honest callers' digits that the service gets right. */
  readonly honest: number
}

export interface SeedResult {
  readonly seed: number
  /** Of the target. */
  readonly accuracy: number
  readonly honest: readonly HonestResult[]
  readonly attacks: readonly AttackResult[]
  readonly hardening: readonly Hardening[]
  readonly microsPerQuery: number
  readonly stateBytes: number
}

export async function measure(seed: number, progress: (text: string) => void): Promise<SeedResult> {
  const r = random(seed)
  const dealt = deal(await digits(progress), r)
  const target = newMlp(SIZE, 64, 10, r)
  train(target, dealt.target.map(oneHot), 8, 0.05, r)
  const service: Service = (x) => predict(target, x)
  const peers = usual(dealt.others, seed)
  progress(`seed ${seed}: honest callers`)
  const quiet = HONEST.flatMap((kind) => {
    const streams = Array.from({ length: STREAMS }, (_, i) =>
      honest(kind, HONEST_QUERIES[kind], dealt.honest, random(seed * 100 + i)),
    )
    const watched = streams.map((each) => watch(each.map(asStep), peers, target))
    return [
      {
        kind,
        streams: streams.length,
        queries: streams.reduce((sum, { length }) => sum + length, 0),
        ours: watched.filter(({ ours }) => ours !== null).length,
        prada: watched.filter(({ prada }) => prada !== null).length,
        highest: Math.max(...watched.map(({ highest }) => highest)),
      },
    ]
  })
  let spent = 0
  let asked = 0
  let stateBytes = 0
  const attacks = ATTACKS.map((attack): AttackResult => {
    progress(`seed ${seed}: ${attack.name}`)
    const steps = attack.steps(dealt.attacker, service, ATTACK_QUERIES, random(seed + 7))
    const seen = watch(steps, peers, target)
    spent += seen.micros
    asked += seen.watched
    stateBytes = Math.max(stateBytes, seen.stateBytes)
    const until = steps.slice(0, seen.ours ?? steps.length).map(({ x }) => x)
    const each = (n: number | null) => (n === null ? null : Math.ceil(n / attack.identities))
    return {
      name: attack.name,
      tuned: attack.tuned,
      goal: attack.goal,
      ours: each(seen.ours),
      alone: attack.identities === 1 ? null : alone(steps, (own) => watch(own, peers, target).ours),
      prada: attack.identities === 1 ? seen.prada : alone(steps, (own) => prada(own, target)),
      queries: steps.length,
      copy: agreement(until, service, service, dealt.honest, random(seed + 9)),
    }
  })
  return {
    seed,
    accuracy: share(dealt.honest, (digit) => label(service(digit.x)) === digit.label),
    honest: quiet,
    attacks,
    hardening: hardened(dealt, service, seed),
    microsPerQuery: spent / asked,
    stateBytes,
  }
}

/** Settled queries of other callers, as the engine counts them. */
function usual(others: readonly Digit[], seed: number): behaviour.Peers {
  const peers: behaviour.Peers = new Map()
  for (let caller = 0; caller < TEACHERS.callers; caller++) {
    let stream = emptyStream()
    for (const x of honest('natural', TEACHERS.queries, others, random(seed + 50 + caller))) {
      const query = foldVector(Array.from(x))
      if (query === null) continue
      const look = lookAt(stream, query)
      for (const symbol of symbolsOf(MODEL, look)) behaviour.learnPeer(peers, caller, symbol, 1)
      stream = keepQuery(
        stream,
        query,
        look,
        gainsOf(stream, look, () => null),
      )
    }
  }
  return peers
}

interface Watched {
  readonly ours: number | null
  readonly prada: number | null
  readonly highest: number
  readonly micros: number
  readonly watched: number
  readonly stateBytes: number
}

/** All identities as one stream; ours stops at its alarm. */
function watch(steps: readonly Step[], peers: behaviour.Peers, target: Mlp): Watched {
  const others = othersAt(peers, MODEL, null)
  let stream = emptyStream()
  let ours: number | null = null
  let highest = 0
  let watched = 0
  const before = process.cpuUsage()
  for (const [i, { x }] of steps.entries()) {
    const query = foldVector(Array.from(x))
    if (query === null) continue
    const look = lookAt(stream, query)
    stream = keepQuery(stream, query, look, gainsOf(stream, look, others))
    watched++
    highest = Math.max(highest, found(stream.stakes))
    if (found(stream.stakes) < FOUND) continue
    ours = i + 1
    break
  }
  const { user, system } = process.cpuUsage(before)
  return {
    ours,
    prada: prada(steps, target),
    highest,
    micros: user + system,
    watched,
    stateBytes: jsonBytes(stream),
  }
}

/** Each identity by itself; the first alarm among them. */
function alone(steps: readonly Step[], alarm: (own: readonly Step[]) => number | null): number | null {
  const alarms = [...new Set(steps.map(({ identity }) => identity))]
    .map((identity) => alarm(steps.filter((each) => each.identity === identity)))
    .filter((n) => n !== null)
  return alarms.length === 0 ? null : Math.min(...alarms)
}

function prada(steps: readonly Step[], target: Mlp): number | null {
  const state = newPrada()
  for (const [i, { x }] of steps.entries()) {
    const w = pradaQuery(state, x, label(predict(target, x)))
    if (w !== null && w < PRADA_DELTA) return i + 1
  }
  return null
}

/** What is left against copies made of real inputs: fewer queries, and answers without their fine print. */
function hardened(dealt: ReturnType<typeof deal>, service: Service, seed: number): Hardening[] {
  const rounded: Service = (x) => service(x).map((p) => Math.round(p * 10) / 10)
  const top: Service = (x) => {
    const p = service(x)
    const best = label(p)
    return p.map((_, k) => (k === best ? 1 : 0))
  }
  const arms: readonly (readonly [string, Service, number])[] = [
    ['nothing', service, ATTACK_QUERIES],
    ['answers rounded to a tenth', rounded, ATTACK_QUERIES],
    ['only the label', top, ATTACK_QUERIES],
    ['at most 200 queries', service, 200],
    ['at most 200 queries, rounded', rounded, 200],
    ['at most 100 queries, rounded', rounded, 100],
  ]
  const pool = ATTACKS.find(({ name }) => name === 'natural pool')
  return arms.map(([arm, answer, queries]) => {
    const steps = pool?.steps(dealt.attacker, answer, queries, random(seed + 7)) ?? []
    return {
      arm,
      queries,
      copy: agreement(
        steps.map(({ x }) => x),
        answer,
        service,
        dealt.honest,
        random(seed + 9),
      ),
      honest: share(dealt.honest, (digit) => label(answer(digit.x)) === digit.label),
    }
  })
}

function oneHot({ x, label: wanted }: Digit) {
  return { x, y: Float64Array.from({ length: 10 }, (_, k) => (k === wanted ? 1 : 0)) }
}

function asStep(x: Float64Array): Step {
  return { x, attack: false, identity: 0 }
}

function share<T>(items: readonly T[], holds: (item: T) => boolean): number {
  return items.filter(holds).length / items.length
}
