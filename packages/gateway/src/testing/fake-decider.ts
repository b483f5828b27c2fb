/**
 * A Decider that answers by script and keeps what it was asked, in order. For tests only.
 * @module
 */

import type { ControlEvent } from '@safeconduct/engine'
import {
  type CallRequest,
  type CallResult,
  canonicalize,
  type Decision,
  type ErrorCode,
  type JsonObject,
  type Outcome,
  SafeconductError,
} from '@safeconduct/protocol'
import type { Deciding } from '../ports.ts'

export interface Verdict {
  readonly outcome: Outcome
  readonly code?: ErrorCode
  readonly remedy?: string
  readonly approval?: string
  readonly scopes?: readonly string[]
  readonly enforcement?: Decision['enforcement']
  readonly obligations?: Decision['obligations']
  /** Sent on in place of the arguments that were asked. */
  readonly args?: JsonObject
}

export type Script = (request: CallRequest) => Verdict

export interface FakeDecider extends Deciding {
  script: Script
  /** `prepare NAME`, `settle STATUS`, `list METHOD` in the order they happened. */
  readonly log: string[]
  readonly prepared: CallRequest[]
  readonly settled: { readonly id: string; readonly result: CallResult }[]
  /** Told by the gateway, in order. */
  readonly told: ControlEvent[]
  /** Thrown by `settle` when set. */
  settleFails: SafeconductError | null
}

export const ALLOW: Script = () => ({ outcome: 'allow' })

export function fakeDecider(script: Script = ALLOW): FakeDecider {
  const open = new Set<string>()
  const fake: FakeDecider = {
    script,
    log: [],
    prepared: [],
    settled: [],
    told: [],
    settleFails: null,
    async prepare(request) {
      const verdict = fake.script(request)
      fake.log.push(`prepare ${request.operation.name}`)
      fake.prepared.push(request)
      const decision = decisionOf(request, verdict)
      const forward = decision.outcome === 'allow' || decision.enforcement === 'observe'
      if (!forward) return { decision, forward, operation: null }
      open.add(request.id)
      const args = verdict.args ?? request.operation.args
      return { decision, forward, operation: { ...request.operation, args } }
    },
    async settle(id, result) {
      if (!open.delete(id)) throw new SafeconductError('not_found')
      fake.log.push(`settle ${result.status}`)
      fake.settled.push({ id, result })
      // Long enough that a result released too early would be seen before.
      await new Promise((resolve) => setImmediate(resolve))
      if (fake.settleFails !== null) throw fake.settleFails
      return { receipt: { intentIndex: 0, outcomeIndex: 1 } }
    },
    control: (event) => void fake.told.push(event),
    dry: (request) => decisionOf(request, fake.script(request)),
    async list(request, definitions) {
      fake.log.push(`list ${request.operation.method}`)
      const shown = (definition: JsonObject) => {
        const name = typeof definition.name === 'string' ? definition.name : null
        const operation = { ...request.operation, method: 'tools/call', kind: 'tool', name } as const
        return fake.script({ ...request, operation }).outcome !== 'deny'
      }
      return { visible: definitions.filter(shown) }
    },
  }
  return fake
}

export function decisionOf(request: CallRequest, verdict: Verdict): Decision {
  return {
    id: request.id,
    at: request.at,
    tenant: request.grant.tenant,
    outcome: verdict.outcome,
    enforcement: verdict.enforcement ?? 'enforce',
    code: verdict.code ?? null,
    remedy: verdict.remedy ?? '',
    trust: 'standard',
    assurance: 'key',
    risk: 0,
    policies: [],
    policyErrors: [],
    evidence: [],
    labels: [],
    obligations: verdict.obligations ?? [],
    why: [],
    counterfactual: null,
    revisions: { policy: '0', tools: '0' },
    scopes: verdict.scopes ?? [],
    argsDigest: canonicalize(request.operation.args),
    approval: verdict.approval ?? null,
  }
}
