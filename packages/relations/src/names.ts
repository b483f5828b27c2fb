/**
 * Ids as OpenFGA writes them: `type:id`, `type:id#relation`, `type:*`.
 *
 * A string that could be read in two ways is refused: an id never holds `:`, `#`, white space, control characters or
 * half a surrogate pair (which would become the same bytes as another),
 * `*` is only ever the whole id of a user, and an object never has a relation.
 *
 * @module
 */
import { RelationsError } from './errors.ts'
import { MAX_OBJECT_CHARS, MAX_RELATION_CHARS, MAX_TYPE_CHARS, MAX_USER_CHARS } from './limits.ts'

/** A subject: an object, a userset (`relation` set) or everybody of a type (`id` is `*`). */
export interface Subject {
  readonly type: string
  /** `type:id` as written. */
  readonly name: string
  readonly relation?: string
  readonly wildcard: boolean
}

const NAME = /^[^\s:#@*\p{Cc}]+$/u
const ID = /^[^\s:#\p{Cc}]+$/u

export function parseObject(text: unknown): Subject | undefined {
  const subject = parseUser(text)
  if (subject === undefined || subject.relation !== undefined || subject.wildcard) return undefined
  return subject.name.length > MAX_OBJECT_CHARS ? undefined : subject
}

export function parseUser(text: unknown): Subject | undefined {
  if (typeof text !== 'string' || text.length > MAX_USER_CHARS || !text.isWellFormed()) return undefined
  const colon = text.indexOf(':')
  const hash = text.indexOf('#')
  if (colon < 1 || (hash >= 0 && hash < colon)) return undefined
  const type = text.slice(0, colon)
  const id = text.slice(colon + 1, hash < 0 ? undefined : hash)
  if (!isTypeName(type) || !ID.test(id)) return undefined
  const wildcard = id === '*'
  if (hash < 0) return { type, name: text, wildcard }
  const relation = text.slice(hash + 1)
  if (wildcard || !isRelationName(relation)) return undefined
  return { type, name: text.slice(0, hash), relation, wildcard: false }
}

export const isTypeName = (text: string): boolean => text.length <= MAX_TYPE_CHARS && NAME.test(text)
export const isRelationName = (text: string): boolean => text.length <= MAX_RELATION_CHARS && NAME.test(text)

export function objectOrThrow(text: unknown): Subject {
  const found = parseObject(text)
  if (found === undefined) throw new RelationsError('validation', 'an object must be written type:id')
  return found
}

export function userOrThrow(text: unknown): Subject {
  const found = parseUser(text)
  if (found === undefined)
    throw new RelationsError('validation', 'a user must be written type:id, type:id#relation or type:*')
  return found
}
