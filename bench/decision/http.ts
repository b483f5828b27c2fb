/**
 * CPU per decision of servers that are asked over HTTP: each in a process of its own on loopback, the same questions
 * over the same number of connections that stay open, in turns. The client's CPU is not counted.
 * @module
 */
import { Agent, request } from 'node:http'
import { median, rounded } from '../lib/stats.ts'
import type { Question } from './scenario.ts'

export const CONNECTIONS = 16
const ROUNDS = 5
const WARM_UP = 4000

/** A server under measurement. Whoever started it stops it. */
export interface Target {
  readonly name: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  body(question: Question): string
  allowed(text: string, question: Question): boolean
  /** CPU of the process so far, all threads. */
  cpuMicros(): Promise<number>
  stop(): Promise<void>
}

export interface HttpRow {
  readonly target: string
  readonly agrees: number
  readonly asked: number
  /** Of the server, a decision; the median of the rounds. */
  readonly cpuMicros: number
  readonly perCoreSecond: number
  /** Wall clock, with `CONNECTIONS` clients on a machine that they share. */
  readonly perSecond: number
  readonly p50Ms: number
}

interface Prepared {
  readonly target: Target
  readonly bodies: readonly string[]
  readonly agent: Agent
}

/** Targets are asked the same questions, round by round, one after the other. */
export async function measureHttp(
  targets: readonly Target[],
  questions: readonly Question[],
  expected: readonly boolean[],
): Promise<HttpRow[]> {
  const prepared = targets.map(
    (target): Prepared => ({
      target,
      bodies: questions.map((question) => target.body(question)),
      agent: new Agent({ keepAlive: true, maxSockets: CONNECTIONS }),
    }),
  )
  try {
    const agrees: number[] = []
    for (const each of prepared) {
      const texts = await askAll(each, questions.length)
      agrees.push(
        texts.filter(({ text }, i) => {
          const question = questions[i]
          return question !== undefined && each.target.allowed(text, question) === expected[i]
        }).length,
      )
      await askAll(each, WARM_UP)
    }
    const rounds: Round[][] = []
    for (let round = 0; round < ROUNDS; round++) {
      const row: Round[] = []
      for (const each of prepared) row.push(await measureRound(each))
      rounds.push(row)
    }
    return prepared.map(({ target }, t) => {
      const of = (key: keyof Round) => median(rounds.map((row) => row[t]?.[key] ?? Number.NaN))
      const cpuMicros = of('cpuMicros')
      return {
        target: target.name,
        agrees: agrees[t] ?? 0,
        asked: questions.length,
        cpuMicros: rounded(cpuMicros, 1),
        perCoreSecond: Math.round(1e6 / cpuMicros),
        perSecond: Math.round(of('perSecond')),
        p50Ms: rounded(of('p50Ms'), 3),
      }
    })
  } finally {
    for (const { agent } of prepared) agent.destroy()
  }
}

interface Round {
  readonly cpuMicros: number
  readonly perSecond: number
  readonly p50Ms: number
}

async function measureRound(prepared: Prepared): Promise<Round> {
  const count = prepared.bodies.length * 2
  const cpu = await prepared.target.cpuMicros()
  const start = performance.now()
  const answers = await askAll(prepared, count)
  const ms = performance.now() - start
  const used = (await prepared.target.cpuMicros()) - cpu
  return {
    cpuMicros: used / count,
    perSecond: (count / ms) * 1000,
    p50Ms: median(answers.map(({ ms }) => ms)),
  }
}

interface Answer {
  readonly text: string
  readonly ms: number
}

/** `count` questions, round and round, `CONNECTIONS` at a time. */
async function askAll({ target, bodies, agent }: Prepared, count: number): Promise<Answer[]> {
  const answers: Answer[] = new Array(count)
  let next = 0
  const client = async () => {
    for (let i = next++; i < count; i = next++) {
      const start = performance.now()
      const text = await post(target, agent, bodies[i % bodies.length] ?? '')
      answers[i] = { text, ms: performance.now() - start }
    }
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, client))
  return answers
}

function post(target: Target, agent: Agent, body: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      ...target.headers,
    }
    const asked = request(target.url, { method: 'POST', agent, headers }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (part: string) => {
        text += part
      })
      response.on('end', () => {
        if (response.statusCode === 200) resolve(text)
        else reject(new Error(`${target.name} answered ${response.statusCode}: ${text.slice(0, 300)}`))
      })
      response.on('error', reject)
    })
    asked.on('error', reject)
    asked.end(body)
  })
}
