/**
 * A schema, resolved: what entities look like, and which requests an action takes.
 *
 * @module
 */

import type { DetailedError, SchemaJson } from '@cedar-policy/cedar-wasm/nodejs'
import { ancestorsOf, type Entity, type EntityView, noAncestors } from '../entities/entity.ts'
import { CedarError, errorOf } from '../errors.ts'
import { type SchemaSource, wasmSchema } from '../source/parse.ts'
import { callWasm, problemFrom } from '../source/wasm.ts'
import { EntityUid } from '../values.ts'
import { refuseDoubling } from './expansion.ts'
import { type AttributeType, type CommonTypes, resolveType, type SchemaType } from './types.ts'

export interface EntityTypeInfo {
  readonly name: string
  readonly attributes: ReadonlyMap<string, AttributeType>
  readonly tags: SchemaType | undefined
  /** Types that may be above this one, at any distance. */
  readonly ancestorTypes: ReadonlySet<string>
  /** The only ids there are, for an enumerated type. */
  readonly ids: ReadonlySet<string> | undefined
}

export interface ActionInfo {
  readonly entity: Entity
  readonly principalTypes: ReadonlySet<string>
  readonly resourceTypes: ReadonlySet<string>
  readonly context: ReadonlyMap<string, AttributeType>
}

export interface CedarSchema {
  /** As it was given, for cedar-wasm. */
  readonly source: SchemaSource
  readonly entityTypes: ReadonlyMap<string, EntityTypeInfo>
  /** By `EntityUid.key`. */
  readonly actions: ReadonlyMap<string, ActionInfo>
  /** The action entities with their hierarchy. */
  readonly actionEntities: EntityView
}

/**
 * Parses and checks a schema.
 *
 * @throws {CedarError} `schema_invalid` with positions where the text has them, `limit_exceeded`
 */
export function parseSchema(source: SchemaSource): CedarSchema {
  const namespaces = resolvedNamespaces(source)
  const definitions = Object.entries(namespaces).flatMap(([namespace, { commonTypes: types }]) =>
    Object.entries(types ?? {}).map(([name, type]) => [qualified(namespace, name), type] as const),
  )
  const commonTypes: CommonTypes = { definitions: new Map(definitions), resolved: new Map() }
  const actions = readActions(namespaces, commonTypes)
  return {
    source,
    entityTypes: readEntityTypes(namespaces, commonTypes),
    actions,
    actionEntities: actionView(actions),
  }
}

function resolvedNamespaces(source: SchemaSource): SchemaJson<string> {
  const schema = wasmSchema(source)
  const whole = typeof schema === 'string' ? schema : ''
  // Only this writes no type out.
  const resolved = (text: string) => accepted(whole, (wasm) => wasm.schemaToJsonWithResolvedTypes(text)).json
  const given = typeof schema === 'string' ? resolved(schema) : schema
  refuseDoubling(given)
  // Resolving alone does not look for cycles or for types that are missing in unused places.
  accepted(whole, (wasm) => wasm.checkParseSchema(schema))
  return typeof schema === 'string' ? given : resolved(accepted('', (wasm) => wasm.schemaToText(schema)).text)
}

type Failure = { type: 'failure'; errors: DetailedError[] }

/** The answer unless it is a failure. @throws {CedarError} `schema_invalid` */
function accepted<T extends { type: 'success' }>(
  whole: string,
  call: Parameters<typeof callWasm<T | Failure>>[0],
): Exclude<T, Failure> {
  const answer = callWasm(call, 'schema_invalid')
  if (answer.type === 'success') return answer as Exclude<T, Failure>
  const part = { text: whole, start: 0, whole }
  throw errorOf(answer.errors.map((each) => problemFrom(each, 'schema_invalid', 'error', part)))
}

function readEntityTypes(
  namespaces: SchemaJson<string>,
  commonTypes: CommonTypes,
): Map<string, EntityTypeInfo> {
  const parents = new Map<string, readonly string[]>()
  const shapes = new Map<string, Omit<EntityTypeInfo, 'ancestorTypes'>>()
  for (const [namespace, { entityTypes }] of Object.entries(namespaces)) {
    for (const [shortName, json] of Object.entries(entityTypes)) {
      const name = qualified(namespace, shortName)
      const standard = 'enum' in json ? undefined : json
      parents.set(name, standard?.memberOfTypes ?? [])
      shapes.set(name, {
        name,
        attributes:
          standard?.shape === undefined ? new Map() : attributesOf(resolveType(standard.shape, commonTypes)),
        tags: standard?.tags === undefined ? undefined : resolveType(standard.tags, commonTypes),
        ids: 'enum' in json ? new Set(json.enum) : undefined,
      })
    }
  }
  return new Map(
    [...shapes].map(([name, shape]) => [
      name,
      { ...shape, ancestorTypes: closure(name, (each) => parents.get(each)) },
    ]),
  )
}

function readActions(namespaces: SchemaJson<string>, commonTypes: CommonTypes): Map<string, ActionInfo> {
  const actions = new Map<string, ActionInfo>()
  for (const [namespace, { actions: declared }] of Object.entries(namespaces)) {
    for (const [id, json] of Object.entries(declared)) {
      const type = qualified(namespace, 'Action')
      const uid = new EntityUid(type, id)
      const parents = (json.memberOf ?? []).map((parent) => new EntityUid(parent.type ?? type, parent.id))
      const context = json.appliesTo?.context
      actions.set(uid.key, {
        entity: { uid, attributes: new Map(), tags: new Map(), parents },
        principalTypes: new Set(json.appliesTo?.principalTypes),
        resourceTypes: new Set(json.appliesTo?.resourceTypes),
        context: context === undefined ? new Map() : attributesOf(resolveType(context, commonTypes)),
      })
    }
  }
  return actions
}

function actionView(actions: ReadonlyMap<string, ActionInfo>): EntityView {
  const find = (key: string) => actions.get(key)?.entity
  const above = new Map([...actions.keys()].map((key) => [key, ancestorsOf(key, find)]))
  const types = Map.groupBy(actions.values(), ({ entity }) => entity.uid.type)
  const byId = new Map(
    [...types].map(([type, of]) => [type, new Map(of.map(({ entity }) => [entity.uid.id, entity]))]),
  )
  return {
    find,
    lookup: (type, id) => byId.get(type)?.get(id),
    ancestors: (key) => above.get(key) ?? noAncestors,
  }
}

function closure(start: string, parentsOf: (name: string) => readonly string[] | undefined): Set<string> {
  const reached = new Set(parentsOf(start))
  for (const name of reached) for (const parent of parentsOf(name) ?? []) reached.add(parent)
  return reached
}

function attributesOf(type: SchemaType): ReadonlyMap<string, AttributeType> {
  if (type.kind === 'record') return type.attributes
  throw new CedarError('schema_invalid', 'a shape or a context must be a record')
}

function qualified(namespace: string, name: string): string {
  return namespace === '' ? name : `${namespace}::${name}`
}
