/**
 * The same question put to cedar-wasm: for shadow mode and for tests.
 *
 * @module
 */

import type { StatefulAuthorizationCall } from '@cedar-policy/cedar-wasm/nodejs'
import { CedarError } from '../errors.ts'
import type { Authorization, AuthorizationRequest, CompiledPolicySet } from '../policy-set.ts'
import { parseRequest } from '../schema/request.ts'
import { wasmPolicies } from '../source/parse.ts'
import { callWasm, wasmGeneration } from '../source/wasm.ts'
import type { EntityUid } from '../values.ts'
import { literalsOf, reachableEntities } from './reachable.ts'
import { entityToJson, fieldsToJson, uidToJson } from './to-json.ts'

/** Everything about one decision as plain data: what changes later no longer matters. */
export type OracleQuestion = Omit<StatefulAuthorizationCall, 'preparsedPolicySetId'>

export interface WasmOracle {
  /**
   * Takes the question down.
   *
   * @throws {CedarError} `not_translatable` for Longs beyond 2^53-1, and what `authorize` of the set throws
   */
  question(request: AuthorizationRequest): OracleQuestion
  /** Answers it. @throws {CedarError} `oracle_failed`, `limit_exceeded` */
  answer(question: OracleQuestion): Authorization
  /** Both, one after the other. */
  authorize(request: AuthorizationRequest): Authorization
}

/** cedar-wasm cannot forget a preparsed set, so all oracles of the process share this many names. */
const SLOTS = 8
const slots: { owner: object; generation: number }[] = []
const turn = { next: 0 }

/** The policies are handed to cedar-wasm when first needed. */
export function wasmOracle(set: CompiledPolicySet): WasmOracle {
  const literals = literalsOf(set.compiled)
  const owner = {}
  const order = new Map(set.policies.map((policy, i) => [policy.id, i]))
  const place = (id: string) => order.get(id) ?? 0
  const oracle: WasmOracle = {
    question: (request) => question(set, literals, request),
    answer: (asked) => {
      const preparsedPolicySetId = preparsed(set, owner)
      const answer = callWasm((wasm) => wasm.statefulIsAuthorized({ ...asked, preparsedPolicySetId }))
      if (answer.type === 'failure') {
        throw new CedarError('oracle_failed', answer.errors[0]?.message ?? 'cedar-wasm gave no answer')
      }
      const { decision, diagnostics } = answer.response
      return {
        decision,
        reasons: diagnostics.reason.toSorted((a, b) => place(a) - place(b)),
        errors: diagnostics.errors
          .map(({ policyId, error }) => ({ policyId, message: error.message }))
          .sort((a, b) => place(a.policyId) - place(b.policyId)),
      }
    },
    authorize: (request) => oracle.answer(oracle.question(request)),
  }
  return oracle
}

/** Same decision, same reasons, same policies in error; messages are each engine's own. */
export function sameAnswer(a: Authorization, b: Authorization): boolean {
  const ids = (answer: Authorization) =>
    JSON.stringify([answer.decision, answer.reasons, answer.errors.map((error) => error.policyId)])
  return ids(a) === ids(b)
}

function question(
  set: CompiledPolicySet,
  literals: readonly EntityUid[],
  input: AuthorizationRequest,
): OracleQuestion {
  const request = parseRequest(input, set.validatesRequests ? set.schema : undefined)
  const find = (key: string) => input.entities.find(key) ?? set.schema?.actionEntities.find(key)
  return {
    principal: uidToJson(request.principal),
    action: uidToJson(request.action),
    resource: uidToJson(request.resource),
    context: fieldsToJson(request.context.fields),
    entities: reachableEntities(request, literals, find).map(entityToJson),
    validateRequest: false,
  }
}

function preparsed(set: CompiledPolicySet, owner: object): string {
  const generation = wasmGeneration()
  const known = slots.findIndex((slot) => slot.owner === owner && slot.generation === generation)
  if (known >= 0) return slotName(known)
  const index = turn.next
  turn.next = (turn.next + 1) % SLOTS
  const policies = wasmPolicies(set.parsed, set.links)
  const answer = callWasm((wasm) => wasm.preparsePolicySet(slotName(index), policies))
  if (answer.type === 'failure') {
    throw new CedarError('oracle_failed', answer.errors[0]?.message ?? 'cedar-wasm refused the policies')
  }
  slots[index] = { owner, generation: wasmGeneration() }
  return slotName(index)
}

function slotName(index: number): string {
  return `safeconduct-${index}`
}
