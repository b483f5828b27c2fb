/**
 * Cedar in JavaScript: policies are parsed and validated by cedar-wasm, compiled to closures, and asked against
 * resident entities.
 *
 * `compile` → `authorize` is the whole way; `EntityStore` holds the entities, `parsePolicies` and `parseSchema`
 * serve editors. Everything thrown is a `CedarError`.
 *
 * @module
 */

export type { TemplateLink } from './compile/templates.ts'
export type { Entity, EntityView } from './entities/entity.ts'
export type { EntityInput } from './entities/entity-json.ts'
export { EntityStore, type EntityStoreOptions } from './entities/entity-store.ts'
export { CedarError, type CedarErrorCode, type Position, type Problem } from './errors.ts'
export { Datetime, Duration, parseDatetime, parseDuration } from './extensions/datetime.ts'
export { Decimal, parseDecimal } from './extensions/decimal.ts'
export { IpAddress, parseIp } from './extensions/ip.ts'
export { type Json, parseJson, valueFrom } from './json.ts'
export type { EntityRef } from './names.ts'
export {
  type ShadowCounts,
  type ShadowDifference,
  type ShadowedPolicySet,
  type ShadowOptions,
  shadow,
} from './oracle/shadow.ts'
export { type OracleQuestion, sameAnswer, type WasmOracle, wasmOracle } from './oracle/wasm-oracle.ts'
export type { Comparison, Condition, FieldPath } from './partial/condition.ts'
export { predicate, type ResourcePredicate } from './partial/predicate.ts'
export { type PolicyResidual, type Residual, type ResidualRequest, residual } from './partial/residual.ts'
export {
  type Bind,
  type Sql,
  type SqlDialect,
  type SqlMapping,
  type SqlParameter,
  type SqlTemplate,
  toSql,
  toTemplate,
} from './partial/sql.ts'
export {
  type Authorization,
  type AuthorizationRequest,
  type CompiledPolicySet,
  type CompileOptions,
  compile,
  type PolicyFailure,
  type PolicyInfo,
} from './policy-set.ts'
export { parseContext, type RequestInput } from './schema/request.ts'
export { type ActionInfo, type CedarSchema, type EntityTypeInfo, parseSchema } from './schema/schema.ts'
export type { AttributeType, SchemaType } from './schema/types.ts'
export { type ParsedPolicy, type ParseOptions, type PolicySource, parsePolicies } from './source/parse.ts'
export { CedarRecord, CedarSet, canonicalKey, EntityUid, equal, type Value } from './values.ts'
