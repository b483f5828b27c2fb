/**
 * Policy stores: Cedar policies, a schema and entities of another application, compiled and asked. Pure.
 * @module
 */
export { askStore } from './ask.ts'
export { type CompiledStore, compileStore, STORE_LIMITS, type StoreSource } from './compile.ts'
export type { StoreAnswer, StoreEntity, StoreObligation, StoreQuestion } from './question.ts'
export { type PreparedSearch, prepareSearch, type StoreSearch } from './search.ts'
