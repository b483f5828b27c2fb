/**
 * OpenFGA 1.1 models evaluated in process. Start at `RelationStore`.
 *
 * @module
 */
export { type Position, type Problem, RelationsError, type RelationsErrorCode } from './errors.ts'
export { DEFAULT_LIMITS, type Limits } from './limits.ts'
export type { Context } from './model/condition.ts'
export { modelFromJson, modelToJson } from './model/json.ts'
export type { Proof } from './query/prove.ts'
export type { UserFilter } from './query/walk-users.ts'
export type { Change } from './store/changes.ts'
export type { ExpandNode } from './store/expand.ts'
export type { ReadFilter } from './store/read.ts'
export {
  type BatchResult,
  type CheckResult,
  type ModelVersion,
  type QuarantinedModel,
  RelationStore,
  type RestoredStore,
  type RestoreOptions,
  type StoreOptions,
  type Why,
} from './store/relation-store.ts'
export type {
  CheckRequest,
  Circumstances,
  ListObjectsRequest,
  ListUsersRequest,
  Page,
  Paging,
} from './store/request.ts'
export type { Tuple, TupleKey } from './store/tuple.ts'
export type { WriteOptions } from './store/write.ts'
