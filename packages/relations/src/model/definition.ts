/**
 * A validated OpenFGA 1.1 model as plain data: the JSON form of OpenFGA, parsed once.
 *
 * @module
 */

export type Rewrite =
  | { readonly kind: 'this' }
  | { readonly kind: 'computed'; readonly relation: string }
  | { readonly kind: 'from'; readonly tupleset: string; readonly relation: string }
  | { readonly kind: 'union'; readonly children: readonly Rewrite[] }
  | { readonly kind: 'intersection'; readonly children: readonly Rewrite[] }
  | { readonly kind: 'difference'; readonly base: Rewrite; readonly subtract: Rewrite }

/** One entry of a type restriction, `[user with c]`, `[group#member]`, `[user:*]`. */
export interface Restriction {
  readonly type: string
  readonly relation?: string
  readonly wildcard: boolean
  readonly condition?: string
}

export interface RelationDefinition {
  readonly name: string
  readonly rewrite: Rewrite
  readonly restrictions: readonly Restriction[]
}

export interface ParameterType {
  readonly name:
    | 'int'
    | 'uint'
    | 'double'
    | 'string'
    | 'bool'
    | 'timestamp'
    | 'duration'
    | 'ipaddress'
    | 'any'
    | 'list'
    | 'map'
  readonly of?: ParameterType
}

export interface ConditionDefinition {
  readonly name: string
  readonly expression: string
  readonly parameters: Readonly<Record<string, ParameterType>>
}

export interface ModelDefinition {
  readonly types: ReadonlyMap<string, ReadonlyMap<string, RelationDefinition>>
  readonly conditions: ReadonlyMap<string, ConditionDefinition>
}
