/**
 * Sources beside each other. A statement of a named source that the user's or the system's own data had said before holds
 * like data; a value beside which an independent source gives another one for the same person or firm holds for less.
 * Must hold: whoever writes outputs of third parties, however many, makes no value safer by it; what stands in a request
 * or in text for an agent is never lifted.
 * @module
 */
import type { Effort } from './effort.ts'
import { effortOf, spend } from './effort.ts'
import type { Intent } from './intent.ts'
import { COMMON } from './lexicon.ts'
import { canon, occurrences, singular, words } from './normal.ts'
import type { Origin } from './origin.ts'
import { deriveFrom, fieldAt, rank, unitWords } from './origin.ts'
import type { FlowState, SeenField, SeenOutput } from './state.ts'
import type { TokenKind } from './tokens.ts'
import { tokenKind, tokensOf } from './tokens.ts'

/** A value under test, as `parts.ts` has it; `address` = the kind of address that it is. */
export interface Claim {
  readonly address: TokenKind | null
  readonly value: string
  readonly origin: Origin
}

/** Another source gives `value` where the claim was given. */
export interface Dispute {
  readonly output: SeenOutput
  readonly field: string | null
}

/**
 * The claim is a plain statement of a source that the user named, and data that no third party writes (of another tool,
 * read before it, so that nobody copied the one into the other within the errand) has it, too: in a field of its own, for
 * a stranger's words (the purpose of a payment, a biography) may stand in a text of the user's own records.
 */
export function isAgreed(state: FlowState, { value, origin }: Claim): boolean {
  const { output, standing } = origin
  if (output === null || standing !== 'said' || state.stained.some(([stain]) => stain === value)) return false
  const read = state.outputs.indexOf(output)
  return state.outputs.some(
    (other, i) => i < read && !other.thirdParty && isElsewhere(output, other) && states(other, value),
  )
}

function isElsewhere(one: SeenOutput, other: SeenOutput): boolean {
  return one.server !== other.server || one.tool !== other.tool
}

/** Says the value in fields that are nothing else, and nowhere in anything else. */
function states(output: SeenOutput, value: string): boolean {
  const places = occurrences(value, output.text)
  return (
    places.length > 0 &&
    places.every((at) => {
      const field = fieldAt(output, at)
      return field?.whole === true && !field.spans.some((s) => s.start < at + value.length && at < s.end)
    })
  )
}

const HELD: readonly (TokenKind | null)[] = ['account', 'email', 'phone']

/** More records, or longer ones, than one call may have compared: whether anything speaks against the claim is not known. */
export type Disputes = (claim: Claim) => Dispute | 'unknown' | null

/**
 * Another source gives another account, address or number for the same holder: a record, named as the user named it, that
 * has exactly one of the kind, or beside it on a page that was only led to, the one of whom other sources speak. Made once
 * a call; linear in the outputs and in the claims, and never more than the effort.
 */
export function disputesOf(state: FlowState, effort: Effort = effortOf()): Disputes {
  const { intent } = state
  if (intent === null) return () => null
  const lookups = { state, intent, effort, records: new Map(), lines: new Map(), spoken: new Map() }
  return (claim) => {
    const kind = claim.address
    if (kind === null || !HELD.includes(kind) || rank(claim.origin.standing) < rank('own')) return null
    return recordAgainst(lookups, claim, kind) ?? neighbourOf(lookups, claim, kind)
  }
}

/** What one call looked up; every text of the outputs is read once for it. */
interface Lookups {
  readonly state: FlowState
  readonly intent: Intent
  readonly effort: Effort
  /** Holders of whom a record, or a line that begins at an offset, speaks; null = not known. */
  readonly records: Map<SeenOutput, Map<string, readonly Named[] | null>>
  readonly lines: Map<SeenField, readonly Line[]>
  /** Of an output, two addresses of whom other sources speak. */
  readonly spoken: Map<SeenOutput, readonly string[] | null>
}

const HOLDER_KEYS = new Set(
  'name customer client vendor supplier payee company contact person user username employee member patient tenant landlord firm organization organisation partner'.split(
    ' ',
  ),
)
const MAX_RECORDS = 512

function recordAgainst(lookups: Lookups, claim: Claim, kind: TokenKind): Dispute | 'unknown' | null {
  const { output, place } = claim.origin
  if (output === null || place === null) return null
  const { named, complete } = holdersNamed(lookups.state.outputs, lookups.intent, kind)
  if (!complete) return 'unknown'
  if (named.size === 0) return null
  // What is paid goes to whom the record is about; a mail may give anybody's address, and says whose beside it.
  const about =
    kind === 'account'
      ? holdersOfRecord(lookups, named, output, place.record, kind)
      : holdersOfLines(lookups, named, output, place, claim.value, kind)
  if (about === null) return 'unknown'
  // Somebody's record gives it: then two records disagree, and neither speaks against the other.
  if (about.some(({ values }) => values.has(claim.value))) return null
  let found: Given | null = null
  for (const { first, elsewhere } of about) {
    const given = first.output === output ? elsewhere : first
    if (given !== null && (found === null || given.order < found.order)) found = given
  }
  return found === null ? null : { output: found.output, field: found.field }
}

