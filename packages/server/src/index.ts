/**
 * The control plane: authorization server, administration, events.
 * @module
 */

export { mayAct, requireAdmitted } from './admin/admission.ts'
export { findAgent, registerAgent } from './admin/agents.ts'
export { apply as activatePolicy } from './admin/policy.ts'
export { type AdminPorts, change } from './admin/ports.ts'
export { findServer, registerServer, serverName } from './admin/servers.ts'
export { loadEnforcers } from './authzen/enforcers.ts'
export { loadPolicyStores } from './authzen/policy-stores.ts'
export type { AccessPorts, AgentAuthentication } from './authzen/ports.ts'
export { type ControlPlane, type ControlPlanePorts, createControlPlane } from './control-plane.ts'
export { fetchFacts, type RelationDriver } from './fga/drivers/driver.ts'
export { createLocalDriver } from './fga/drivers/local.ts'
export { createOpenFgaDriver } from './fga/drivers/openfga.ts'
export { createSpiceDbDriver } from './fga/drivers/spicedb.ts'
export { createFga, type Fga, type FgaPorts } from './fga/handler.ts'
export type { GraphFiles, LiveSpace, RelationPorts, RelationService } from './fga/ports.ts'
export { openRelations } from './fga/service.ts'
export { isLocal, markLocal } from './http/access.ts'
export { type Route, type RouteContext, route, type Who } from './http/route.ts'
export {
  createGuardedFetch,
  type FetchInit,
  type GuardedFetch,
  type GuardOptions,
} from './net/guarded-fetch.ts'
export * from './oauth/index.ts'
export type { LogFile, RoutePorts } from './routes.ts'
