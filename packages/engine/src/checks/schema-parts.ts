/**
 * What the schema of a tenant's policies is made from, as plain data.
 * @module
 */
import { isJsonObject, type PinnedTool } from '@safeconduct/protocol'
import type { SchemaFor } from '../policy/engine.ts'
import { policySchema, type SchemaTool } from '../policy/schema.ts'
import type { Directory } from '../state.ts'

export interface SchemaParts {
  readonly tools: readonly SchemaTool[]
  /** Relations of objects by type; null where there is no model to ask. */
  readonly relations: ReadonlyMap<string, readonly string[]> | null
}

/** The schema against which policies of this tenant are validated when they are written. */
export function schemaParts({ tools, relations }: Directory): SchemaParts {
  const types = relations?.types?.()
  return {
    tools: [...tools.values()].map(({ action, groups, fields, pin }) => ({
      id: action,
      groups,
      fields,
      names: declaredNames(pin),
    })),
    relations:
      types === undefined ? null : new Map(types.map((type) => [type, relations?.relationsOf?.(type) ?? []])),
  }
}

export function schemaFrom({ tools, relations }: SchemaParts): SchemaFor {
  const of = (type: string) => (relations === null ? undefined : (relations.get(type) ?? null))
  return (bindings, named) =>
    policySchema(tools, { bindings, spoken: [...new Set([...named.agent, ...named.user])], of })
}

export const schemaOf = (directory: Directory): SchemaFor => schemaFrom(schemaParts(directory))

/** Top-level arguments, typed for Cedar or not. */
function declaredNames(pin: PinnedTool | null): string[] {
  const schema = pin?.definition.inputSchema
  const properties = schema !== undefined && isJsonObject(schema) ? schema.properties : undefined
  return properties !== undefined && isJsonObject(properties) ? Object.keys(properties).slice(0, 64) : []
}
