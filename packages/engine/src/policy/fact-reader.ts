/**
 * Facts of a question as Cedar reads them: those that the policies speak of. The rest costs nothing and can change no
 * answer, because no policy says its name.
 * @module
 */
import { CedarRecord, type Value, valueFrom } from '@safeconduct/cedar'
import { asRecord, type PolicyRecord, type PolicyValue } from './engine.ts'

/** A path that is spoken of, and the paths below it. */
interface Spoken {
  /** Spoken of as a whole, so everything in it counts. */
  whole: boolean
  readonly parts: Map<string, Spoken>
  /** What was read of frozen facts (`kept-facts.ts`): they are the same with every call. */
  readonly known: WeakMap<object, Value>
}

function spoken(): Spoken {
  return { whole: false, parts: new Map(), known: new WeakMap() }
}

/** @param chains names below `context`, one list for each place where a policy speaks of one; `[]` is all of it */
export function factReader(
  chains: Iterable<readonly string[]>,
): (context: PolicyRecord) => Map<string, Value> {
  const root = spoken()
  for (const chain of chains) {
    let at = root
    for (const name of chain) {
      const next = at.parts.get(name) ?? spoken()
      at.parts.set(name, next)
      at = next
    }
    at.whole = true
  }
  return (context) => fieldsOf(context, root, 0)
}

function fieldsOf(record: PolicyRecord, { whole, parts }: Spoken, depth: number): Map<string, Value> {
  const fields = new Map<string, Value>()
  const named = whole ? Object.keys(record).map((name) => [name, WHOLE] as const) : parts
  for (const [name, part] of named) {
    const value = Object.hasOwn(record, name) ? record[name] : undefined
    if (value !== undefined) fields.set(name, partOf(value, part, depth + 1))
  }
  // Relations are put in for each principal apart.
  if (depth === 0 && fields.has('relations')) fields.set('relations', NO_FACTS)
  return fields
}

function partOf(value: PolicyValue, part: Spoken, depth: number): Value {
  if (typeof value !== 'object') return valueFrom(value, depth)
  const known = part.known.get(value)
  if (known !== undefined) return known
  const record = part.whole ? null : asRecord(value)
  const read =
    record === null || Object.hasOwn(record, '__entity')
      ? valueFrom(value, depth)
      : new CedarRecord(fieldsOf(record, part, depth))
  if (depth === 1 && Object.isFrozen(value)) part.known.set(value, read)
  return read
}

const WHOLE: Spoken = { ...spoken(), whole: true }
const NO_FACTS = new CedarRecord(new Map())
