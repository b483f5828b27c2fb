/**
 * The smallest change that would have led to a better outcome. Every change offered was tested: the question was put
 * through the whole pipeline again with it, and the outcome turned.
 * @module
 */
import {
  type Approval,
  type CallRequest,
  type Counterfactual,
  type JsonValue,
  type Outcome,
  trustRank,
} from '@safeconduct/protocol'
import { type Evaluation, evaluate } from '../pipeline.ts'
import type { EngineState } from '../state.ts'
import type { Assumption } from './combine.ts'

interface Change {
  readonly change: string
  readonly assume: Assumption
  readonly request?: CallRequest
}

const RANK: Readonly<Record<Outcome, number>> = { deny: 0, approval: 1, step_up: 2, allow: 3 }

export function counterfactual(
  state: EngineState,
  request: CallRequest,
  approval: Approval | null,
  found: Evaluation,
): Counterfactual | null {
  if (found.outcome === 'allow' || found.errand.dead) return null
  for (const { change, assume, request: changed } of changes(request, found)) {
    const { outcome } = evaluate(state, changed ?? request, approval, assume)
    if (RANK[outcome] > RANK[found.outcome]) return { change, outcome }
  }
  return null
}

/** Candidates, from what costs least to what is furthest from the call. Few: each is one more evaluation. */
function changes(request: CallRequest, found: Evaluation): Change[] {
  const list: Change[] = []
  const { refusal } = found.errand
  if (found.outcome === 'step_up')
    list.push({ change: 'The agent proves its key again now.', assume: { freshProof: true } })
  if (found.outcome === 'approval')
    list.push({ change: 'A person approves exactly this call.', assume: { approved: true } })
  if (refusal?.fit != null) {
    const { path, value } = refusal.fit
    list.push({
      change: `The argument ${path} is ${JSON.stringify(value)}.`,
      assume: {},
      request: withArgument(request, path, value),
    })
  }
  if (refusal?.code === 'insufficient_scope') {
    list.push({
      change: `The token has the scopes ${found.errand.scopes.join(' ')}.`,
      assume: { scopes: true },
    })
  } else if (refusal !== null && refusal.code === 'denied') {
    list.push({ change: `The errand allows this (${refusal.member}).`, assume: { details: true } })
  }
  if (found.code === 'tool_quarantined') {
    list.push({ change: 'The owner approves the tool as it is now.', assume: { requalified: true } })
  }
  if (found.trace.doubt !== 'none') {
    list.push({
      change: "The values that steer the call stand in the user's own words.",
      assume: { origin: true },
    })
  }
  if (found.evidence.length > 0) {
    list.push({ change: 'Nothing unusual speaks against the agent.', assume: { calm: true } })
  }
  if (trustRank(found.standing.trust) < trustRank('standard')) {
    list.push({ change: 'The trust level of the agent is standard.', assume: { trust: 'standard' } })
  }
  return list
}

function withArgument(request: CallRequest, path: string, value: JsonValue): CallRequest {
  const { operation } = request
  return { ...request, operation: { ...operation, args: { ...operation.args, [path]: value } } }
}
