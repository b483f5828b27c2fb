/**
 * The ports made real: the embedded store, keys, bus, clock and ids. What must hold for each port is written in
 * `@safeconduct/engine` and run by `@safeconduct/store/conformance`.
 * @module
 */

export { type BusOptions, createBus } from './bus.ts'
export { createClock } from './clock.ts'
export {
  type DirectoryHolder,
  type DirectoryLock,
  type DirectoryOptions,
  lockDataDirectory,
  readHolder,
} from './data-directory.ts'
export { createIds } from './ids.ts'
export { createIndicators, type Indicators } from './intelligence/indicators.ts'
export { deriveKey, openBlob, type SealingKey, sealBlob } from './keys/envelope.ts'
export { createKeyring, type KeyringOptions } from './keys/keyring.ts'
export { loadRootKey } from './keys/root-key.ts'
export { createVault, type Secret, type Vault, type VaultOptions } from './keys/vault.ts'
export { createMemoryStore, type MemoryStoreOptions } from './memory/store.ts'
export {
  createNetworks,
  type NetworkFiles,
  type Networks,
  type NetworksOptions,
} from './networks/networks.ts'
export { openSqliteStore, type SqliteStore, type SqliteStoreOptions } from './sqlite/store.ts'
