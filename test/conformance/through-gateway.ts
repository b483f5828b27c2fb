/**
 * @module The gateway half of the conformance run: the gateway and the engine as they are, authentication on, around the
 * one upstream. What is arranged, said openly:
 * - both policy layers permit everything: the run asks what enforcement breaks, not what policy refuses;
 * - the engine is told that the calls come minutes apart: the suite guesses a dozen tools that do not exist within a
 *   second, for which an agent is rightly suspended, and a suspended agent may do nothing under any policy;
 * - `sampling/createMessage` is switched on for this server, as an owner can.
 */
import type { EngineDecider } from '@safeconduct/engine'
import type { Deciding } from '@safeconduct/gateway'
import type { CallRequest } from '@safeconduct/protocol'
import { createWorld, httpServer } from '../../packages/gateway/src/testing/world.ts'
import { createRealEngine, PERMIT_ALL } from '../gateway/real-engine.ts'
import type { GatewaySide } from './gateway-side.ts'

const APART = 10 * 60_000

export async function startGateway(upstreamUrl: string): Promise<GatewaySide> {
  const server = httpServer('fixture', upstreamUrl)
  const engine = createRealEngine([server], PERMIT_ALL)
  const world = await createWorld({
    decider: unhurried(engine.decider),
    servers: [server],
    settings: { samplingServers: [server.name] },
    log: (level, message, fields) => {
      if (level === 'error') process.stderr.write(`gateway: ${message} ${String(fields?.cause)}\n`)
    },
  })
  return {
    url: world.url(server.name),
    token: async () => world.issuer.token(world.url(server.name), engine.claims),
    close: async () => {
      await world.close()
      await engine.decider.close()
    },
  }
}

/** The same engine, for which every governed call comes some minutes after the one before. */
function unhurried(decider: EngineDecider): Deciding {
  let at = Date.now()
  const later = (request: CallRequest): CallRequest => ({
    ...request,
    at,
    grant: { ...request.grant, expiresAt: at + APART },
  })
  return {
    prepare: (request) => {
      at += APART
      return decider.prepare(later(request))
    },
    settle: (id, result) => decider.settle(id, result),
    dry: (request) => decider.dry(later(request)),
    list: (request, definitions) => decider.list(later(request), definitions),
    control: (event) => decider.control(event),
  }
}
