/**
 * The control plane: authorization server, administration, events.
 * @module
 */
export {
  createGuardedFetch,
  type FetchInit,
  type GuardedFetch,
  type GuardOptions,
} from './net/guarded-fetch.ts'
export * from './oauth/index.ts'
