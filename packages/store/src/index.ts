/**
 * The ports made real: the embedded store, keys, bus, clock and ids. What must hold for each port is written in
 * `@safeconduct/engine` and run by `@safeconduct/store/conformance`.
 * @module
 */

export { createBus } from './bus.ts'
export { createClock } from './clock.ts'
export {
  type DirectoryHolder,
  type DirectoryLock,
  type DirectoryOptions,
  lockDataDirectory,
  readHolder,
} from './data-directory.ts'
export { createIds } from './ids.ts'
export { createMemoryStore } from './memory/store.ts'
export { openSqliteStore, type SqliteStoreOptions } from './sqlite/store.ts'
