/**
 * The facts that a version brings about itself, by what its annotations bind (`policy/bindings.ts`): zone, sensitivity,
 * relations. They are worked out again for the version that is asked, out of what the record holds: zones of agents and
 * server stand in its entities, what was found of relations in its context.
 * @module
 */
import type { Posed } from '../../decision/rule.ts'
import type { CompiledPolicies, Layer, PolicyEntity, PolicyRecord, PolicyValue } from '../engine.ts'
import { asRecord } from '../engine.ts'
import { zonesOf } from '../facts.ts'
import { bindingOf, objectsOf } from '../relations.ts'
import type { Gap } from './candidate.ts'
import { type KeptCall, type KeptQuestion, posedOf } from './question.ts'

export function rebase(
  policies: CompiledPolicies,
  question: KeptQuestion,
  call: KeptCall,
): Posed | { readonly gap: Gap } {
  const posed = posedOf(question, call)
  const relations = relationsUnder(policies, question, call)
  if (typeof relations === 'string') return { gap: relations }
  const context = { ...posed.asked.context, ...surroundings(policies, question, call), relations }
  return { ...posed, asked: { ...posed.asked, context } }
}

function surroundings(policies: CompiledPolicies, question: KeptQuestion, call: KeptCall): PolicyRecord {
  const { context, entities } = question
  // A record from before there were zones has neither; whoever asks for them finds that out by `missingFacts`.
  if (context.zone === undefined) return {}
  const attributes = (type: string, id: string): PolicyRecord =>
    entities?.find(({ uid }: PolicyEntity) => uid.type === type && uid.id === id)?.attrs ?? {}
  const server = attributes('Server', call.operation.server)
  const { from, to, flow, sensitivity } = zonesOf(policies.bindings, call.operation, {
    agents: [call.agent, ...call.via].map((id) => text(attributes('Agent', id).zone)),
    server: text(server.zone),
    sensitivity: typeof server.sensitivity === 'number' ? server.sensitivity : 0,
    effect: asRecord(context.tool)?.effect === 'read' ? 'read' : 'write',
  })
  return { zone: { from, to, flow }, sensitivity }
}

function text(value: PolicyValue | undefined): string {
  return typeof value === 'string' ? value : ''
}

const NO_FACTS: PolicyRecord = {}

/** What the version would have been told of relations, or what of it the record does not hold. */
function relationsUnder(
  policies: CompiledPolicies,
  { relations: kept, context }: KeptQuestion,
  { operation, argsOmitted }: KeptCall,
): PolicyRecord | Gap {
  const binding = bindingOf(policies, operation)
  const spoken = policies.relations
  if (binding === undefined || spoken.agent.length + spoken.user.length === 0) return NO_FACTS
  if (argsOmitted !== null && binding.path !== null) return 'large-arguments'
  const objects = objectsOf(binding, operation)
  if (objects === null) return NO_FACTS
  if (kept === null || !sameSet(kept.objects ?? [], objects)) return 'relations'
  const wasAsked = (layer: Layer) => spoken[layer].every((name) => kept.asked[layer].includes(name))
  if (!wasAsked('agent') || !wasAsked('user')) return 'relations'
  return asRecord(context.relations) ?? NO_FACTS
}

function sameSet(a: readonly string[], b: readonly string[]): boolean {
  const [left, right] = [new Set(a), new Set(b)]
  return left.size === right.size && [...left].every((one) => right.has(one))
}
