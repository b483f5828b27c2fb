/**
 * Both layers, intersected, and what would help: on a denial the facts that can be obtained are assumed, cheapest
 * first, and both layers are asked again. The hypothetical chooses the answer and never grants.
 * @module
 */
import type { Decision, Grant, Obligation } from '@safeconduct/protocol'
import type { Asked } from './context.ts'
import type { AskedPolicies, EntityRef, Layer, LayerAnswer, Obtainable } from './engine.ts'
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
  const verdict: OpenVerdict = { allowed: true, reasons: [], errors: [], obligations: [] }
  const put = (layer: Layer, principal: EntityRef): void => {
    const relations = relationsFor(asked.context, principal.type === 'User' ? 'user' : 'agent', principal.id)
    const question = { principal, action, resource, context: asked.context, obtained: facts, relations }
    merge(verdict, layer, policies.evaluate(layer, local === undefined ? question : { ...question, local }))
  }
  put('agent', { type: 'Agent', id: agent })
  for (const id of via) put('agent', { type: 'Agent', id })
  // An agent without a user stands for itself before the user's layer, which is never skipped.
  put('user', user === null ? { type: 'Agent', id: agent } : { type: 'User', id: user })
  return verdict
}

interface OpenVerdict extends Verdict {
  allowed: boolean
  readonly reasons: Decision['policies'][number][]
  readonly errors: Decision['policyErrors'][number][]
  readonly obligations: (Obligation | null)[]
}

function merge(into: OpenVerdict, layer: Layer, answer: LayerAnswer): void {
  if (!answer.allowed || answer.errors.some((error) => error.effect === 'forbid')) into.allowed = false
  for (const { id, effect } of answer.reasons) put(into.reasons, { layer, id, effect })
  for (const { id, message } of answer.errors) put(into.errors, { layer, id, message })
  if (answer.obligations.length > 0) into.obligations.push(...answer.obligations)
}

/** A policy that speaks for several of a chain is named once, with what it said last. */
function put<T extends { readonly layer: string; readonly id: string }>(said: T[], one: T): void {
  const known = said.findIndex(({ layer, id }) => layer === one.layer && id === one.id)
  if (known < 0) said.push(one)
  else said[known] = one
}