interface Holder {
  readonly holder: string
  readonly token: SeenField
}
const held = new WeakMap<SeenOutput, Map<TokenKind, readonly Holder[]>>()

/** Records that say whose they are, and hold exactly one whole value of the kind. */
function holdersOf(output: SeenOutput, kind: TokenKind): readonly Holder[] {
  const kinds = held.get(output) ?? new Map<TokenKind, readonly Holder[]>()
  held.set(output, kinds)
  const made = kinds.get(kind)
  if (made !== undefined) return made
  const records = new Map<number, { holders: string[]; tokens: SeenField[] }>()
  for (const field of output.fields) {
    if (!field.whole) continue
    const record = records.get(field.record) ?? { holders: [], tokens: [] }
    if (records.size < MAX_RECORDS) records.set(field.record, record)
    const text = output.text.slice(field.at, field.end).trim()
    if (tokenKind(text) === kind) record.tokens.push(field)
    else if (text.length > 2 && words(field.key).some((w) => HOLDER_KEYS.has(w))) record.holders.push(text)
  }
  const list = [...records.values()].flatMap(({ holders, tokens: [token, ...more] }) =>
    token === undefined || more.length > 0 ? [] : holders.map((holder) => ({ holder, token })),
  )
  kinds.set(kind, list)
  return list
}

interface Given {
  readonly order: number
  readonly output: SeenOutput
  readonly field: string | null
}
/** A holder of whom the user spoke, with what records give for it: the first, and the first of another output. */
interface Named {
  readonly holder: string
  readonly words: readonly string[]
  readonly values: Set<string>
  readonly first: Given
  elsewhere: Given | null
}
interface Index {
  readonly intent: Intent
  /** By the first word of the holder. */
  readonly named: ReadonlyMap<string, readonly Named[]>
  readonly complete: boolean
}
const indexed = new WeakMap<FlowState['outputs'], Map<TokenKind, Index>>()

function holdersNamed(outputs: FlowState['outputs'], intent: Intent, kind: TokenKind): Index {
  const kinds = indexed.get(outputs) ?? new Map<TokenKind, Index>()
  indexed.set(outputs, kinds)
  const known = kinds.get(kind)
  if (known?.intent === intent) return known
  // Its own effort: whether it is complete must not hang on what was asked before.
  const made = indexOf(outputs, intent, kind, effortOf())
  kinds.set(kind, made)
  return made
}

function indexOf(outputs: FlowState['outputs'], intent: Intent, kind: TokenKind, effort: Effort): Index {
  const named = new Map<string, Named[]>()
  const met = new Map<string, Named | null>()
  const spoken = new Set(unitWords(intent.text))
  let order = 0
  for (const output of outputs)
    for (const { holder, token } of holdersOf(output, kind)) {
      const known = met.get(holder)
      if (known === null) continue
      const given = { order: order++, output, field: token.key === '' ? null : token.key }
      const value = canon(output.text.slice(token.at, token.end))
      if (known !== undefined) {
        known.values.add(value)
        if (known.elsewhere === null && known.first.output !== output) known.elsewhere = given
        continue
      }
      const own = unitWords(holder)
      if (!own.every((word) => spoken.has(word))) {
        met.set(holder, null)
        continue
      }
      if (!spend(effort, intent.text.length)) return { intent, named, complete: false }
      if (occurrences(holder, intent.text, 1).length === 0) {
        met.set(holder, null)
        continue
      }
      const made: Named = { holder, words: own, values: new Set([value]), first: given, elsewhere: null }
      met.set(holder, made)
      const key = own[0] ?? ''
      named.set(key, [...(named.get(key) ?? []), made])
    }
  return { intent, named, complete: true }
}

/** Of whom a text speaks; null when that takes more than the effort. */
function holdersIn(text: string, named: Index['named'], effort: Effort): readonly Named[] | null {
  if (!spend(effort, text.length)) return null
  const own = new Set(unitWords(text))
  const found: Named[] = []
  for (const word of [...own, ''])
    for (const each of named.get(word) ?? []) {
      const possible = each.words.every((w) => own.has(w))
      if (!spend(effort, possible ? text.length : each.holder.length)) return null
      if (possible && occurrences(each.holder, text, 1).length > 0) found.push(each)
    }
  return found
}

