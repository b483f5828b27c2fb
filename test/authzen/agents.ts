/**
 * Agents of ours and an issuer that the test plays: tokens for the desk's task, proofs of the agent's key.
 */
import type { JsonObject } from '@safeconduct/protocol'
import { createIssuer, type Issuer } from '../../packages/gateway/src/testing/world.ts'
import { furnish } from '../server/desk.ts'
import { TENANT } from '../server/world.ts'
import { createDecisionPoint, type DecisionPoint } from './decision-point.ts'

export const SERVER = 'market'

export interface AgentsPoint extends DecisionPoint {
  readonly issuer: Issuer
  /** A token of the desk's agent for the server, bound to its key. */
  token(extra?: JsonObject): string
  /** Headers with which the agent itself asks. */
  asAgent(path: string, token?: string): Record<string, string>
  proof(token: string, url: string, method?: string): string
}

export async function createAgentsPoint(): Promise<AgentsPoint> {
  let issuer: Issuer | null = null
  const point = await createDecisionPoint({
    keys: (origin) => {
      issuer = createIssuer(origin)
      return issuer.keys
    },
  })
  const { world } = point
  await furnish(world)
  const made: Issuer = issuer ?? createIssuer(world.origin)
  const seconds = () => Math.floor(world.clock.now() / 1000)
  const token: AgentsPoint['token'] = (extra = {}) =>
    made.token(`${world.origin}/mcp/${SERVER}`, {
      cnf: { jkt: made.agentJkt },
      iat: seconds(),
      exp: seconds() + 300,
      safeconduct: {
        tenant: TENANT,
        task: 'task-1',
        epochs: ['tenant', 'agent', 'user', 'task'].map((kind) => [
          kind,
          kind === 'tenant' ? TENANT : `${kind}-1`,
          1,
        ]),
      },
      ...extra,
    })
  const proof: AgentsPoint['proof'] = (bound, url, method = 'POST') =>
    made.proof({
      method,
      url,
      token: bound,
      nonce: world.nonce(),
      extra: { iat: seconds() },
    })
  return {
    ...point,
    issuer: made,
    token,
    proof,
    asAgent(path, bound = token()) {
      return { authorization: `DPoP ${bound}`, dpop: proof(bound, `${world.origin}${path}`) }
    },
  }
}
