/**
 * Values bound to the role they play: a source the user named gives the address of exactly the person or thing the user
 * spoke of. Two candidates for one role are no answer, so a second address beside the first one undoes the binding.
 * @module
 */
import { COMMON, FUNCTION_WORDS } from './lexicon.ts'
import { canon, occurrences, singular, words } from './normal.ts'
import type { SeenField, SeenOutput } from './state.ts'
import type { TokenKind } from './tokens.ts'
import { tokensOf } from './tokens.ts'

interface Candidate {
  readonly value: string
  readonly nouns: ReadonlySet<string>
}

/** Characters looked at before and after an address; never beyond its line or the next address. */
const BEFORE = 120
const AFTER = 60

const known = new WeakMap<SeenOutput, Map<TokenKind, readonly Candidate[]>>()

/** True when a word of the user stands beside `value` and beside no other address of its kind in this output. */
export function isRoleBound(
  output: SeenOutput,
  value: string,
  kind: TokenKind,
  nouns: readonly string[],
): boolean {
  const candidates = candidatesOf(output, kind)
  const own = candidates.filter((c) => c.value === value)
  const others = candidates.filter((c) => c.value !== value)
  return own.some((c) =>
    nouns.some(
      (n) => n.length > 3 && !COMMON.has(n) && c.nouns.has(n) && !others.some((o) => o.nouns.has(n)),
    ),
  )
}

/** No other value of its kind, of those that count, stands in this output. */
export function isOnlyOne(
  output: SeenOutput,
  value: string,
  kind: TokenKind,
  counts: (value: string) => boolean = () => true,
): boolean {
  const candidates = candidatesOf(output, kind).filter((candidate) => counts(candidate.value))
  return candidates.length > 0 && candidates.every((candidate) => candidate.value === value)
}

/**
 * A word of the user that stands in no other sentence of the output stands in the one that gives the value. The letters
 * of the value itself prove nothing.
 */
export function isSpokenOf(
  output: SeenOutput,
  field: SeenField,
  value: string,
  nouns: readonly string[],
  role: readonly string[] = [],
): boolean {
  const sentences = sentencesOf(output)
  const gives = sentences.map((s) => occurrences(value, s.text, 1).length > 0)
  const elsewhere = new Set(
    sentences.flatMap((s, i) => {
      const next = sentences[i + 1]
      const serves = gives[i] === true || (gives[i + 1] === true && REFERS_BACK.test(next?.text ?? ''))
      return serves ? [] : [...s.nouns]
    }),
  )
  return sentences.some((s, i) => {
    if (gives[i] !== true || s.from < field.at || s.from >= field.end) return false
    // "It is now …": what it is stands in the sentence before.
    const before = REFERS_BACK.test(s.text) ? (sentences[i - 1]?.text ?? '') : ''
    const around = new Set(words(`${before} ${s.text.replaceAll(value, ' ')}`).map(singular))
    return nouns.some((n) => (tells(n) || role.includes(n)) && around.has(n) && !elsewhere.has(n))
  })
}
const REFERS_BACK = /^\s*(?:it|this|that|they|these)\b/
function tells(noun: string): boolean {
  return noun.length > 3 && !COMMON.has(noun) && !FUNCTION_WORDS.has(noun)
}

interface Sentence {
  readonly from: number
  readonly text: string
  readonly nouns: ReadonlySet<string>
}
const split = new WeakMap<SeenOutput, readonly Sentence[]>()
const MAX_SENTENCES = 512

/** Prose of an output by sentences and lines; fields that are whole values are none. */
function sentencesOf(output: SeenOutput): readonly Sentence[] {
  const made = split.get(output)
  if (made !== undefined) return made
  const list: Sentence[] = []
  for (const field of output.fields) {
    if (field.whole || list.length > MAX_SENTENCES) continue
    const text = output.text.slice(field.at, field.end)
    const ends = new Set(field.breaks.map((b) => b - field.at))
    for (const m of text.matchAll(/(?<=[\p{L}\p{N})]{3})[.!?]\s/gu)) ends.add(m.index + 1)
    let from = 0
    for (const end of [...ends, text.length].sort((a, b) => a - b)) {
      const part = text.slice(from, end)
      if (part.trim() !== '')
        list.push({ from: field.at + from, text: part, nouns: new Set(words(part).map(singular)) })
      from = end
    }
  }
  split.set(output, list)
  return list
}

/** Addresses of one kind with the words around each; at most 64, more than that is a directory and binds nothing. */
function candidatesOf(output: SeenOutput, kind: TokenKind): readonly Candidate[] {
  const kinds = known.get(output) ?? new Map<TokenKind, readonly Candidate[]>()
  known.set(output, kinds)
  const made = kinds.get(kind)
  if (made !== undefined) return made
  const list: Candidate[] = []
  for (const field of output.fields) {
    const text = output.text.slice(field.at, field.end)
    let end = 0
    const tokens = tokensOf(text, 65).filter((t) => t.kind === kind)
    tokens.forEach((token, i) => {
      const at = text.indexOf(token.text, end)
      if (at < 0) return
      const stop = at + token.text.length
      const next = tokens[i + 1]
      const before = field.breaks.findLast((b) => b < field.at + at) ?? field.at
      const after = field.breaks.find((b) => b >= field.at + stop) ?? field.end
      const nextAt = next === undefined ? -1 : text.indexOf(next.text, stop)
      const until = Math.min(nextAt < 0 ? text.length : nextAt, stop + AFTER, after - field.at)
      const around = `${text.slice(Math.max(end, at - BEFORE, before - field.at), at)} ${text.slice(stop, until)}`
      list.push({ value: canon(token.text), nouns: new Set(words(around).map(singular)) })
      end = stop
    })
  }
  const candidates = list.length > 64 ? [] : list
  kinds.set(kind, candidates)
  return candidates
}
