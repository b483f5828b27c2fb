/**
 * The clear shape of carrying data out: words and values of private data that the errand read stand in a call that leaves
 * the house, text that gives orders was read, and where it goes was chosen by such a text. Anything less clear is doubted
 * (`carries-out`), not refused.
 * @module
 */
import { hiddenTexts } from './decode.ts'
import type { Effort } from './effort.ts'
import { effortOf, spend } from './effort.ts'
import type { ScalarLeaf } from './json.ts'
import { canon, clean, fold, occurrences } from './normal.ts'
import { rank, unitWords, unitWordsAt } from './origin.ts'
import type { Part } from './parts.ts'
import { shingles } from './quotes.ts'
import type { ToolRoles } from './roles.ts'
import type { FlowState, SeenOutput } from './state.ts'
import { LIMITS } from './state.ts'
import { hostOf, tokenKind, tokensOf } from './tokens.ts'

/** `isHeld`: the user's words, or data, vouch for the part. What goes beyond the effort is taken to hold private data. */
export function isClearExfiltration(
  state: FlowState,
  roles: ToolRoles,
  leaves: readonly ScalarLeaf[],
  parts: readonly Part[],
  isHeld: (part: Part) => boolean,
  effort: Effort = effortOf(),
): boolean {
  if (!state.privateDataRead || !state.untrustedSeen || !roles.openWorld) return false
  if (state.marks < 1 && state.requests.length === 0) return false
  const to = parts.filter(
    (part) => part.sink && !part.token && isDestination(part) && isChosenByText(state, part) && !isHeld(part),
  )
  return to.length > 0 && holdsPrivate(state, leaves, to, effort)
}

const DESTINATIONS = ['recipient', 'account', 'url']
function isDestination(part: Part): boolean {
  return DESTINATIONS.includes(part.kind) || part.address !== null
}

/** By a request, by what had to be decoded or put together, or, where something talked to the agent, by anybody's word. */
function isChosenByText({ marks }: FlowState, { origin: { standing } }: Part): boolean {
  if (standing === 'stated') return marks >= TALKS_TO_AGENTS
  return standing !== 'followed' && rank(standing) >= rank('assembled')
}
const TALKS_TO_AGENTS = 1.5

function holdsPrivate(
  state: FlowState,
  leaves: readonly ScalarLeaf[],
  to: readonly Part[],
  effort: Effort,
): boolean {
  const values = valuesOf(state.outputs)
  if (values === null) return true
  const texts = leaves.flatMap((leaf) => textsOf(leaf))
  const told = [state.intent?.text ?? '', ...state.requests.map(({ text }) => text)].join('\ue000')
  const known = new Set(to.flatMap(({ value }) => [value, hostOf(value)]))
  for (const value of foundIn(told, values, effort)) known.add(value)
  for (const text of texts)
    for (const value of foundIn(text, values, effort)) if (!known.has(value)) return true
  const own = shingles(told)
  const common = new Map<SeenOutput, number>()
  const runs = new Set(texts.flatMap((text) => [...shingles(text)]))
  const outputs = state.outputs.filter((output) => output.private === true)
  for (const run of runs) {
    if (!spend(effort, run.length + outputs.length)) break
    if (own.has(run)) continue
    for (const output of outputs) {
      if (!privateOf(output).words.has(run)) continue
      const count = (common.get(output) ?? 0) + 1
      if (count >= RUNS) return true
      common.set(output, count)
    }
  }
  return effort.left < 0
}
/** Two runs of five words in common: six words in a row. */
const RUNS = 2
/** With more private values than can be looked for, what goes out is taken to hold one. */
const MAX_VALUES = 16_384

/** Values by their first word: where in a value it stands, and how long the value is. */
interface Values {
  readonly all: ReadonlySet<string>
  readonly shapes: ReadonlyMap<string, readonly (readonly [number, number])[]>
  /** Without a word in them. */
  readonly wordless: readonly string[]
}
const valued = new WeakMap<FlowState['outputs'], Values | null>()

function valuesOf(outputs: FlowState['outputs']): Values | null {
  const known = valued.get(outputs)
  if (known !== undefined) return known
  const made = indexOf(outputs)
  valued.set(outputs, made)
  return made
}

function indexOf(outputs: FlowState['outputs']): Values | null {
  const all = new Set<string>()
  const shapes = new Map<string, Map<string, readonly [number, number]>>()
  const wordless: string[] = []
  let room = MAX_VALUES
  for (const output of outputs) {
    if (output.private !== true) continue
    const { values } = privateOf(output)
    room -= values.length
    if (room < 0) return null
    for (const value of values) {
      if (all.has(value)) continue
      all.add(value)
      const [word = ''] = unitWords(value)
      if (word === '') wordless.push(value)
      const of = shapes.get(word) ?? new Map<string, readonly [number, number]>()
      shapes.set(word, of)
      const shape = [value.indexOf(word), value.length] as const
      of.set(shape.join(), shape)
    }
  }
  return { all, wordless, shapes: new Map([...shapes].map(([word, of]) => [word, [...of.values()]])) }
}

/** The values that stand in a text, each at word boundaries: at every word, those that begin with it. */
function* foundIn(text: string, { all, shapes, wordless }: Values, effort: Effort): Generator<string> {
  if (!spend(effort, text.length * (1 + wordless.length))) return
  for (const value of wordless) if (occurrences(value, text, 1).length > 0) yield value
  for (const { 0: word, index } of unitWordsAt(text))
    for (const [before, length] of shapes.get(word) ?? []) {
      if (!spend(effort, length)) return
      const at = index - before
      const value = text.slice(at, at + length)
      if (
        at >= 0 &&
        all.has(value) &&
        occurrences(value, text.slice(Math.max(0, at - 1), at + length + 1), 1).length > 0
      )
        yield value
    }
}

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
