/**
 * Entity uids from outside: the one place where a type name and an id are checked.
 *
 * @module
 */

import { CedarError } from './errors.ts'
import { EntityUid } from './values.ts'

/** What callers write: `{ type: 'Namespace::Type', id: 'any text' }`. An `EntityUid` is one already. */
export interface EntityRef {
  readonly type: string
  readonly id: string
}

const reserved = '(?:if|then|else|true|false|in|is|like|has|__cedar)(?![A-Za-z0-9_])'
const segment = `(?!${reserved})[A-Za-z_][A-Za-z0-9_]*`
const namePattern = new RegExp(`^${segment}(?:::${segment})*$`)

/** Names that passed, so that the pattern runs once for the few types that requests repeat. Bounded. */
const MAX_KNOWN_NAMES = 1024
const knownNames = new Set<string>()

export function isName(text: string): boolean {
  if (knownNames.has(text)) return true
  const valid = namePattern.test(text)
  if (valid && knownNames.size < MAX_KNOWN_NAMES) knownNames.add(text)
  return valid
}

/** @throws {CedarError} `entity_invalid` when the type is not a name or the id is not text */
export function entityUid(ref: unknown): EntityUid {
  if (ref instanceof EntityUid) return ref
  if (typeof ref === 'object' && ref !== null && 'type' in ref && 'id' in ref) {
    const { type, id } = ref
    if (typeof type === 'string' && typeof id === 'string' && isName(type)) return new EntityUid(type, id)
  }
  throw new CedarError('entity_invalid', 'an entity needs a type that is a Cedar name and an id that is text')
}

export function isActionType(type: string): boolean {
  return type === 'Action' || type.endsWith('::Action')
}
