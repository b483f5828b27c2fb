/**
 * The clear shape of carrying data out: words and values of private data that the errand read stand in a call that leaves
 * the house, text that gives orders was read, and where it goes was chosen by such a text. Anything less clear is doubted
 * (`carries-out`), not refused.
 * @module
 */
import { hiddenTexts } from './decode.ts'
import type { ScalarLeaf } from './json.ts'
import { canon, clean, fold, occurrences } from './normal.ts'
import { rank } from './origin.ts'
import type { Part } from './parts.ts'
import { shingles } from './quotes.ts'
import type { ToolRoles } from './roles.ts'
import type { FlowState, SeenOutput } from './state.ts'
import { LIMITS } from './state.ts'
import { hostOf, tokenKind, tokensOf } from './tokens.ts'

/** `isHeld`: the user's words, or data, vouch for the part. */
export function isClearExfiltration(
  state: FlowState,
  roles: ToolRoles,
  leaves: readonly ScalarLeaf[],
  parts: readonly Part[],
  isHeld: (part: Part) => boolean,
): boolean {
  if (!state.privateDataRead || !state.untrustedSeen || !roles.openWorld) return false
  if (state.marks < 1 && state.requests.length === 0) return false
  const to = parts.filter(
    (part) => part.sink && !part.token && isDestination(part) && isChosenByText(state, part) && !isHeld(part),
  )
  return to.length > 0 && holdsPrivate(state, leaves, to)
}

const DESTINATIONS = ['recipient', 'account', 'url']
function isDestination(part: Part): boolean {
  return DESTINATIONS.includes(part.kind) || tokenKind(part.raw) !== null
}

/** By a request, by what had to be decoded or put together, or, where something talked to the agent, by anybody's word. */
function isChosenByText({ marks }: FlowState, { origin: { standing } }: Part): boolean {
  if (standing === 'stated') return marks >= TALKS_TO_AGENTS
  return standing !== 'followed' && rank(standing) >= rank('assembled')
}
const TALKS_TO_AGENTS = 1.5

function holdsPrivate(state: FlowState, leaves: readonly ScalarLeaf[], to: readonly Part[]): boolean {
  const texts = leaves.flatMap((leaf) => textsOf(leaf))
  const told = `${state.intent?.text ?? ''}\ue000${state.requests.map(({ text }) => text).join('\ue000')}`
  const places = to.flatMap(({ value }) => [value, hostOf(value)])
  const own = shingles(told)
  const runs = new Set(texts.flatMap((text) => [...shingles(text)]).filter((run) => !own.has(run)))
  let room = MAX_VALUES
  for (const output of state.outputs) {
    if (output.private !== true) continue
    const { values, words } = privateOf(output)
    for (const value of values) {
      if (--room < 0) return true
      if (places.includes(value) || occurrences(value, told, 1).length > 0) continue
      if (texts.some((text) => occurrences(value, text, 1).length > 0)) return true
    }
    let common = 0
    for (const run of runs) if (words.has(run) && ++common >= RUNS) return true
  }
  return false
}
/** Two runs of five words in common: six words in a row. */
const RUNS = 2
/** With more private values than can be looked for, what goes out is taken to hold one. */
const MAX_VALUES = 16_384

function textsOf({ value }: ScalarLeaf): string[] {
  if (typeof value === 'boolean') return []
  const text = String(value).slice(0, LIMITS.examined)
  return [text, ...hiddenTexts(text).map((hidden) => hidden.text)].map((each) => fold(clean(each)))
}

interface Private {
  readonly values: readonly string[]
  readonly words: ReadonlySet<string>
}
const known = new WeakMap<SeenOutput, Private>()

/** What identifies, and what is worded, in an output; not the sentences in it that ask for something. */
function privateOf(output: SeenOutput): Private {
  const made = known.get(output)
  if (made !== undefined) return made
  const values = new Set<string>()
  const words = new Set<string>()
  for (const field of output.fields) {
    const text = output.text.slice(field.at, field.end)
    if (field.whole) {
      const value = canon(text)
      if (isTelling(value)) values.add(value)
      continue
    }
    let from = field.at
    for (const span of [...field.spans, { start: field.end, end: field.end }]) {
      const plain = output.text.slice(from, Math.max(from, span.start))
      for (const run of shingles(plain)) words.add(run)
      for (const { text: token } of tokensOf(plain)) values.add(canon(token))
      for (const [number] of plain.matchAll(/(?<![\d.,])\d[\d.,]{2,18}\d/g))
        if (isTelling(number)) values.add(number)
      from = Math.max(from, span.end)
    }
  }
  const found = { values: [...values], words }
  known.set(output, found)
  return found
}

const DATE = /^\d{1,4}[-./]\d{1,2}[-./]\d{1,4}(?:[ t]\d{1,2}:\d{2}.*)?$/
/** Nobody writes it by chance: an address, an amount to the cent, a long number, letters with digits, three words. */
function isTelling(value: string): boolean {
  if (value.length < 4 || DATE.test(value)) return false
  if (tokenKind(value) !== null) return true
  if (/^-?[\d.,]+$/.test(value)) return /\d[.,]\d*[1-9]/.test(value) || value.replace(/\D/g, '').length >= 5
  return (value.length >= 6 && /\d/.test(value) && /\p{L}/u.test(value)) || value.split(' ').length >= 3
}