function lookedUp(
  { records, effort }: Lookups,
  named: Index['named'],
  output: SeenOutput,
  key: string,
  textOf: () => string,
): readonly Named[] | null {
  const known = records.get(output) ?? new Map<string, readonly Named[] | null>()
  records.set(output, known)
  const made = known.get(key)
  if (made !== undefined) return made
  const found = holdersIn(textOf(), named, effort)
  known.set(key, found)
  return found
}

function holdersOfRecord(
  lookups: Lookups,
  named: Index['named'],
  output: SeenOutput,
  record: number,
  kind: TokenKind,
): readonly Named[] | null {
  return lookedUp(lookups, named, output, `${kind} record ${record}`, () => {
    const fields = output.fields.filter((field) => field.record === record)
    lookups.effort.left -= output.fields.length
    return fields.map((field) => output.text.slice(field.at, field.end)).join('\ue000')
  })
}

interface Line {
  readonly from: number
  readonly to: number
}

/** Sentences of the lines of a field. */
function linesOf({ lines }: Lookups, output: SeenOutput, field: SeenField): readonly Line[] {
  const known = lines.get(field)
  if (known !== undefined) return known
  const bounds = [field.at, ...field.breaks, field.end]
  const made = bounds.slice(1).flatMap((to, i) => {
    let from = bounds[i] ?? field.at
    const list: Line[] = []
    for (const m of output.text.slice(from, to).matchAll(/(?<=[\p{L}\p{N})]{2}[.!?])\s/gu)) {
      const end = (bounds[i] ?? field.at) + m.index
      list.push({ from, to: end })
      from = end + 1
    }
    return [...list, { from, to }]
  })
  lines.set(field, made)
  return made
}

/** Places of one value in one field that are looked at. */
const MAX_PLACES = 64

function holdersOfLines(
  lookups: Lookups,
  named: Index['named'],
  output: SeenOutput,
  field: SeenField,
  value: string,
  kind: TokenKind,
): readonly Named[] | null {
  const lines = linesOf(lookups, output, field)
  const text = output.text.slice(field.at, field.end)
  if (!spend(lookups.effort, text.length)) return null
  const places = occurrences(value, text, MAX_PLACES)
  if (places.length >= MAX_PLACES) return null
  const found = new Set<Named>()
  for (const place of places) {
    const line = lineAt(lines, field.at + place)
    if (line === undefined) continue
    const key = `${kind} line ${line.from}`
    const about = lookedUp(lookups, named, output, key, () => output.text.slice(line.from, line.to))
    if (about === null) return null
    for (const each of about) found.add(each)
  }
  return [...found]
}

function lineAt(lines: readonly Line[], at: number): Line | undefined {
  let low = 0
  let high = lines.length - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if (at >= (lines[middle]?.to ?? 0)) low = middle + 1
    else high = middle
  }
  return lines[low]
}

/** On a page that only another source led to: whom other sources speak of is meant, and not who stands beside. */
function neighbourOf(lookups: Lookups, claim: Claim, kind: TokenKind): Dispute | 'unknown' | null {
  const { output, place, standing } = claim.origin
  if (kind !== 'email' || standing !== 'said' || output === null || place === null) return null
  if (output.naming !== 'chained' || place.author) return null
  if (isSpokenOfElsewhere(lookups, output, claim.value)) return null
  const meant = spokenBeside(lookups, output)
  if (meant === null) return 'unknown'
  return meant.some((address) => address !== claim.value)
    ? { output, field: place.key === '' ? null : place.key }
    : null
}

/** Two of the addresses on a page of whom other sources speak: one of them is another than any third. */
function spokenBeside(lookups: Lookups, output: SeenOutput): readonly string[] | null {
  const known = lookups.spoken.get(output)
  if (known !== undefined) return known
  const found = new Set<string>()
  for (const field of output.fields) {
    if (found.size > 1) break
    for (const token of tokensOf(output.text.slice(field.at, field.end)))
      if (token.kind === 'email' && isSpokenOfElsewhere(lookups, output, canon(token.text)))
        found.add(canon(token.text))
  }
  const made = lookups.effort.left < 0 ? null : [...found].slice(0, 2)
  lookups.spoken.set(output, made)
  return made
}

const nounsOf = new WeakMap<Intent, ReadonlySet<string>>()

/** A word of the address’s local part stands in the user's words or in another output. */
function isSpokenOfElsewhere(
  { state, intent, effort }: Lookups,
  output: SeenOutput,
  address: string,
): boolean {
  const nouns = nounsOf.get(intent) ?? new Set(intent.nouns)
  nounsOf.set(intent, nouns)
  return words(address.split('@', 1)[0] ?? '').some(
    (word) =>
      word.length > 2 &&
      !COMMON.has(word) &&
      spend(effort, state.outputs.length) &&
      (nouns.has(singular(word)) ||
        state.outputs.some((other) => other !== output && deriveFrom(other).words.has(word))),
  )
}
