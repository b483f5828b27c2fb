/**
 * How large a schema is with every common type written out. cedar-wasm writes them out, so types that use each other
 * twice at every step would cost it time and memory without bound; they are counted before it checks them.
 *
 * @module
 */

import { CedarError } from '../errors.ts'
import { MAX_SCHEMA_CHAIN, MAX_SCHEMA_TYPES } from '../limits.ts'

/** A JSON schema that nothing has checked yet: what does not look like a type counts as one. */
type Unchecked = Readonly<Record<string, unknown>>

/**
 * Types that use each other in a circle count once: cedar-wasm refuses them by itself.
 *
 * @throws {CedarError} `limit_exceeded`
 */
export function refuseDoubling(schema: unknown): void {
  const definitions = new Map<string, unknown>()
  const used: [namespace: string, type: unknown][] = []
  for (const [namespace, parts] of entries(schema)) {
    for (const [name, type] of entries(own(parts, 'commonTypes'))) {
      definitions.set(namespace === '' ? name : `${namespace}::${name}`, type)
      used.push([namespace, type])
    }
    for (const [, type] of entries(own(parts, 'entityTypes')))
      used.push([namespace, own(type, 'shape')], [namespace, own(type, 'tags')])
    for (const [, action] of entries(own(parts, 'actions')))
      used.push([namespace, own(own(action, 'appliesTo'), 'context')])
  }
  const sizes = new Map<string, number>()
  let depth = 0
  const sizeOf = (type: unknown, namespace: string): number => {
    let size = 1 + (own(type, 'element') === undefined ? 0 : sizeOf(own(type, 'element'), namespace))
    for (const [, attribute] of entries(own(type, 'attributes'))) size += sizeOf(attribute, namespace)
    for (const name of [own(type, 'type'), own(type, 'name')])
      if (typeof name === 'string') size += named(name, namespace)
    return size
  }
  const named = (name: string, namespace: string): number => {
    const full = [`${namespace}::${name}`, name].find((one) => definitions.has(one))
    if (full === undefined) return 0
    const known = sizes.get(full)
    if (known !== undefined) return known
    sizes.set(full, 0)
    if (++depth > MAX_SCHEMA_CHAIN)
      throw new CedarError(
        'limit_exceeded',
        `more than ${MAX_SCHEMA_CHAIN} common types are made of each other`,
      )
    const size = sizeOf(definitions.get(full), full.slice(0, Math.max(0, full.lastIndexOf('::'))))
    depth--
    sizes.set(full, size)
    return size
  }
  let total = 0
  for (const [namespace, type] of used) total += sizeOf(type, namespace)
  if (total > MAX_SCHEMA_TYPES)
    throw new CedarError(
      'limit_exceeded',
      `the schema has more than ${MAX_SCHEMA_TYPES} types, common types written out`,
    )
}

const isObject = (value: unknown): value is Unchecked => typeof value === 'object' && value !== null
const entries = (value: unknown): [string, unknown][] => (isObject(value) ? Object.entries(value) : [])
const own = (value: unknown, name: string): unknown =>
  isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined
