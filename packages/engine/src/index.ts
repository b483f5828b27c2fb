/**
 * The engine: one decision, pure. No sockets, files or clock; `ports.ts` says what it needs.
 * @module
 */

export { apply } from './apply.ts'
export * from './checks/index.ts'
export { control } from './control.ts'
export { type Decided, decide, decideBriefly } from './decide.ts'
export { indicatorKey } from './decider/indicator-key.ts'
export type { People, SubjectRef } from './decider/people.ts'
export { createDecider, type DeciderPorts, type EngineDecider, openDecider } from './decider.ts'
export { meetOnResult, touchesResult } from './decision/obligations.ts'
export { checkDetails, type Refusal } from './delegation/details.ts'
export * from './elevation/index.ts'
export type { EngineEvent } from './events.ts'
export {
  applyFlow,
  approveValues,
  deriveRoles,
  emptyFlow,
  type FlowState,
  observe,
  type ToolRoles,
  type Trace,
  trace,
  unknownToolRoles,
} from './flow/index.ts'
export * from './identity/index.ts'
export { rolesOf } from './integrity/catalogue.ts'
export { type Pinning, pinTools } from './integrity/pins.ts'
export { evaluate, STAGES } from './pipeline.ts'
export { createCedarEngine } from './policy/cedar.ts'
export type { CompiledPolicies, PolicyEngine, PolicySource } from './policy/engine.ts'
export { createOracle, type Oracle } from './policy/oracle.ts'
export { askPolicy, type PolicyAnswer, type PolicyQuery } from './policy/question.ts'
export { neededRelations } from './policy/relations.ts'
export { policySchema } from './policy/schema.ts'
export { STARTER_POLICIES } from './policy/starter.ts'
export {
  askStore,
  type CompiledStore,
  compileStore,
  type PreparedSearch,
  prepareSearch,
  STORE_LIMITS,
  type StoreAnswer,
  type StoreEntity,
  type StoreObligation,
  type StoreQuestion,
  type StoreSearch,
  type StoreSource,
} from './policy/stores/index.ts'
export type {
  PolicyChange,
  PolicyProblem,
  ReplayProgress,
  ReplayReport,
  ShadowReport,
} from './policy/try/index.ts'
export type * from './ports.ts'
export { agentSubject, TENANT_SUBJECT, userSubject } from './record/pseudonyms.ts'
export * as behaviour from './risk/behaviour/index.ts'
export * as extraction from './risk/extraction/index.ts'
export * as login from './risk/login/index.ts'
export {
  createState,
  DEFAULT_SETTINGS,
  type EngineSettings,
  type EngineState,
  type TenantState,
} from './state.ts'
