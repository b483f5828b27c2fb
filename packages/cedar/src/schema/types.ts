/**
 * Types of a schema with every name resolved.
 *
 * @module
 */

import type { Type } from '@cedar-policy/cedar-wasm/nodejs'
import { CedarError } from '../errors.ts'

export type ExtensionName = 'ipaddr' | 'decimal' | 'datetime' | 'duration'

export interface AttributeType {
  readonly type: SchemaType
  readonly required: boolean
}

export type SchemaType =
  | { readonly kind: 'bool' | 'long' | 'string' }
  | { readonly kind: 'set'; readonly element: SchemaType }
  | { readonly kind: 'record'; readonly attributes: ReadonlyMap<string, AttributeType> }
  | { readonly kind: 'entity'; readonly name: string }
  | { readonly kind: 'extension'; readonly name: ExtensionName }

/**
 * Common types by full name. Each is resolved once, so types that use each other many times over cost no more
 * than their text.
 */
export interface CommonTypes {
  readonly definitions: ReadonlyMap<string, Type<string>>
  readonly resolved: Map<string, SchemaType>
}

const builtIn: ReadonlyMap<string, SchemaType> = new Map<string, SchemaType>([
  ['Bool', { kind: 'bool' }],
  ['Boolean', { kind: 'bool' }],
  ['Long', { kind: 'long' }],
  ['String', { kind: 'string' }],
  ...(['ipaddr', 'decimal', 'datetime', 'duration'] as const).map(
    (name) => [name, { kind: 'extension', name }] as [string, SchemaType],
  ),
])

/** The schema is resolved and free of cycles: cedar-wasm has checked it. @throws {CedarError} `schema_invalid` */
export function resolveType(json: Type<string>, commonTypes: CommonTypes): SchemaType {
  if (json.type === 'Set' && 'element' in json) {
    return { kind: 'set', element: resolveType(json.element, commonTypes) }
  }
  if (json.type === 'Record') return resolveRecord(json, commonTypes)
  if ((json.type === 'Entity' || json.type === 'EntityOrCommon') && 'name' in json) {
    return { kind: 'entity', name: json.name }
  }
  const name = json.type === 'Extension' && 'name' in json ? json.name : json.type
  const common = resolveCommon(name, commonTypes)
  if (common !== undefined) return common
  const found = builtIn.get(name.replace(/^__cedar::/, ''))
  if (found === undefined) throw new CedarError('schema_invalid', `unknown type \`${name}\``)
  return found
}

function resolveCommon(name: string, commonTypes: CommonTypes): SchemaType | undefined {
  const known = commonTypes.resolved.get(name)
  const definition = commonTypes.definitions.get(name)
  if (known !== undefined || definition === undefined) return known
  const type = resolveType(definition, commonTypes)
  commonTypes.resolved.set(name, type)
  return type
}

function resolveRecord(json: Type<string>, commonTypes: CommonTypes): SchemaType {
  const attributes = 'attributes' in json ? Object.entries(json.attributes) : []
  return {
    kind: 'record',
    attributes: new Map(
      attributes.map(([name, of]) => [
        name,
        { type: resolveType(of, commonTypes), required: of.required ?? true },
      ]),
    ),
  }
}

/** The type as a schema text would write it, for messages. */
export function describe(type: SchemaType): string {
  switch (type.kind) {
    case 'set':
      return `Set<${describe(type.element)}>`
    case 'record':
      return 'record'
    case 'entity':
    case 'extension':
      return type.name
    default:
      return type.kind
  }
}
