/**
 * For agents: identity, grants and bound calls in a few lines.
 *
 * ```ts
 * const agent = createAgent({ issuer, clientId, key: await agentKey(privateJwk) })
 * const { url, finish } = await agent.authorize({ resource: `${issuer}/mcp/market`, redirectUri })
 * const grant = await finish(callbackUrl)
 * new StreamableHTTPClientTransport(new URL(`${issuer}/mcp/market`), { fetch: grant.fetch })
 * ```
 * @module
 */
export { type Agent, type AgentOptions, createAgent, GrantError, type Held, type Wish } from './agent.ts'
export {
  createDocuments,
  type DocumentQuestion,
  type Documents,
  DocumentsError,
  type DocumentsOptions,
  type Errand,
} from './documents.ts'
export { type Attempt, createDpopFetch, type DpopFetch } from './dpop.ts'
export { type AskedElevation, askForRole, type ElevationWish } from './elevation.ts'
export {
  type Call,
  type CallOutcome,
  EnforcementError,
  type EnforcementPoint,
  type EnforcementPointOptions,
  enforcementPoint,
  type PreparedCall,
  type Question,
} from './enforcement-point.ts'
export { type AgentKey, agentKey, generateAgentKey } from './keys.ts'
export {
  type Holder,
  honoMiddleware,
  nodeMiddleware,
  ResourceError,
  type ResourceServer,
  type ResourceServerOptions,
  resourceServer,
} from './resource-server.ts'
