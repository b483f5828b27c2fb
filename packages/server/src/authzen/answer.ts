/**
 * Decisions as the Authorization API says them. The asker gets a code, a neutral remedy and what to do next; policies
 * and errors are for readers alone.
 * @module
 */
import type { StoreAnswer, StoreObligation } from '@safeconduct/engine'
import type { Decision, JsonObject, JsonValue } from '@safeconduct/protocol'

export interface Answer {
  readonly decision: boolean
  readonly context?: JsonObject
}

/** Types of obligations that our policies can name without inventing one. */
export const OBLIGATION_TYPES = ['step-up', 'notification', 'session_termination', 'custom'] as const

const YES: Answer = { decision: true }
const NO: Answer = { decision: false }

/** What was not put to any policy. */
export function refused(code: string, reason: string): Answer {
  return { decision: false, context: { code, reason } }
}

/** `supported` are the types that the asker says it meets: an obligation of another one denies. */
export function storeAnswer(given: StoreAnswer, supported: ReadonlySet<string>, entitled: boolean): Answer {
  const { allowed, obligations } = given
  const more = entitled ? reasonsOf(given) : null
  if (obligations.length === 0 && more === null) return allowed ? YES : NO
  const met = obligations.filter(({ type }) => supported.has(type))
  const unmet = met.length < obligations.length
  return {
    decision: allowed && !unmet,
    context: {
      ...(met.length === 0 ? {} : { obligations: met.map(shown) }),
      ...(allowed && unmet
        ? { code: 'obligation_unsupported', reason: 'An obligation comes with this that you do not support.' }
        : {}),
      ...more,
    },
  }
}

function shown({ id, type, properties }: StoreObligation): JsonObject {
  return { id, type, properties }
}

function reasonsOf({ policies, errors, unfit }: StoreAnswer): JsonObject {
  return {
    reason_admin: {
      policies: [...policies],
      errors: errors.map(({ id, message }) => ({ id, message })),
      ...(unfit === null ? {} : { unfit }),
    },
  }
}

/** Our agents' calls. An obligation of the engine that the asker does not support denies. */
export function callAnswer(decision: Decision, supported: ReadonlySet<string>): Answer {
  const obligations: JsonValue[] = decision.obligations.map(({ id, type, properties }) => ({
    id,
    type: type === 'notify' ? 'notification' : 'custom',
    properties: { ...properties, ...(type === 'notify' ? {} : { obligation: type }) },
  }))
  const allowed = decision.outcome === 'allow'
  const unmet = decision.obligations.some(
    ({ type }) => !supported.has(type === 'notify' ? 'notification' : 'custom'),
  )
  if (decision.outcome === 'step_up') {
    obligations.push({
      id: 'fresh-proof',
      type: 'step-up',
      properties: { acr_value: 'urn:safeconduct:acr:fresh-key-proof' },
    })
  }
  return {
    decision: allowed && !unmet,
    context: {
      enforcement: decision.enforcement,
      ...(obligations.length === 0 ? {} : { obligations }),
      ...(allowed && !unmet ? {} : denial(decision, allowed)),
    },
  }
}

function denial(decision: Decision, allowed: boolean): JsonObject {
  if (allowed)
    return {
      code: 'obligation_unsupported',
      reason: 'An obligation comes with this that you do not support.',
    }
  const retry =
    decision.outcome === 'step_up' || (decision.outcome === 'approval' && decision.approval !== null)
  return { code: decision.code ?? 'denied', reason: decision.remedy, next_action: retry ? 'retry' : 'none' }
}
