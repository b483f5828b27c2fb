/**
 * Where a value stands in what the task has seen. A value takes its safest place; the order of safety is `STANDINGS`.
 * @module
 */
import { decodeValue } from './decode.ts'
import { occurrences, squash } from './normal.ts'
import type { Span } from './spans.ts'
import type { FlowState, SeenField, SeenOutput } from './state.ts'

/**
 * user: in the user's words · approved: a person said yes · own: the system's or the user's own data · field: a whole
 * field · delegated: in a record of the author whom the user told the agent to follow · said: a statement in a named
 * source · composed: written by the agent · assembled: pieced together from an output · stated: a statement in a source
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
}

export const COMPOSED: Origin = { standing: 'composed', output: null, field: null, author: false }
const USER: Origin = { standing: 'user', output: null, field: null, author: false }

/** Where the canonical `value` stands; `decoys` are tried as well (decoded, spaced out, pieced together). */
export function originOf(state: FlowState, value: string, identifying: boolean): Origin {
  if (value === '') return COMPOSED
  if (state.intent !== null && occurrences(value, state.intent.text, 1).length > 0) return USER
  const plain = safestPlace(state, value)
  if (plain !== null) return plain
  const decoded = decodeValue(value).toLowerCase()
  if (decoded !== value && decoded !== '') {
    if (state.intent !== null && occurrences(decoded, state.intent.text, 1).length > 0) return USER
    const found = safestPlace(state, decoded)
    if (found !== null) return found
  }
  if (!identifying) return state.forgot ? { ...COMPOSED, standing: 'stated' } : COMPOSED
  const assembled = compoundOrigin(state, value, /[@/\s]+/)
  return (
    assembled ?? disguised(state, value) ?? (state.forgot ? { ...COMPOSED, standing: 'stated' } : COMPOSED)
  )
}

function safestPlace(state: FlowState, value: string): Origin | null {
  let best: Origin | null = null
  for (const output of state.outputs)
    for (const at of occurrences(value, output.text)) {
      const field = fieldAt(output, at)
      if (field === null) continue
      const standing = standingOf(state, output, field, at, at + value.length)
      if (best === null || rank(standing) < rank(best.standing))
        best = { standing, output, field: field.key === '' ? null : field.key, author: field.author }
    }
  return best
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
  for (const span of field.spans) {
    if (span.start >= to || span.end <= from) continue
    marks = Math.max(marks, follows ? span.agentic : span.marks)
    agentic = Math.max(agentic, span.agentic)
    asks ||= span.asks.length > 0
  }
  if (marks >= 1.5 && agentic > 0) return 'hostile'
  if (field.hidden) return 'hidden'
  if (field.whole && to - from >= 0.6 * (field.end - field.at)) return output.thirdParty ? 'field' : 'own'
  if (!output.thirdParty && marks < 1 && !asks) return 'own'
  if (follows && field.author && marks < 1) return 'delegated'
  if (asks && marks < 1 && followsLabel(output.text, from)) return named ? 'said' : 'stated'
  if (asks || marks >= 1) return named ? (follows && marks < 1 ? 'followed' : 'asked-named') : 'asked'
  return named ? 'said' : 'stated'
}

/** `IBAN: X` on a line of its own: the value follows a label. */
function followsLabel(text: string, at: number): boolean {
  return /(?:^|[\ue000>|]|\s{3,})\s*[a-z][\w -]{0,20}:\s*$/.test(text.slice(Math.max(0, at - 40), at))
}

// Squashed texts are derived from immutable outputs; the map holds nothing that the state does not.
const squashed = new WeakMap<SeenOutput, readonly { field: SeenField; text: string }[]>()
const SQUASH_BUDGET = 131_072

function squashedFields(output: SeenOutput): readonly { field: SeenField; text: string }[] {
  const known = squashed.get(output)
  if (known !== undefined) return known
  const made = output.fields.map((field) => ({ field, text: squash(output.text.slice(field.at, field.end)) }))
  squashed.set(output, made)
  return made
}

/** Spaced out, spelled out, or pieced together from an output: never safer than a statement. */
function disguised(state: FlowState, value: string): Origin | null {
  const bare = squash(value)
  if (bare.length < 8) return null
  let budget = SQUASH_BUDGET
  let best: Origin | null = null
  for (let i = state.outputs.length - 1; i >= 0 && budget > 0; i--) {
    const output = state.outputs[i]
    if (output === undefined) break
    budget -= output.text.length
    const fields = squashedFields(output)
    for (const { field, text } of fields) {
      if (!text.includes(bare)) continue
      const standing = standingOf(state, output, field, field.at, field.end)
      const told = field.whole ? standing : worse(standing, 'said')
      if (best === null || rank(told) < rank(best.standing))
        best = { standing: told, output, field: field.key === '' ? null : field.key, author: field.author }
    }
    if (best === null && output.thirdParty) best = pieces(output, bare, fields)
  }
  return best
}

const PIECE = 4
const MAX_PIECES = 4
/** Put together from runs of one output that end inside a word: a value that somebody took apart. */
function pieces(
  output: SeenOutput,
  bare: string,
  fields: readonly { field: SeenField; text: string }[],
): Origin | null {
  const text = fields.map((f) => f.text).join('\ue000')
  let at = 0
  for (let n = 0; n < MAX_PIECES; n++) {
    let length = Math.min(PIECE, bare.length - at)
    if (!text.includes(bare.slice(at, at + length))) return null
    while (at + length < bare.length && text.includes(bare.slice(at, at + length + 1))) length++
    at += length
    if (at >= bare.length) return { standing: 'assembled', output, field: null, author: false }
    // A last piece of one or two letters stands everywhere and proves nothing.
    if (bare.length - at < 3) return null
  }
  return null
}

/** A compound of known words takes the standing of its worst one; null when one of them is unknown. */
export function compoundOrigin(state: FlowState, value: string, separator: RegExp): Origin | null {
  const parts = value.split(separator).filter((word) => word.length > 2)
  if (parts.length < 2 || parts.length > 12) return null
  let worst: Origin | null = null
  for (const part of parts) {
    const found = userOrPlace(state, part)
    if (found === null) return null
    if (worst === null || rank(found.standing) > rank(worst.standing)) worst = found
  }
  return worst
}
function userOrPlace(state: FlowState, value: string): Origin | null {
  if (state.intent !== null && occurrences(value, state.intent.text, 1).length > 0) return USER
  return safestPlace(state, value)
}

/** Spans of `field` that overlap a range. */
export function spansIn(field: SeenField, from: number, to: number): readonly Span[] {
  return field.spans.filter((span) => span.start < to && from < span.end)
}
