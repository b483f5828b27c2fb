/**
 * Trying a policy before it rules: on recorded decisions (`replay`), beside the live ones (`shadow`), on its text alone
 * (`inspect`).
 * @module
 */
export type { Gap } from './candidate.ts'
export { diffPolicies, inspectPolicies, type PolicyChange, type PolicyProblem } from './inspect.ts'
export { type ReplayProgress, type ReplayReport, replayPolicy } from './replay.ts'
export { createShadow, type Shadow, type ShadowedDecision, type ShadowReport } from './shadow.ts'
export type { ChangeGroup, Counts } from './tally.ts'
export { entriesSince, type ReplayWindow } from './window.ts'
