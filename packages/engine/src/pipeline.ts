/**
 * The way a call takes, on one screen. Every stage is a pure function in its folder that reads and returns data; risk
 * never decides, policy never scores, and only `decision` combines. *Record*, *enforce* and *settle* are the host's
 * (`decider.ts` and the gateway).
 *
 * | stage | asks | folder |
 * |---|---|---|
 * | authenticate | who is calling, with which key, proven now? | `identity` (tokens, proofs), `delegation/caller.ts` |
 * | delegate | for whom, under which task, narrowed how, all epochs alive? | `delegation` |
 * | attest | is the agent still composed as approved? | `integrity` |
 * | score | how surprising, how dangerous, since when? | `risk` |
 * | trace | where did each argument come from? | `flow` |
 * | decide | what do policy (agent ∩ user) and trust allow? | `policy`, `decision` |
 * @module
 */
import type { Approval, CallRequest } from '@safeconduct/protocol'
import { type Assumption, type Combined, combine, type Findings } from './decision/combine.ts'
import { authenticate } from './delegation/caller.ts'
import { delegate } from './delegation/delegate.ts'
import { emptyFlow, type FlowState, type SeenOutput, type Trace, trace } from './flow/index.ts'
import type { KnownTool } from './integrity/catalogue.ts'
import { attest } from './integrity/composition.ts'
import { surroundingsOf } from './policy/facts.ts'
import { background, groupOf } from './risk/behaviour/peers.ts'
import { population } from './risk/customs.ts'
import type { Signal } from './risk/detector.ts'
import { queriesOf } from './risk/detectors/extraction.ts'
import { isSamePassage, steeringOf } from './risk/detectors/steering.ts'
import { errandOf } from './risk/errand-kind.ts'
import { askedOf } from './risk/extraction/asked.ts'
import { seenOf } from './risk/login/seen.ts'
import { provenanceEvidence } from './risk/provenance.ts'
import { emptyRisk, score } from './risk/score.ts'
import { signalOf, withoutLooks, withSources } from './risk/signal.ts'
import { type Directory, type EngineState, emptyDirectory, emptyLive, type TenantState } from './state.ts'

export const STAGES = { authenticate, delegate, attest, score, trace, decide: combine } as const

export interface Evaluation extends Findings, Combined {
  readonly signal: Signal
}

/** One question through every stage. Moves nothing. */
export function evaluate(
  state: EngineState,
  request: CallRequest,
  approval: Approval | null,
  assume: Assumption = {},
): Evaluation {
  const { grant, operation } = request
  const known = state.tenants.get(grant.tenant)
  const tenant = known ?? nobody(grant.tenant)
  const live = tenant.live.agents.get(grant.agent)

  let read: FlowState | null = null
  const caller = STAGES.authenticate(request, tenant.directory.agents.get(grant.agent))
  const errand = STAGES.delegate(known, request, assume)
  const composition = STAGES.attest(live?.composition)
  const origin = errand.refusal === null && assume.ignoreArguments !== true ? traced() : UNTRACED
  const plain = signalOf(request, errand.tool, caller.proofAge)
  const signal = withSources(compared(assume.ignoreArguments === true ? withoutLooks(plain) : plain), origin)
  const surprise = errand.dead ? [] : STAGES.score(live?.risk ?? emptyRisk(), signal, others())
  const steering = steeringOf(origin)
  const told = provenanceEvidence(origin, isSamePassage(live?.risk ?? null, steering))
  const evidence = [...composition, ...surprise, ...told]

  const findings: Findings = { caller, errand, evidence, trace: origin }
  const decided = STAGES.decide(
    { settings: state.settings, state: tenant, request, approval, assume },
    findings,
  )
  return { ...findings, ...decided, signal: { ...signal, steered: origin.doubt === 'deny', steering } }

  /** What the errand has read, and what the user's words are; words are read once. */
  function flow(): FlowState {
    read ??= tenant.live.flows.get(errand.flowKey)?.state ?? emptyFlow(errand.task?.intent ?? null)
    return read
  }

  function others() {
    const group = groupOf(grant.agent)
    return population(background(tenant.live.peers, group), tenant.live, group)
  }

  /** With what is compared with others: where it comes from, how it was registered, and what it asks of a model. */
  function compared(plain: Signal): Signal {
    const group = groupOf(grant.agent)
    const agent = tenant.directory.agents.get(grant.agent)
    const seen = seenOf(request.context, () => background(tenant.live.arrivals, group))
    const signs = agent?.signs
    const signal: Signal = {
      ...plain,
      ...(seen === null ? {} : { seen }),
      ...(agent === undefined || signs === undefined ? {} : { registered: { at: agent.createdAt, signs } }),
    }
    if (operation.kind !== 'tool' || errand.tool === null || errand.dead) return signal
    // A listing asks for each tool of a server, and of none with arguments: the user's words are not read for each.
    const listed = assume.ignoreArguments === true
    const kind = listed ? null : errandOf(errand.task?.details.purpose, flow().intent, errand.tool)
    const { to: zone } = surroundingsOf(tenant.directory, request, errand.tool)
    const told: Signal = { ...signal, zone, ...(kind === null ? {} : { errand: kind }) }
    const owner = agent?.owner ?? grant.agent
    const streamTo = queriesOf(live?.risk)
    const asking = { tool: plain.tool, args: operation.args, owner, group, streamTo }
    const asked = askedOf(asking, tenant.live)
    return asked === null ? told : { ...told, asked }
  }

  function traced(): Trace {
    if (errand.tool === null || errand.tool.groups.includes('list')) return UNTRACED
    const tool = operation.name ?? operation.method
    return STAGES.trace(hearing(flow(), tenant.directory), {
      server: operation.server,
      tool,
      roles: errand.tool.roles,
      args: operation.args,
      isStained: (stain) => tenant.live.stains.has(stain),
    })
  }
}

/** What a task has read, what the servers say of their tools, and what they say beside. */
function hearing(flow: FlowState, { tools, heard }: Pick<Directory, 'tools' | 'heard'>): FlowState {
  const spoken = [...spokenOf(tools), ...[...heard.values()].flat()]
  return spoken.length === 0 ? flow : { ...flow, outputs: [...flow.outputs, ...spoken] }
}

function spokenOf(tools: ReadonlyMap<string, KnownTool>): readonly SeenOutput[] {
  const all: SeenOutput[] = []
  for (const { spoken } of tools.values()) if (spoken !== null) all.push(spoken)
  return all
}

const UNTRACED: Trace = {
  labels: [],
  evidence: [],
  score: 0,
  doubt: 'none',
  facts: { privateDataRead: false, untrustedSeen: false, openWorldSink: false },
  question: null,
  passage: null,
}

/** A tenant nobody told us of: everything in it is unknown, and unknown means no. */
function nobody(tenant: string): TenantState {
  return { tenant, directory: emptyDirectory(), live: emptyLive(), capture: null }
}
