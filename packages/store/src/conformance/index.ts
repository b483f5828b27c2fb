/**
 * The conformance suites of the ports, to be called from a test file of whoever implements one. Uses `node:test`.
 * @module
 */
export type { OpenStore, Skips } from './fixtures.ts'
export { busConformance, clockConformance, idsConformance, keyringConformance } from './ports.ts'
export { storeConformance } from './store.ts'
