/**
 * Relations as facts: what a call needs to know, asked at one revision, for each principal apart. A fact that cannot
 * be had is missing, never false or true: the policy that speaks of it errs, and an erring forbid denies.
 * @module
 */
import type { CallRequest, JsonValue, Operation } from '@safeconduct/protocol'
import { valuesAt } from '../delegation/details.ts'
import type { RelationFacts, RelationQuestion } from '../ports.ts'
import type { EngineState } from '../state.ts'
import { boundTo, type RelationBinding } from './bindings.ts'
import type { CompiledPolicies, PolicyRecord, PolicyValue } from './engine.ts'
import type { Actors } from './judge.ts'

/** Objects that one call may name. */
const MAX_OBJECTS = 64
const MAX_ID = 512

/** By `principalKey`, then by relation. */
export type RelationsByPrincipal = Readonly<Record<string, Readonly<Record<string, boolean>>>>

export interface ResolvedRelations {
  readonly facts: RelationsByPrincipal
  readonly revision: string
}

/** `agent:<id>`, `user:<id>`: who it is in tuples. null when the id cannot stand in one. */
export function principalKey(kind: 'agent' | 'user', id: string): string | null {
  return isPlainId(id) && !id.includes('@') ? `${kind}:${id}` : null
}

/** Ids that a tuple could read in another way than as the id of one thing. */
function isPlainId(id: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  return id.length > 0 && id.length <= MAX_ID && id !== '*' && !/[:#\s\u0000-\u001f\u007f]/.test(id)
}

/** Objects that the call names; null when one of them cannot be named, or none is. */
export function objectsOf(binding: RelationBinding, operation: Operation): readonly string[] | null {
  const values: readonly (JsonValue | null)[] =
    binding.path === null ? [operation.name] : valuesAt(operation.args, binding.path.join('.'))
  if (values.length === 0 || values.length > MAX_OBJECTS) return null
  const objects: string[] = []
  for (const value of values) {
    const text = typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : value
    if (typeof text !== 'string' || !text.startsWith(binding.after)) return null
    const id = text.slice(binding.after.length)
    // What would end the id and begin a relation, or a user, is no id.
    if (!isPlainId(id) || id.includes('@')) return null
    objects.push(`${binding.type}:${id}`)
  }
  return objects
}

export function bindingOf(policies: CompiledPolicies, operation: Operation): RelationBinding | undefined {
  const name = operation.kind === 'tool' ? operation.name : `mcp:${operation.kind}`
  return name === null ? undefined : boundTo(policies.bindings.relations, operation.server, name)
}

/** Who is asked for which relations. An agent without a user stands in the user's layer, too. */
function asking(
  policies: CompiledPolicies,
  { agent, via, user }: Actors,
): [string | null, readonly string[]][] {
  const { agent: agentNames, user: userNames } = policies.relations
  const rows: [string | null, readonly string[]][] = via.map((id) => [principalKey('agent', id), agentNames])
  if (user === null) rows.push([principalKey('agent', agent), [...new Set([...agentNames, ...userNames])]])
  else rows.push([principalKey('agent', agent), agentNames], [principalKey('user', user), userNames])
  return rows
}

/**
 * What the call's policies need to know of relations, for a driver that has to fetch it before the turn. Empty when
 * nothing is needed, or when what the call names cannot be asked about.
 */
export function neededRelations(
  state: EngineState,
  { grant, operation }: CallRequest,
): readonly RelationQuestion[] {
  const policies = state.tenants.get(grant.tenant)?.directory.policy?.compiled
  const binding = policies === undefined ? undefined : bindingOf(policies, operation)
  if (policies === undefined || binding === undefined) return []
  const objects = objectsOf(binding, operation) ?? []
  return asking(policies, grant).flatMap(([user, names]) =>
    user === null
      ? []
      : names.flatMap((relation) => objects.map((object): RelationQuestion => ({ user, relation, object }))),
  )
}

/** Facts of every principal of the call. null when no policy asks for any. */
export function resolveRelations(
  policies: CompiledPolicies,
  facts: RelationFacts | null,
  actors: Actors,
  operation: Operation,
): ResolvedRelations | null {
  const binding = bindingOf(policies, operation)
  if (binding === undefined) return null
  if (facts === null) return { facts: {}, revision: 'none' }
  const objects = objectsOf(binding, operation)
  const resolved: Record<string, Record<string, boolean>> = {}
  if (objects !== null) {
    const known = facts.relationsOf?.(binding.type)
    for (const [user, names] of asking(policies, actors)) {
      if (user === null) continue
      const held: Record<string, boolean> = {}
      for (const relation of names) {
        if (known !== undefined && known?.includes(relation) !== true) continue
        const answer = everyObject(facts, user, relation, objects)
        if (answer !== null) held[relation] = answer
      }
      resolved[user] = held
    }
  }
  return { facts: resolved, revision: facts.revision }
}

/** It has to hold for every object that the call names. null = cannot be answered. */
function everyObject(
  facts: RelationFacts,
  user: string,
  relation: string,
  objects: readonly string[],
): boolean | null {
  try {
    // All are asked: one that cannot be answered counts, wherever it stands.
    return objects.map((object) => facts.check(user, relation, object)).every((held) => held)
  } catch {
    return null
  }
}

/** The facts of one principal out of a question's context (`Asked.context.relations`). */
export function relationsFor(context: PolicyRecord, kind: 'agent' | 'user', id: string): PolicyRecord {
  const all: PolicyValue | undefined = context.relations
  if (all === NO_RELATIONS || typeof all !== 'object' || Array.isArray(all)) return NO_RELATIONS
  const key = principalKey(kind, id)
  const own = key !== null && Object.hasOwn(all, key) ? (all as PolicyRecord)[key] : undefined
  return typeof own === 'object' && !Array.isArray(own) ? (own as PolicyRecord) : NO_RELATIONS
}

export const NO_RELATIONS: Readonly<Record<string, never>> = {}
