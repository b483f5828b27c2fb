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
}

/** @param chains names below `context`, one list for each place where a policy speaks of one; `[]` is all of it */
export function factReader(
  chains: Iterable<readonly string[]>,
): (context: PolicyRecord) => Map<string, Value> {
  const root: Spoken = { whole: false, parts: new Map() }
  for (const chain of chains) {
    let at = root
    for (const name of chain) {
      const next = at.parts.get(name) ?? { whole: false, parts: new Map() }
      at.parts.set(name, next)
      at = next
    }
    at.whole = true
  }
  return (context) => fieldsOf(context, root, 0)
}

function fieldsOf(record: PolicyRecord, { whole, parts }: Spoken, depth: number): Map<string, Value> {
  const fields = new Map<string, Value>()
  const spoken = whole ? Object.keys(record).map((name) => [name, WHOLE] as const) : parts
  for (const [name, part] of spoken) {
    const value = Object.hasOwn(record, name) ? record[name] : undefined
    if (value !== undefined) fields.set(name, partOf(value, part, depth + 1))
  }
  // Relations are put in for each principal apart.
  if (depth === 0 && fields.has('relations')) fields.set('relations', NO_FACTS)
  return fields
}

function partOf(value: PolicyValue, part: Spoken, depth: number): Value {
  const record = part.whole || typeof value !== 'object' ? null : asRecord(value)
  return record === null || Object.hasOwn(record, '__entity')
    ? valueFrom(value, depth)
    : new CedarRecord(fieldsOf(record, part, depth))
}

const WHOLE: Spoken = { whole: true, parts: new Map() }
const NO_FACTS = new CedarRecord(new Map())
