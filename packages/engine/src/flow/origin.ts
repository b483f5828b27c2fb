/**
 * Where a value stands in what the task has seen. A value takes its safest place; the order of safety is `STANDINGS`.
 * @module
 */
import { decodeValue } from './decode.ts'
import type { Effort } from './effort.ts'
import { effortOf, spend } from './effort.ts'
import { FREE_KEYS } from './lexicon.ts'
import { occurrences, singular, squash, words } from './normal.ts'
import type { Span } from './spans.ts'
import type { FlowState, SeenField, SeenOutput } from './state.ts'

/**
 * user: in the user's words · approved: a person said yes · own: the system's or the user's own data · field: a whole
 * field · delegated: in a record of the author whom the user told the agent to follow · said: a statement in a named
 * source · composed: written by the agent · mentioned: a
 * statement in a list the user only talked about · assembled: pieced together from an output · stated: a statement in a source
 * nobody named · followed, asked-named, asked: in a request of a followed, named, other source · hidden: only in decoded
 * text · hostile: in text written for an agent.
 */
export const STANDINGS = [
  'user',
  'approved',
  'own',
  'field',
  'delegated',
  'said',
  'composed',
  'mentioned',
  'assembled',
  'stated',
  'followed',
  'asked-named',
  'asked',
  'hidden',
  'hostile',
] as const
export type Standing = (typeof STANDINGS)[number]

const RANK: ReadonlyMap<Standing, number> = new Map(STANDINGS.map((name, i) => [name, i]))
export function rank(standing: Standing): number {
  return RANK.get(standing) ?? STANDINGS.length
}
export function worse(a: Standing, b: Standing): Standing {
  return rank(a) >= rank(b) ? a : b
}
/** Standing of a value that steers because an output asked for it. */
export function isAsked(standing: Standing): boolean {
  return rank(standing) >= rank('followed')
}

export interface Origin {
  readonly standing: Standing
  readonly output: SeenOutput | null
  readonly field: string | null
  /** Stands in a record whose author the user named. */
  readonly author: boolean
  /** Where exactly; null when it was found in no single field. */
  readonly place: SeenField | null
  /** Only a part of the value stands there: the host of an address, say. */
  readonly partial?: true
}

export const COMPOSED: Origin = {
  standing: 'composed',
  output: null,
  field: null,
  author: false,
  place: null,
}
const USER: Origin = { standing: 'user', output: null, field: null, author: false, place: null }

/**
 * Where the canonical `value` stands; decoded, spaced out and pieced together it is tried as well. With no effort left the
 * search ends where it is: the caller doubts what it found nothing for.
 */
export function originOf(
  state: FlowState,
  value: string,
  identifying: boolean,
  effort: Effort = effortOf(),
): Origin {
  if (value === '') return COMPOSED
  if (state.intent !== null && occurrences(value, state.intent.text, 1).length > 0) return USER
  const plain = safestPlace(state, value, effort)
  if (plain !== null) return plain
  const decoded = decodeValue(value).toLowerCase()
  if (decoded !== value && decoded !== '') {
    if (state.intent !== null && occurrences(decoded, state.intent.text, 1).length > 0) return USER
    const found = safestPlace(state, decoded, effort)
    if (found !== null) return found
  }
  if (!identifying) return inTwo(state, value, effort) ?? nowhere(state, effort)
  const assembled = compoundOrigin(state, value, /[@/\s]+/, effort)
  return assembled ?? disguised(state, value, effort) ?? inTwo(state, value, effort) ?? nowhere(state, effort)
}

/** Found nowhere; where not everything could be looked through, among text written for an agent, it may well stand there. */
function nowhere(state: FlowState, effort: Effort): Origin {
  const unread = state.forgot || (effort.left < 0 && state.marks > 0)
  return unread ? { ...COMPOSED, standing: 'stated' } : COMPOSED
}

/** In the user's words, or in an output; with `spelled` only where it is spelled so, letter by letter, or only elsewhere. */
export function directOrigin(
  state: FlowState,
  value: string,
  effort: Effort,
  spelled?: string,
  so = true,
): Origin | null {
  if (state.intent !== null && standsIn(state.intent, value, spelled, so)) return USER
  return safestPlace(state, value, effort, spelled, so)
}

/** Stands in a text, spelled so; without `spelled` however it is spelled. */
export function standsIn(
  { text, spelling = text }: { readonly text: string; readonly spelling?: string },
  value: string,
  spelled?: string,
  so = true,
): boolean {
  if (spelled === undefined) return occurrences(value, text, 1).length > 0
  return occurrences(value, text).some((at) => spelling.startsWith(spelled, at) === so)
}

