/**
 * The daemon that is attacked, in a process of its own, with its clock in the harness's hand, so that weeks pass in
 * minutes. Everything else is the product as it starts.
 * @module
 */
import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { parsePublicJwk, STARTER_POLICIES } from '@safeconduct/engine'
import { readConfig, SCOPES } from '@safeconduct/protocol'
import { activatePolicy, registerAgent, registerServer } from '@safeconduct/server'
import { startDaemon, TENANT } from 'safeconduct'
import { loadKeys } from '../../packages/server/src/oauth/keys.ts'
import { mint } from '../../packages/server/src/oauth/mint.ts'
import type { AgentHandle } from '../call/daemon-process.ts'
import { serveBench } from '../lib/child.ts'
import { closeServer, listenOnLoopback } from '../lib/loopback.ts'
import { shiftClock } from '../lib/shifted-clock.ts'
import { INTENT } from './scenario.ts'

export interface Input {
  readonly data: string
  readonly upstream: string
  readonly agents: number
  readonly policy: PolicyName
  /** How far the harness's clock is ahead already. */
  readonly ahead: number
}

/** `starter`: as shipped. `risk-alone`: nothing is asked of a person for where a value came from or what it does. */
export type PolicyName = 'starter' | 'risk-alone'

export interface Ready {
  readonly resource: string
  /** `advance/<ms>`, `level/<agent>`; `grants`: new ones; `errands`: a new errand and grant for each. */
  readonly control: string
  readonly agents: readonly AgentHandle[]
}

const SERVER = 'office'
const TASK_LASTS = 6 * 24 * 3_600_000
/** Of one grant; the harness asks for new ones in time, as an agent would. */
export const GRANT_LASTS = 3_600_000

/** Asks a person, or refuses, for where a value came from or how unusual a call is. */
const LEFT_OUT = [
  'origin-needs-a-persons-word',
  'steered-by-untrusted-text',
  'unusual-writes-need-approval',
  'unusual-reads-need-approval',
]

function riskAlone(): string {
  let text = STARTER_POLICIES.agentPolicies
  for (const id of LEFT_OUT) {
    const rest = text.replace(new RegExp(`@id\\("${id}"\\)[\\s\\S]*?;\\n`), '')
    if (rest === text) throw new Error(`the starter policy has no ${id}`)
    text = rest
  }
  return text
}

serveBench(async (input: Input): Promise<{ ready: Ready; close(): Promise<void> }> => {
  const clock = shiftClock()
  clock.advance(input.ahead)
  const daemon = await startDaemon(
    readConfig({
      SAFECONDUCT_DATA: input.data,
      SAFECONDUCT_PORT: '0',
      SAFECONDUCT_LOG_LEVEL: 'error',
    }),
  )
  const { admin, authorization, foundation } = daemon
  if (input.policy === 'risk-alone') {
    const { userPolicies } = STARTER_POLICIES
    await activatePolicy(admin, TENANT, { agent: riskAlone(), user: userPolicies }, 'bench')
  }
  await registerServer(admin, TENANT, {
    name: SERVER,
    standing: 'approved',
    trustedOutput: true,
    transport: { kind: 'http', url: input.upstream, allowPrivate: true },
  })
  const keys = await loadKeys({
    get: async (name) => (await foundation.vault.get(TENANT, name))?.value ?? null,
    putIfAbsent: () => Promise.reject(new Error('the daemon has its keys already')),
  })
  const resource = `${daemon.url}/mcp/${SERVER}`

  interface Clerk {
    readonly id: string
    readonly key: string
    readonly thumbprint: string
    errand: Awaited<ReturnType<typeof authorization.openTask>>
  }

  const errand = (agent: string) =>
    authorization.openTask({
      agent,
      user: daemon.owner,
      intent: INTENT,
      implicit: false,
      details: { type: 'safeconduct_task', servers: [SERVER] },
      expiresAt: foundation.clock.now() + TASK_LASTS,
    })

  async function hire(number: number): Promise<Clerk> {
    const pair = generateKeyPairSync('ed25519')
    const { thumbprint } = parsePublicJwk(pair.publicKey.export({ format: 'jwk' }))
    const { id } = await registerAgent(admin, TENANT, daemon.owner, { name: `clerk-${number}` }, 'owner')
    const key = String(pair.privateKey.export({ format: 'pem', type: 'pkcs8' }))
    return { id, key, thumbprint, errand: await errand(id) }
  }

  /** As the token endpoint would: signed with its key. */
  function handleOf({ id, key, thumbprint, errand: { task, epochs } }: Clerk): AgentHandle {
    const now = foundation.clock.now()
    const token = mint(keys.main, {
      issuer: daemon.url,
      tenant: TENANT,
      id: randomUUID(),
      agent: id,
      user: daemon.owner,
      actors: [id],
      audience: [resource],
      scope: SCOPES,
      task: task.id,
      details: task.details,
      epochs,
      jkt: thumbprint,
      now,
      expiresAt: now + GRANT_LASTS,
      authenticatedAt: now,
    })
    return { id, task: task.id, scheme: 'dpop', token, key }
  }

  const clerks: Clerk[] = []
  for (let number = 0; number < input.agents; number++) clerks.push(await hire(number))
  async function answer(verb: string, value: string): Promise<unknown> {
    if (verb === 'level') return foundation.decider.standing(TENANT, value)
    if (verb === 'advance') clock.advance(Number(value))
    if (verb === 'errands') for (const clerk of clerks) clerk.errand = await errand(clerk.id)
    return verb === 'grants' || verb === 'errands' ? { grants: clerks.map(handleOf) } : null
  }

  const control = createServer((request, response) => {
    const [, verb = '', value = ''] = (request.url ?? '').split('/')
    void answer(verb, value).then((said) => response.end(JSON.stringify(said ?? {})))
  })
  control.keepAliveTimeout = 600_000
  return {
    ready: { resource, control: await listenOnLoopback(control), agents: clerks.map(handleOf) },
    async close() {
      await closeServer(control)
      await daemon.close()
    },
  }
})
