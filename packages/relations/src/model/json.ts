/**
 * Models as OpenFGA's JSON, which its clients write and read; what is evaluated is always the text.
 *
 * @module
 */
import { isDeepStrictEqual } from 'node:util'
import transformerPackage from '@openfga/syntax-transformer'
import { modelError } from '../errors.ts'
import { MAX_MODEL_CHARS } from '../limits.ts'
import { isRelationName, isTypeName } from '../names.ts'
import { withoutIdleBrackets } from './brackets.ts'
import type { ModelDefinition } from './definition.ts'
import { definitionOf, parseModel } from './parse.ts'
import { record } from './rewrite.ts'

const { transformer } = transformerPackage

const invalid = (message: string) => modelError('model_invalid', [{ message }])

/**
 * The text of a model given as JSON. Names are looked at first, so that none of them can be read as more than a name.
 * @throws RelationsError `model_syntax`, `model_invalid`
 */
export function modelFromJson(json: unknown): string {
  const given = record(json)
  const names = namesOf(given)
  for (const name of names.types) if (!isTypeName(name)) throw invalid(`${shown(name)} is not a type name`)
  for (const [type, relation] of names.relations)
    if (!isRelationName(relation)) throw invalid(`${shown(relation)} of ${type} is not a relation name`)
  if (new Set(names.types).size !== names.types.length) throw invalid('a type is defined twice')
  const version = given.schema_version
  if (version !== '1.1') throw invalid('schema_version must be 1.1')
  let dsl: string
  try {
    const { schema_version, type_definitions, conditions = {} } = given
    const text = JSON.stringify({ schema_version, type_definitions, conditions })
    if (text.length > MAX_MODEL_CHARS * 4) throw invalid('the model is too long')
    dsl = transformer.transformJSONStringToDSL(text)
  } catch (cause) {
    throw modelError('model_invalid', [
      { message: cause instanceof Error ? cause.message : 'it cannot be read' },
    ])
  }
  if (!isDeepStrictEqual(meaning(parseModel(dsl)), meaning(definitionOf(given))))
    throw invalid('the model cannot be written as text without becoming another one')
  return dsl
}

/** @throws RelationsError `model_syntax`, `model_invalid` */
export function modelToJson(dsl: string): Record<string, unknown> {
  parseModel(dsl)
  return { ...record(transformer.transformDSLToJSONObject(withoutIdleBrackets(dsl))) }
}

interface Names {
  readonly types: readonly string[]
  readonly relations: readonly (readonly [string, string])[]
}

function namesOf(json: Record<string, unknown>): Names {
  const definitions = Array.isArray(json.type_definitions) ? json.type_definitions.map(record) : []
  const types = definitions.map(({ type }) => String(type))
  const relations = definitions.flatMap(({ type, relations: of }) =>
    Object.keys(record(of)).map((name) => [String(type), name] as const),
  )
  return { types, relations }
}

/** Without what the text form does not keep: blanks around expressions. Maps compare whatever their order. */
const meaning = ({ types, conditions }: ModelDefinition) => ({
  types,
  conditions: new Map(
    [...conditions].map(([name, one]) => [name, { ...one, expression: one.expression.trim() }]),
  ),
})

const shown = (name: string): string => JSON.stringify(name.slice(0, 60))