function safestPlace(
  state: FlowState,
  value: string,
  effort: Effort,
  spelled?: string,
  so = true,
): Origin | null {
  let best: Origin | null = null
  const needed = unitWords(value)
  for (const output of state.outputs) {
    const has = deriveFrom(output).words
    if (!needed.every((word) => has.has(word))) continue
    if (!spend(effort, output.text.length)) break
    for (const at of occurrences(value, output.text)) {
      if (spelled !== undefined && (output.spelling ?? output.text).startsWith(spelled, at) !== so) continue
      const field = fieldAt(output, at)
      if (field === null) continue
      const standing = standingOf(state, output, field, at, at + value.length)
      if (best === null || rank(standing) < rank(best.standing))
        best = { standing, output, ...placeOf(field) }
    }
  }
  return best
}

function placeOf(field: SeenField): Pick<Origin, 'field' | 'author' | 'place'> {
  return { field: field.key === '' ? null : field.key, author: field.author, place: field }
}

/** The field an offset lies in; fields are in order and do not overlap. */
export function fieldAt(output: SeenOutput, at: number): SeenField | null {
  let low = 0
  let high = output.fields.length - 1
  while (low <= high) {
    const middle = (low + high) >> 1
    const field = output.fields[middle]
    if (field === undefined) return null
    if (at < field.at) high = middle - 1
    else if (at >= field.end) low = middle + 1
    else return field
  }
  return null
}

/** The source was named by the user, or the record's author was. */
export function isNamed(output: SeenOutput, field: SeenField): boolean {
  return field.author || output.naming === 'named' || output.naming === 'chained'
}

function standingOf(
  state: FlowState,
  output: SeenOutput,
  field: SeenField,
  from: number,
  to: number,
): Standing {
  const named = isNamed(output, field)
  const follows = state.intent?.follows === true && named
  let marks = 0
  let agentic = 0
  let asks = false
  for (let i = firstSpan(field.spans, from); i < field.spans.length; i++) {
    const span = field.spans[i]
    if (span === undefined || span.start >= to) break
    marks = Math.max(marks, follows ? span.agentic : span.marks)
    agentic = Math.max(agentic, span.agentic)
    asks ||= span.asks.length > 0
  }
  if (marks >= 1.5 && agentic > 0) return 'hostile'
  if (field.hidden) return 'hidden'
  if (field.whole && to - from >= 0.6 * (field.end - field.at)) return output.thirdParty ? 'field' : 'own'
  if (!output.thirdParty && marks < 1 && !asks && (field.whole || field.key === '')) return 'own'
  if (follows && field.author && marks < 1) return 'delegated'
  if (asks && marks < 1 && followsLabel(output.text, from)) return named ? 'said' : 'stated'
  if (asks || marks >= 1) return named ? (follows && marks < 1 ? 'followed' : 'asked-named') : 'asked'
  const remark = output.naming === 'chained' && !field.author && !follows && isRemark(output, field)
  if (named && !remark) return 'said'
  return output.naming === 'topic' && isProse(field) ? 'mentioned' : 'stated'
}

/** The first one that ends behind an offset; spans are in order, by where they end, too. */
function firstSpan(spans: readonly Span[], from: number): number {
  let low = 0
  let high = spans.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((spans[middle]?.end ?? 0) <= from) low = middle + 1
    else high = middle
  }
  return low
}

/** Prose in one of several records that only a listing led to: anybody's word about a thing, not the word of a source. */
export function isRemark(output: SeenOutput, field: SeenField): boolean {
  return (
    output.host === null && output.fields.length > 1 && (isProse(field) || (!field.whole && field.key !== ''))
  )
}

function isProse(field: SeenField): boolean {
  return words(field.key).some((word) => FREE_KEYS.has(word) || FREE_KEYS.has(singular(word)))
}

/** `IBAN: X` on a line of its own: the value follows a label. */
function followsLabel(text: string, at: number): boolean {
  return /(?:^|[\ue000>|]|\s{3,})\s*[a-z][\w -]{0,20}:\s*$/.test(text.slice(Math.max(0, at - 40), at))
}

// What is derived from an output that never changes; the maps hold nothing that the state does not.
interface Derived {
  /** Every whole word of the text: a value one of whose words is missing stands nowhere in it. */
  readonly words: ReadonlySet<string>
  /** All fields squashed, with the end of each. */
  readonly squashed: string
  readonly ends: readonly number[]
}
const derived = new WeakMap<SeenOutput, Derived>()
// Units, not code points: the boundary test of `occurrences` looks at units.
const UNIT_WORD = /(?:(?![\u{10000}-\u{10ffff}])[\p{L}\p{N}])+/gu
/** Words as the boundary test of `occurrences` sees them. */
export function unitWords(text: string): readonly string[] {
  return text.match(UNIT_WORD) ?? []
}
export function unitWordsAt(text: string): IterableIterator<RegExpExecArray> {
  return text.matchAll(UNIT_WORD)
}
const SQUASH_BUDGET = 65_536

