/**
 * Flow: where every argument of a call came from. Roles are derived from a tool's own definition; a state per task keeps
 * what outputs brought in; `trace` judges a call before it runs, `observe` learns from its outcome, `applyFlow` replays
 * what was learned. Pure and deterministic; states and events are plain JSON and hold text of outputs: keep them
 * encrypted and as short as the task.
 * @module
 */

export { approveValues } from './approvals.ts'
export { corrected } from './corrections.ts'
export type { JsonObject, JsonValue } from './json.ts'
export type { ApprovedEvent, FlowEvent, ObservedEvent, Outcome } from './observe.ts'
export { applyFlow, observe } from './observe.ts'
export type { Standing } from './origin.ts'
export type { FlowCall } from './parts.ts'
export type { ArgumentRole, ToolDefinition, ToolRoles } from './roles.ts'
export { deriveRoles, unknownToolRoles } from './roles.ts'
export type { SpokenAs } from './spoken.ts'
export { afterHearing, spokenBy } from './spoken.ts'
export type { FlowState, SeenOutput } from './state.ts'
export { emptyFlow, LIMITS } from './state.ts'
export type { ArgumentLabel, FlowEvidence, Trace } from './trace.ts'
export { stainOf, trace } from './trace.ts'
export type { Term } from './weights.ts'
