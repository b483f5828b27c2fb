/**
 * The interop vectors, asked over HTTP. Requests and answers are held to the published JSON schemas.
 */
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '@safeconduct/protocol'
import * as z from 'zod'
import type { Asking, DecisionPoint } from './decision-point.ts'
import { gatewayScenario, idpScenario, searchScenario, todoScenario } from './scenarios.ts'
import { problemsOf } from './schema.ts'

export function sharedVectors(): string | undefined {
  const root = process.env.SAFECONDUCT_SHARED ?? path.resolve(import.meta.dirname, '../../../shared')
  const folder = path.join(root, 'vectors/authzen')
  return existsSync(path.join(folder, 'interop')) ? folder : undefined
}

export const EXPECTED_CASES = {
  todo: 43,
  gateway: 25,
  subject: 60,
  resource: 18,
  action: 120,
  idp: 6,
} as const
export type VectorSet = keyof typeof EXPECTED_CASES

const FILES: Readonly<Record<VectorSet, string>> = {
  todo: 'authzen-todo-backend/test/decisions-authorization-api-1_0-02.json',
  gateway: 'authzen-api-gateways/test-harness/test/decisions.json',
  subject: 'authzen-search-demo/test/subject/results.json',
  resource: 'authzen-search-demo/test/resource/results.json',
  action: 'authzen-search-demo/test/action/results.json',
  idp: 'authzen-idp/test-harness/src/results.json',
}

const json = z.custom<JsonObject>((value) => typeof value === 'object' && value !== null)
const kase = z.object({ request: json, expected: z.custom<JsonValue>() })
const file = z.object({
  evaluation: z.array(kase).default([]),
  evaluations: z.array(kase).default([]),
  search: z.array(kase).default([]),
})

export interface Case {
  readonly set: VectorSet
  readonly path: string
  readonly request: JsonObject
  readonly expected: JsonValue
}

export interface Vectors {
  readonly cases: readonly Case[]
  /** Puts the stores up and asks one case; says what differs, null when nothing does. */
  prepare(point: DecisionPoint): Promise<(one: Case) => Promise<string | null>>
}

const ENDPOINTS: Readonly<Record<VectorSet, string>> = {
  todo: 'evaluation',
  gateway: 'evaluation',
  subject: 'search/subject',
  resource: 'search/resource',
  action: 'search/action',
  idp: 'search/resource',
}

export function readVectors(folder: string): Vectors {
  const interop = path.join(folder, 'interop')
  const cases = (Object.keys(FILES) as VectorSet[]).flatMap((set): Case[] => {
    const found = file.parse(JSON.parse(readFileSync(path.join(interop, FILES[set]), 'utf8')))
    const to = (endpoint: string) => (one: z.infer<typeof kase>) => ({
      set,
      path: `/access/v1/${endpoint}`,
      ...one,
    })
    return [
      ...[...found.evaluation, ...found.search].map(to(ENDPOINTS[set])),
      ...found.evaluations.map(to('evaluations')),
    ]
  })
  const schema = (name: string): JsonObject =>
    json.parse(JSON.parse(readFileSync(path.join(folder, 'api/schemas', `${name}.schema.json`), 'utf8')))
  const schemas = { request: schema('evaluation-request'), response: schema('evaluation-response') }

  return {
    cases,
    async prepare(point) {
      const stores = {
        todo: todoScenario(askedIn(cases, 'todo')),
        gateway: gatewayScenario(askedIn(cases, 'gateway')),
        search: searchScenario(interop),
        idp: idpScenario(interop),
      }
      const pep: Partial<Record<string, Asking>> = {}
      for (const [name, source] of Object.entries(stores)) {
        await point.apply(name, source)
        // Each application has an enforcement point of its own, so plain paths reach its store.
        pep[name] = await point.register(`pep-${name}`, { stores: [name] })
      }
      return async (one) => {
        const asking = pep[one.set] ?? pep.search
        if (asking === undefined) return 'nobody asks'
        const { status, json: answer, text } = await asking.post(one.path, one.request)
        if (status !== 200) return `status ${status}: ${text}`
        const wrong = one.path.endsWith('/evaluation')
          ? [...problemsOf(schemas.request, one.request), ...problemsOf(schemas.response, answer)]
          : partsOf(answer).flatMap((part) => problemsOf(schemas.response, part))
        if (wrong.length > 0) return wrong.join('; ')
        const got = comparable(answer)
        const wanted = comparable(wrapped(one.expected))
        return isDeepStrictEqual(got, wanted)
          ? null
          : `${JSON.stringify(got)} instead of ${JSON.stringify(wanted)}`
      }
    },
  }
}

function askedIn(cases: readonly Case[], set: VectorSet) {
  return cases
    .filter((one) => one.set === set && one.path.endsWith('/evaluation'))
    .map(({ request }) => ({
      subject: textAt(request, 'subject', 'id'),
      action: textAt(request, 'action', 'name'),
      resource: textAt(request, 'resource', 'id'),
    }))
}

function textAt(value: JsonObject, ...path: string[]): string {
  const [head = '', ...rest] = path
  const member = value[head]
  if (rest.length === 0) return typeof member === 'string' ? member : ''
  return isJsonObject(member) ? textAt(member, ...rest) : ''
}

function partsOf(answer: JsonObject): JsonObject[] {
  const { evaluations } = answer
  return evaluations !== undefined && isJsonArray(evaluations) ? evaluations.filter(isJsonObject) : []
}

/** What the vectors say of the answer: a decision, decisions, or results in any order. */
function wrapped(expected: JsonValue): JsonObject {
  if (typeof expected === 'boolean') return { decision: expected }
  if (isJsonArray(expected)) return { evaluations: expected }
  return isJsonObject(expected) ? expected : {}
}

function comparable({ decision, evaluations, results }: JsonObject): unknown {
  if (decision !== undefined) return decision
  if (evaluations !== undefined && isJsonArray(evaluations))
    return evaluations.map((one) => (isJsonObject(one) ? one.decision : null))
  return results !== undefined && isJsonArray(results)
    ? results.map((one) => JSON.stringify(one)).sort()
    : null
}
