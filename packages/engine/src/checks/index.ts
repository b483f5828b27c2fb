/** @module */
export { type CheckRank, type Checks, createChecks, type RunCheck, runHere } from './checks.ts'
export { type CheckFailure, errorOf, failureOf } from './failure.ts'
export { type CheckedModel, type CheckJob, type ModelSource, runCheck } from './run.ts'
