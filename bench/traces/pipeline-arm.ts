/**
 * The product's own pipeline: every recorded call goes through `prepare` and `settle` of a real decider with the
 * starter policy, a durable ledger and one fresh agent and task a run. Enforcement is `observe`: the recording goes
 * on whatever is decided, as an open-loop replay must.
 * @module
 */
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createCedarEngine, type EngineDecider, openDecider, type Store } from '@safeconduct/engine'
import { openLog } from '@safeconduct/ledger'
import {
  type CallRequest,
  canonicalize,
  type Decision,
  type Grant,
  type JsonObject,
  parseJson,
} from '@safeconduct/protocol'
import { createBus, createIds, createKeyring, createMemoryStore } from '@safeconduct/store'
import { ledgerPort } from '../../packages/cli/src/daemon/ledger-port.ts'
import { agentEvents, errandOf, serverEvent, tenantEvents } from '../lib/tenant.ts'
import type { ArmDecision, TaskStart, TraceArm, Why } from './arm.ts'
import type { CatalogueTool } from './data.ts'

const SERVER = 'suite'
/** Recorded calls carry no time; an agent that thinks between calls takes about this long. */
const BETWEEN_CALLS_MS = 8_000
const HOUR = 3_600_000
const START = Date.UTC(2026, 0, 5, 9)

interface World {
  readonly decider: EngineDecider
  readonly store: Store
  readonly close: () => Promise<void>
}

export function pipelineArm(): TraceArm {
  let now = START
  let opening: Promise<World> | null = null
  // A catalogue is a tenant of its own: nothing of one suite is known in another.
  const tenants = new Map<readonly CatalogueTool[], string>()
  const run = { grant: null as Grant | null, calls: 0, flying: null as string | null }

  const world = () => {
    opening ??= openWorld(() => now)
    return opening
  }

  async function request(tool: string, args: JsonObject): Promise<CallRequest> {
    const { grant } = run
    if (grant === null) throw new Error('start a task first')
    return {
      id: `d${String(runs).padStart(6, '0')}-${String(run.calls++).padStart(4, '0')}`,
      at: now,
      grant,
      proof: { kind: 'dpop', provenAt: now },
      operation: { server: SERVER, method: 'tools/call', kind: 'tool', name: tool, args },
      context: { channel: 'http', ip: null, client: null },
    }
  }

  let runs = 0
  return {
    name: 'pipeline',
    async start(task) {
      const { decider } = await world()
      runs++
      now += HOUR
      run.calls = 0
      run.flying = null
      const known = tenants.get(task.tools)
      const tenant = known ?? `suite-${tenants.size + 1}`
      tenants.set(task.tools, tenant)
      if (known === undefined) for (const event of tenantEvents(tenant, now)) decider.control(event)
      run.grant = admit(decider, tenant, task, `run-${runs}`, now)
      if (known === undefined) await pinCatalogue(decider, tenant, task.tools, run.grant, now)
    },
    async decide(tool, args) {
      const { decider } = await world()
      now += BETWEEN_CALLS_MS
      const call = await request(tool, parseJson(canonicalize(args)) as JsonObject)
      const { decision, forward } = await decider.prepare(call)
      // What could not be forwarded even by a gateway that only observes has no outcome.
      run.flying = forward ? call.id : null
      return decisionOf(decision)
    },
    async observe(_tool, _args, output, error) {
      const { decider } = await world()
      if (run.flying === null) return
      // The agent reads the text of an error like any other.
      const text = [error ?? output]
      const status = error === null ? 'ok' : 'tool_error'
      await decider.settle(run.flying, {
        status,
        text,
        structured: null,
        digest: 'sha256:',
        bytes: output.length,
        error,
      })
      run.flying = null
    },
    async close() {
      await (await world()).close()
    },
  }
}

async function openWorld(now: () => number): Promise<World> {
  const directory = mkdtempSync(path.join(tmpdir(), 'safeconduct-traces-'))
  const clock = { now }
  const ids = createIds(clock)
  const store = createMemoryStore({ now })
  const { privateKey } = generateKeyPairSync('ed25519')
  const log = await openLog({
    directory,
    origin: 'bench.invalid/log',
    key: privateKey,
    publishEveryMs: 60_000,
  })
  const decider = await openDecider({
    clock,
    ids,
    store,
    ledger: ledgerPort(log),
    keyring: createKeyring({ root: new Uint8Array(32).fill(1), blobs: store.blobs }),
    bus: createBus(),
    policyEngine: createCedarEngine(),
    settings: { enforcement: 'observe' },
  })
  return {
    decider,
    store,
    async close() {
      await decider.close()
      await log.close()
      await store.close()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** A new agent with a proven key, sent by the user with the words of the prompt. */
function admit(decider: EngineDecider, tenant: string, start: TaskStart, name: string, at: number): Grant {
  const life = 8 * HOUR
  const errand = errandOf({ tenant, agent: name, task: `${name}-task`, intent: start.prompt, at, life })
  for (const event of [...agentEvents(tenant, name, at), ...errand.events]) decider.control(event)
  return errand.grant
}

/** A catalogue is one server, pinned at its first listing as the gateway would. */
async function pinCatalogue(
  decider: EngineDecider,
  tenant: string,
  tools: readonly CatalogueTool[],
  grant: Grant,
  at: number,
): Promise<void> {
  decider.control(serverEvent(tenant, SERVER, at))
  const definitions = tools.map(
    (tool): JsonObject => ({
      name: tool.name,
      ...(tool.description === undefined ? {} : { description: tool.description }),
      inputSchema: tool.input_schema ?? { type: 'object' },
      ...(tool.annotations === undefined ? {} : { annotations: { ...tool.annotations } }),
    }),
  )
  const listing: CallRequest = {
    id: `list-${tenant}`,
    at,
    grant,
    proof: { kind: 'dpop', provenAt: at },
    operation: { server: SERVER, method: 'tools/list', kind: 'list', name: null, args: {} },
    context: { channel: 'http', ip: null, client: null },
  }
  await decider.list(listing, definitions)
}

const OUTCOME = { allow: 'allow', approval: 'step-up', step_up: 'step-up', deny: 'deny' } as const

function decisionOf(decision: Decision): ArmDecision {
  const sinks = decision.labels.filter((label) => label.sink && label.label !== 'user')
  const why: Why[] =
    decision.outcome === 'allow'
      ? []
      : [
          ...sinks.map((label) => ({
            argument: label.path,
            source:
              label.source === null
                ? label.label
                : `${label.source.tool}${label.source.field === null ? '' : `.${label.source.field}`}`,
            reason: decision.why[0] ?? '',
          })),
          ...decision.why.slice(0, 4).map((reason) => ({ argument: '', source: '', reason })),
        ]
  return { outcome: OUTCOME[decision.outcome], risk: decision.risk, why, question: null }
}
