/**
 * Sources beside each other. A statement of a named source that the user's or the system's own data had said before holds
 * like data; a value beside which an independent source gives another one for the same person or firm holds for less.
 * Must hold: whoever writes outputs of third parties, however many, makes no value safer by it; what stands in a request
 * or in text for an agent is never lifted.
 * @module
 */
import type { Intent } from './intent.ts'
import { COMMON } from './lexicon.ts'
import { canon, occurrences, singular, words } from './normal.ts'
import type { Origin } from './origin.ts'
import { deriveFrom, fieldAt, rank } from './origin.ts'
import type { FlowState, SeenField, SeenOutput } from './state.ts'
import type { TokenKind } from './tokens.ts'
import { tokenKind, tokensOf } from './tokens.ts'

/** A value under test, as `parts.ts` has it. */
export interface Claim {
  readonly raw: string
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
 * read before it, so that nobody copied the one into the other within the errand) states it, too.
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

/** Says the value in plain words or in a field, and nowhere in anything else. */
function states(output: SeenOutput, value: string): boolean {
  const places = occurrences(value, output.text)
  return (
    places.length > 0 &&
    places.every((at) => {
      const field = fieldAt(output, at)
      return (
        field !== null && !field.hidden && !field.spans.some((s) => s.start < at + value.length && at < s.end)
      )
    })
  )
}

const HELD: readonly (TokenKind | null)[] = ['account', 'email', 'phone']

/**
 * Another source gives another account, address or number for the same holder: a record, named as the user named it, that
 * has exactly one of the kind, or beside it on a page that was only led to, the one of whom other sources speak.
 */
export function disputeOf(state: FlowState, claim: Claim): Dispute | null {
  const kind = tokenKind(claim.raw)
  const { intent } = state
  const { standing } = claim.origin
  if (intent === null || kind === null || !HELD.includes(kind) || rank(standing) < rank('own')) return null
  return recordAgainst(state, intent, claim, kind) ?? neighbourOf(state, intent, claim, kind)
}

const HOLDER_KEYS = new Set(
  'name customer client vendor supplier payee company contact person user username employee member patient tenant landlord firm organization organisation partner'.split(
    ' ',
  ),
)
const MAX_RECORDS = 512

function recordAgainst(state: FlowState, intent: Intent, claim: Claim, kind: TokenKind): Dispute | null {
  const { output, place } = claim.origin
  if (output === null || place === null) return null
  // What is paid goes to whom the record is about; a mail may give anybody's address, and says whose beside it.
  let about: string | null = null
  const isAbout = (holder: string): boolean => {
    about ??= kind === 'account' ? textOf(output, place.record) : linesWith(output, place, claim.value)
    return occurrences(holder, about, 1).length > 0
  }
  let found: Dispute | null = null
  for (const other of state.outputs)
    for (const { holder, token } of holdersOf(other, kind)) {
      if (occurrences(holder, intent.text, 1).length === 0 || !isAbout(holder)) continue
      const value = other.text.slice(token.at, token.end)
      // Somebody's record gives it: then two records disagree, and neither speaks against the other.
      if (canon(value) === claim.value) return null
      if (other !== output) found ??= { output: other, field: token.key === '' ? null : token.key }
    }
  return found
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

function linesWith(output: SeenOutput, { at, end, breaks }: SeenField, value: string): string {
  const bounds = [at, ...breaks, end]
  return bounds
    .slice(1)
    .map((to, i) => output.text.slice(bounds[i], to))
    .flatMap((line) => line.split(/(?<=[\p{L}\p{N})]{2}[.!?])\s/u))
    .filter((line) => occurrences(value, line, 1).length > 0)
    .join('\ue000')
}

function textOf(output: SeenOutput, record: number): string {
  return output.fields
    .filter((field) => field.record === record)
    .map((field) => output.text.slice(field.at, field.end))
    .join('\ue000')
}

/** On a page that only another source led to: whom other sources speak of is meant, and not who stands beside. */
function neighbourOf(state: FlowState, intent: Intent, claim: Claim, kind: TokenKind): Dispute | null {
  const { output, place, standing } = claim.origin
  if (kind !== 'email' || standing !== 'said' || output === null || place === null) return null
  if (output.naming !== 'chained' || place.author || isSpokenOfElsewhere(state, intent, output, claim.value))
    return null
  const beside = output.fields.flatMap((field) => tokensOf(output.text.slice(field.at, field.end)))
  const meant = beside.some(
    (token) =>
      token.kind === kind &&
      canon(token.text) !== claim.value &&
      isSpokenOfElsewhere(state, intent, output, canon(token.text)),
  )
  return meant ? { output, field: place.key === '' ? null : place.key } : null
}

/** A word of the address’s local part stands in the user's words or in another output. */
function isSpokenOfElsewhere(state: FlowState, intent: Intent, output: SeenOutput, address: string): boolean {
  return words(address.split('@', 1)[0] ?? '').some(
    (word) =>
      word.length > 2 &&
      !COMMON.has(word) &&
      (intent.nouns.includes(singular(word)) ||
        state.outputs.some((other) => other !== output && deriveFrom(other).words.has(word))),
  )
}
