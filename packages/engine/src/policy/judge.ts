/**
 * Both layers, intersected, and what would help: on a denial the facts that can be obtained are assumed, cheapest
 * first, and both layers are asked again. The hypothetical chooses the answer and never grants.
 * @module
 */
import type { Decision, Grant, Obligation } from '@safeconduct/protocol'
import type { Asked, Obtainable } from './context.ts'
import type { AskedPolicies, EntityRef, Layer, LayerAnswer } from './engine.ts'
import { relationsFor } from './relations.ts'

/** Everybody whose rights are asked for. */
export type Actors = Pick<Grant, 'agent' | 'via' | 'user'>

export interface Verdict {
  readonly allowed: boolean
  readonly reasons: Decision['policies']
  readonly errors: Decision['policyErrors']
  readonly obligations: readonly (Obligation | null)[]
}

export interface Judgement extends Verdict {
  /** On a denial: what would turn it, or null when nothing that can be obtained does. */
  readonly missing: Missing | null
}

export type Missing = 'fresh-proof' | 'approval' | 'fresh-proof-then-approval'

/** @param real what is the case; the evaluation that grants uses nothing else */
export function judge(policies: AskedPolicies, actors: Actors, asked: Asked, real: Obtainable): Judgement {
  const verdict = evaluate(policies, actors, asked, real)
  if (verdict.allowed) return { ...verdict, missing: null }
  const helps = (facts: Obtainable): boolean => evaluate(policies, actors, asked, facts).allowed
  if (!real.freshProof && helps({ ...real, freshProof: true })) return { ...verdict, missing: 'fresh-proof' }
  if (!real.approved && helps({ ...real, approved: true })) return { ...verdict, missing: 'approval' }
  const both = !real.freshProof && !real.approved && helps({ freshProof: true, approved: true })
  return { ...verdict, missing: both ? 'fresh-proof-then-approval' : null }
}

/** Every actor of the chain and the user must be allowed; an erroring forbid denies. */
function evaluate(
  policies: AskedPolicies,
  { agent, via, user }: Actors,
  asked: Asked,
  facts: Obtainable,
): Verdict {
  const { action, resource, local } = asked
  const question = { action, resource, context: { ...asked.context, ...facts }, ...(local && { local }) }
  const put = (layer: Layer, principal: EntityRef): [Layer, LayerAnswer] => {
    const relations = relationsFor(asked.context, principal.type === 'User' ? 'user' : 'agent', principal.id)
    return [layer, policies.evaluate(layer, { principal, ...question, relations })]
  }
  const agents = [agent, ...via].map((id) => put('agent', { type: 'Agent', id }))
  // An agent without a user stands for itself before the user's layer, which is never skipped.
  const beneficiary = put('user', user === null ? { type: 'Agent', id: agent } : { type: 'User', id: user })
  return merge([...agents, beneficiary])
}

function merge(answers: readonly (readonly [Layer, LayerAnswer])[]): Verdict {
  const reasons = new Map<string, Decision['policies'][number]>()
  const errors = new Map<string, Decision['policyErrors'][number]>()
  const obligations: (Obligation | null)[] = []
  let allowed = true
  for (const [layer, answer] of answers) {
    if (!answer.allowed || answer.errors.some((error) => error.effect === 'forbid')) allowed = false
    for (const { id, effect } of answer.reasons) reasons.set(`${layer}:${id}`, { layer, id, effect })
    for (const { id, message } of answer.errors) errors.set(`${layer}:${id}`, { layer, id, message })
    obligations.push(...answer.obligations)
  }
  return { allowed, reasons: [...reasons.values()], errors: [...errors.values()], obligations }
}
