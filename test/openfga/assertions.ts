/**
 * OpenFGA's own assertions (shared/vectors/openfga), run against `@safeconduct/relations`.
 *
 * @module
 */
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { RelationStore, RelationsError, type Tuple } from '@safeconduct/relations'
import { parse } from 'yaml'
import * as z from 'zod'

/** Assertions in each file; a run that sees fewer has missed some. */
export const EXPECTED_CASES = {
  'consolidated_1_1_tests.yaml': { check: 360, listObjects: 270, listUsers: 295 },
  'abac_tests.yaml': { check: 125, listObjects: 75, listUsers: 91 },
} as const
export type Kind = 'check' | 'listObjects' | 'listUsers'
export type File = keyof typeof EXPECTED_CASES

const context = z.record(z.string(), z.unknown())
const key = z.object({ object: z.string(), relation: z.string(), user: z.string() })
const tuple = key.extend({
  condition: z.object({ name: z.string(), context: context.optional() }).optional(),
})
const common = {
  errorCode: z.number().optional(),
  contextualTuples: z.array(tuple).nullish(),
  context: context.nullish(),
}
const names = z.array(z.string()).nullish()
const list = <T extends z.ZodType>(one: T) =>
  z
    .array(one)
    .nullish()
    .transform((value) => value ?? [])
const stage = z.object({
  model: z.string(),
  tuples: list(tuple),
  checkAssertions: list(z.object({ tuple: key, expectation: z.boolean().optional(), ...common })),
  listObjectsAssertions: list(
    z.object({
      request: z.object({ user: z.string(), type: z.string(), relation: z.string() }),
      expectation: names,
      ...common,
    }),
  ),
  listUsersAssertions: list(
    z.object({
      request: z.object({ filters: z.tuple([z.string()]), object: z.string(), relation: z.string() }),
      expectation: names,
      ...common,
    }),
  ),
})
const file = z.object({ tests: z.array(z.object({ name: z.string(), stages: z.array(stage) })) })
type Stage = z.infer<typeof stage>

export interface Outcome {
  readonly passed: Record<Kind, number>
  /** Of those passed, how many expected an error code. */
  readonly errors: number
  readonly failures: readonly string[]
}

/** The folder with the vectors, or undefined. */
export function sharedVectors(): string | undefined {
  const root = process.env.SAFECONDUCT_SHARED ?? path.resolve(import.meta.dirname, '../../../shared')
  const folder = path.join(root, 'vectors/openfga')
  return existsSync(path.join(folder, 'consolidated_1_1_tests.yaml')) ? folder : undefined
}

export async function runFile(folder: string, name: File): Promise<Outcome> {
  const { tests } = file.parse(parse(readFileSync(path.join(folder, name), 'utf8')))
  const passed: Record<Kind, number> = { check: 0, listObjects: 0, listUsers: 0 }
  const failures: string[] = []
  let errors = 0
  for (const test of tests) {
    const store = new RelationStore()
    for (const [i, one] of test.stages.entries()) {
      store.writeModel(one.model)
      if (one.tuples.length > 0) store.write(one.tuples.map(clean))
      for (const { kind, wanted, run } of assertionsOf(store, one)) {
        const got = await outcomeOf(run)
        if (got === wanted) {
          passed[kind]++
          if (wanted.startsWith('error')) errors++
        } else failures.push(`${test.name}, stage ${i + 1}, ${kind}: wanted ${wanted}, got ${got}`)
      }
    }
  }
  return { passed, errors, failures }
}

function* assertionsOf(store: RelationStore, one: Stage) {
  for (const each of one.checkAssertions)
    yield {
      kind: 'check' as const,
      wanted: text(each.errorCode, each.expectation),
      run: async () => store.check({ ...each.tuple, ...circumstances(each) }).allowed,
    }
  for (const each of one.listObjectsAssertions)
    yield {
      kind: 'listObjects' as const,
      wanted: text(each.errorCode, each.expectation ?? []),
      run: async () => (await store.listObjects({ ...each.request, ...circumstances(each) })).results,
    }
  for (const each of one.listUsersAssertions) {
    const [type = '', relation] = each.request.filters[0].split('#')
    const { object, relation: asked } = each.request
    const filter = relation === undefined ? { type } : { type, relation }
    yield {
      kind: 'listUsers' as const,
      wanted: text(each.errorCode, each.expectation ?? []),
      run: async () =>
        (await store.listUsers({ object, relation: asked, filter, ...circumstances(each) })).results,
    }
  }
}

type Parsed = z.infer<typeof tuple>

const clean = ({ condition, ...rest }: Parsed): Tuple =>
  condition === undefined
    ? rest
    : {
        ...rest,
        condition: { name: condition.name, ...(condition.context && { context: condition.context }) },
      }

const circumstances = (each: {
  contextualTuples?: Parsed[] | null | undefined
  context?: Record<string, unknown> | null | undefined
}) => ({
  ...(each.contextualTuples ? { contextualTuples: each.contextualTuples.map(clean) } : {}),
  ...(each.context ? { context: each.context } : {}),
})

async function outcomeOf(run: () => Promise<boolean | readonly string[]>): Promise<string> {
  try {
    return text(undefined, await run())
  } catch (error) {
    if (!(error instanceof RelationsError)) throw error
    return text(error.openfgaCode ?? -1, undefined)
  }
}

const text = (error: number | undefined, value: boolean | readonly string[] | undefined): string =>
  error === undefined
    ? typeof value === 'object'
      ? JSON.stringify([...value].sort())
      : String(value)
    : `error ${error}`
