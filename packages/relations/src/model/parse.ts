/**
 * DSL text to a validated model. `@openfga/syntax-transformer` parses and validates; what it hands over is parsed once
 * more into our own shape, because its types are loose.
 *
 * @module
 */
import transformerPackage from '@openfga/syntax-transformer'
import { modelError, type Problem, RelationsError } from '../errors.ts'
import { MAX_MODEL_CHARS, MAX_MODEL_WALKS } from '../limits.ts'
import { withoutIdleBrackets } from './brackets.ts'
import type { ConditionDefinition, ModelDefinition, ParameterType, RelationDefinition } from './definition.ts'
import { nearest } from './nearest.ts'
import { parseRestriction, parseRewrite, record } from './rewrite.ts'
import { walksOf } from './walks.ts'

const { transformer, validator } = transformerPackage

/**
 * @param checked this very text passed before: OpenFGA's validator, which takes long, is not asked again
 * @throws RelationsError `model_syntax` or `model_invalid`, with every finding and its position.
 */
export function parseModel(dsl: string, checked = false): ModelDefinition {
  if (typeof dsl !== 'string' || dsl.length > MAX_MODEL_CHARS)
    throw modelError('model_syntax', [
      { message: `a model is a text of at most ${MAX_MODEL_CHARS} characters` },
    ])
  const text = withoutIdleBrackets(dsl)
  let json: unknown
  try {
    json = checked ? transformer.transformDSLToJSONObject(text) : validated(text)
  } catch (cause) {
    if (cause instanceof RelationsError) throw cause
    throw modelErrorOf(cause, dsl)
  }
  return definitionOf(record(json))
}

/**
 * The validator (0.2.2) fails by itself, not by a finding, where a relation used after `from` takes objects under a
 * condition. All it has left to look at then is whether relations can ever hold, and conditions change nothing there.
 */
function validated(dsl: string): unknown {
  const model = transformer.transformDSLToJSONObject(dsl)
  if (walksOf(typesOf(model.type_definitions), MAX_MODEL_WALKS) >= MAX_MODEL_WALKS)
    throw modelError('model_invalid', [
      {
        message: 'too many relations rest on one another, in chains or in branches that meet again and again',
      },
    ])
  try {
    validator.validateDSL(dsl)
  } catch (cause) {
    if (Array.isArray(record(cause).errors)) throw cause
    validator.validateJSON(
      { id: '', ...withoutConditions(transformer.transformDSLToJSONObject(dsl)) },
      undefined,
      dsl,
    )
  }
  return model
}

type LooseModel = ReturnType<typeof transformer.transformDSLToJSONObject>

function withoutConditions(model: LooseModel): LooseModel {
  const { conditions: _, ...rest } = model
  for (const type of list(rest.type_definitions))
    for (const relation of Object.values(record(record(record(type).metadata).relations))) {
      const seen = new Set<string>()
      const entry = record(relation)
      entry.directly_related_user_types = list(entry.directly_related_user_types)
        .map(parseRestriction)
        .filter(({ type: name, relation: inner, wildcard }) => {
          const text = `${name}#${inner ?? ''}${wildcard}`
          return !seen.has(text) && seen.add(text)
        })
        .map(({ type: name, relation: inner, wildcard }) => ({
          type: name,
          ...(inner === undefined ? {} : { relation: inner }),
          ...(wildcard ? { wildcard: {} } : {}),
        }))
    }
  return rest
}

export function definitionOf(json: Record<string, unknown>): ModelDefinition {
  if (json.schema_version !== '1.1')
    throw modelError('model_invalid', [{ message: 'only schema 1.1 is supported' }])
  const types = typesOf(json.type_definitions)
  const conditions = new Map<string, ConditionDefinition>()
  for (const [name, item] of Object.entries(record(json.conditions))) {
    const condition = record(item)
    const parameters = Object.entries(record(condition.parameters)).map(
      ([parameter, type]) => [parameter, parameterType(type)] as const,
    )
    conditions.set(name, {
      name,
      expression: String(condition.expression),
      parameters: Object.fromEntries(parameters),
    })
  }
  return { types, conditions }
}

function typesOf(definitions: unknown): ModelDefinition['types'] {
  const types = new Map<string, ReadonlyMap<string, RelationDefinition>>()
  for (const item of list(definitions)) {
    const type = record(item)
    const metadata = record(record(type.metadata).relations)
    const relations = new Map<string, RelationDefinition>()
    for (const [name, rewrite] of Object.entries(record(type.relations))) {
      const direct = list(record(metadata[name]).directly_related_user_types)
      relations.set(name, {
        name,
        rewrite: parseRewrite(rewrite),
        restrictions: direct.map(parseRestriction),
      })
    }
    types.set(String(type.type), relations)
  }
  return types
}

const NAMES = [
  'int',
  'uint',
  'double',
  'string',
  'bool',
  'timestamp',
  'duration',
  'ipaddress',
  'any',
  'list',
  'map',
]

function parameterType(value: unknown): ParameterType {
  const type = record(value)
  const name = String(type.type_name).replace('TYPE_NAME_', '').toLowerCase()
  const inner = list(type.generic_types)[0]
  if (!isParameterName(name))
    throw modelError('model_invalid', [{ message: `unknown condition parameter type ${name}` }])
  return inner === undefined ? { name } : { name, of: parameterType(inner) }
}

const isParameterName = (name: string): name is ParameterType['name'] => NAMES.includes(name)
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

const MAX_HINTS = 50

function modelErrorOf(cause: unknown, dsl: string) {
  const names = definedNames(dsl)
  const problems = list(record(cause).errors).map((item, index): Problem => {
    const error = record(item)
    const line = record(error.line).start
    const column = record(error.column).start
    const symbol = record(error.metadata).symbol
    // A hint looks at every name of the model.
    const known = typeof symbol === 'string' && index < MAX_HINTS ? nearest(symbol, names) : undefined
    return {
      message: String(error.msg),
      ...(typeof line === 'number' && typeof column === 'number'
        ? { position: { line: line + 1, column: column + 1 } }
        : {}),
      ...(known === undefined ? {} : { didYouMean: known }),
    }
  })
  const syntax = cause instanceof Error && cause.constructor.name === 'DSLSyntaxError'
  const found = problems.length > 0 ? problems : [{ message: 'the model cannot be read' }]
  return modelError(syntax ? 'model_syntax' : 'model_invalid', found)
}

const definedNames = (dsl: string): string[] =>
  [...dsl.matchAll(/^\s*(?:type|define|condition)\s+([^\s:(]+)/gm)].flatMap((match) => match[1] ?? [])
