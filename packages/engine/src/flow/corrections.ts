/**
 * An operator's word over derived roles.
 * @module
 */
import { ARGUMENT_KIND_NAMES, type ToolCorrections } from '@safeconduct/protocol'
import { ARGUMENT_KINDS } from './lexicon.ts'
import type { ArgumentRole, ToolRoles } from './roles.ts'

const WEIGHTS: ReadonlyMap<string, number> = new Map([
  ...ARGUMENT_KIND_NAMES.map((kind): [string, number] => [kind, 0]),
  ...ARGUMENT_KINDS.map(({ kind, weight }): [string, number] => [kind, weight]),
  ['object', 0.8],
])

/** Derived roles with single facts replaced, and single arguments given another kind. */
export function corrected(roles: ToolRoles, told: ToolCorrections | null | undefined): ToolRoles {
  if (told == null) return roles
  const { args: kinds = {}, ...facts } = told
  const effect = facts.effect ?? roles.effect
  const args: Record<string, ArgumentRole> = Object.assign(Object.create(null), roles.args)
  for (const [name, kind] of Object.entries(kinds)) {
    const weight = WEIGHTS.get(kind) ?? 0
    const sink = weight > 0 && (effect === 'write' || kind === 'url')
    args[name] = { ...roles.args[name], kind, weight, sink, freeText: kind === 'free' }
  }
  const given = Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined))
  return { ...roles, ...given, args }
}
