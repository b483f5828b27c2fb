/**
 * Every bound of this package in one place.
 *
 * @module
 */

export interface Limits {
  /** Steps from the asked relation to the tuple that decides; beyond it `resolution_too_complex`. OpenFGA: 25. */
  readonly maxDepth: number
  /** Relation nodes one check may visit; beyond it `resolution_too_complex`. */
  readonly maxWork: number
  readonly maxContextualTuples: number
  readonly maxTuplesPerWrite: number
  readonly maxChecksPerBatch: number
  /** Results per page. */
  readonly maxPageSize: number
  readonly maxCandidates: number
  /** Changes kept for `readChanges` and `watch`; older ones give `revision_invalid`. */
  readonly maxChanges: number
  /** Changes that may wait for one slow watcher before its stream ends with `limit_exceeded`. */
  readonly maxWatchBacklog: number
  /** Ids kept for all listings that are read page by page, 4 bytes each. */
  readonly maxHeldIds: number
  /** Users in one leaf of `expand`. */
  readonly maxExpandUsers: number
  readonly maxModels: number
}

export const DEFAULT_LIMITS: Limits = {
  maxDepth: 25,
  maxWork: 1_000_000,
  maxContextualTuples: 100,
  maxTuplesPerWrite: 100_000,
  maxChecksPerBatch: 10_000,
  maxPageSize: 10_000,
  maxCandidates: 100_000,
  maxChanges: 100_000,
  maxWatchBacklog: 10_000,
  maxHeldIds: 4_000_000,
  maxExpandUsers: 10_000,
  maxModels: 100,
}

/** Of `checkNow`, unless the caller says otherwise: at most about a millisecond. */
export const NOW_BOUNDS = { maxDepth: 25, maxWork: 5000 }
export const HIGHEST_DEPTH = 2000
/** Recursion happens only where intersections and exclusions nest; this many nested ones fit the stack. */
export const MAX_NESTED_GATES = 500
export const MAX_MODEL_CHARS = 256 * 1024
/** Brackets within brackets of one definition; the parser takes quadratically long. */
export const MAX_MODEL_NESTING = 32
/** Steps that the validator may take to see whether relations can hold; some 30 µs each. */
export const MAX_MODEL_WALKS = 40_000
export const MAX_TYPE_CHARS = 254
export const MAX_RELATION_CHARS = 50
export const MAX_OBJECT_CHARS = 256
export const MAX_USER_CHARS = 512
export const MAX_CONTEXT_BYTES = 32 * 1024
/** Nodes worked on between two looks at the event loop. */
export const SLICE = 2048
/** A walk that writes interrupt this often gives way less and less: each further try four times as much in one go. */
export const MAX_RESTARTS = 3
/** Tries in all. The last ones work on some millions of nodes in one go, a second or two. */
export const MAX_TRIES = 10
export const LONGEST_SLICE = SLICE * 2 ** 12