export function deriveFrom(output: SeenOutput): Derived {
  const known = derived.get(output)
  if (known !== undefined) return known
  const ends: number[] = []
  let text = ''
  for (const field of output.fields) {
    text += `${squash(output.text.slice(field.at, field.end))}\ue000`
    ends.push(text.length)
  }
  const made = { words: new Set(output.text.match(UNIT_WORD) ?? []), squashed: text, ends }
  derived.set(output, made)
  return made
}

/** Spaced out, spelled out, or pieced together from an output: never safer than a statement. */
function disguised(state: FlowState, value: string, effort: Effort): Origin | null {
  const bare = squash(value)
  if (bare.length < 8) return null
  let budget = SQUASH_BUDGET
  let best: Origin | null = null
  for (let i = state.outputs.length - 1; i >= 0 && budget > 0; i--) {
    const output = state.outputs[i]
    if (output === undefined) break
    const { squashed, ends } = deriveFrom(output)
    budget -= squashed.length
    if (!spend(effort, squashed.length)) return best
    const at = squashed.indexOf(bare)
    const field = at < 0 ? undefined : output.fields[ends.findIndex((end) => at < end)]
    if (field !== undefined) {
      const standing = standingOf(state, output, field, field.at, field.end)
      const told = field.whole ? standing : worse(standing, 'said')
      if (best === null || rank(told) < rank(best.standing))
        best = { standing: told, output, ...placeOf(field) }
    }
    if (best === null && output.thirdParty && isInPieces(squashed, bare, effort))
      best = { standing: 'assembled', output, field: null, author: false, place: null }
  }
  return best
}

const PIECE = 4
const MAX_PIECES = 4
/** Can be put together from a few runs of one output: a value that somebody took apart. */
function isInPieces(text: string, bare: string, effort: Effort): boolean {
  let at = 0
  for (let n = 0; n < MAX_PIECES; n++) {
    const length = longestRun(text, bare.slice(at), effort)
    if (length === 0) return false
    at += length
    if (at >= bare.length) return true
    // A last piece of one or two letters stands everywhere and proves nothing.
    if (bare.length - at < 3) return false
  }
  return false
}

/** How much of the head of `bare`, a piece at least, stands in the text in one run; 0 = none. */
function longestRun(text: string, bare: string, effort: Effort): number {
  const piece = bare.slice(0, PIECE)
  let longest = 0
  if (!spend(effort, text.length)) return 0
  for (let at = text.indexOf(piece); at >= 0; at = text.indexOf(piece, at + 1)) {
    let length = piece.length
    while (length < bare.length && text.charAt(at + length) === bare.charAt(length)) length++
    longest = Math.max(longest, length)
    if (longest === bare.length || !spend(effort, length)) break
  }
  return longest
}

const HEAD = 3
const CUT = { least: 5, most: 64, apart: 60, tries: 256 } as const
/** Cut in two inside a word, the halves one soon after the other, each by itself: `Riverben … d Grand`. */
function inTwo(state: FlowState, value: string, effort: Effort): Origin | null {
  if (value.length < CUT.least || value.length > CUT.most) return null
  let budget = SQUASH_BUDGET
  for (let i = state.outputs.length - 1; i >= 0 && budget > 0; i--) {
    const output = state.outputs[i]
    if (output?.thirdParty !== true) continue
    budget -= output.text.length
    if (!spend(effort, output.text.length)) return null
    let tries = 0
    const head = value.slice(0, HEAD)
    for (
      let at = output.text.indexOf(head);
      at >= 0 && tries < CUT.tries;
      at = output.text.indexOf(head, at + 1)
    ) {
      tries++
      const field = isLetter(output.text.charAt(at - 1)) ? null : fieldAt(output, at)
      if (field !== null && !field.whole && isCutAt(output.text.slice(at, field.end), value))
        return { standing: 'assembled', output, ...placeOf(field) }
    }
  }
  return null
}
function isCutAt(text: string, value: string): boolean {
  let cut: number = HEAD
  while (cut < value.length && text.charAt(cut) === value.charAt(cut)) cut++
  if (value.length - cut < 2 || isLetter(text.charAt(cut))) return false
  if (!isLetter(value.charAt(cut - 1)) || !isLetter(value.charAt(cut))) return false
  return occurrences(value.slice(cut), text.slice(cut, cut + CUT.apart + value.length), 1).length > 0
}
function isLetter(c: string): boolean {
  return /[\p{L}\p{N}]/u.test(c)
}

/** A compound of known words takes the standing of its worst one; null when one of them is unknown. */
function compoundOrigin(state: FlowState, value: string, separator: RegExp, effort: Effort): Origin | null {
  const parts = value.split(separator).filter((word) => word.length > 2)
  if (parts.length < 2 || parts.length > 12) return null
  let worst: Origin | null = null
  for (const part of parts) {
    const found = directOrigin(state, part, effort)
    if (found === null) return null
    if (worst === null || rank(found.standing) > rank(worst.standing)) worst = found
  }
  return worst
}
