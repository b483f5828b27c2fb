/**
 * What an outcome teaches: an event of plain JSON, bounded by `LIMITS`, and its application. An error or the echo of a
 * write teaches nothing about where values come from; a write that carried values of a request stains them, so that they
 * are not clean when storage gives them back.
 * @module
 */
import { hiddenTexts } from './decode.ts'
import { effortOf } from './effort.ts'
import { formOf } from './form.ts'
import type { JsonObject, JsonValue } from './json.ts'
import { scalars } from './json.ts'
import { AUTHOR_KEYS, COMMON, FREE_KEYS } from './lexicon.ts'
import { canon, clean, fold, occurrences, singular, spelledCanon, spelling, unmix, words } from './normal.ts'
import type { Standing } from './origin.ts'
import { deriveFrom, fieldAt, isAsked, isNamed, originOf, standsIn } from './origin.ts'
import type { Field } from './parse.ts'
import { fieldsOfText, fieldsOfValue } from './parse.ts'
import type { ArgumentRole, ToolRoles } from './roles.ts'
import { argumentRole, isHard } from './roles.ts'
import type { Span } from './spans.ts'
import { asksWithToken, spansOf } from './spans.ts'
import type { ApprovedValue, FlowState, Naming, SeenField, SeenOutput, SeenRequest } from './state.ts'
import { LIMITS } from './state.ts'
import { hostOf, tokenKind, tokensOf } from './tokens.ts'
import { roleInUse } from './use.ts'

export interface Outcome {
  readonly callId: string
  readonly server: string
  readonly tool: string
  readonly roles: ToolRoles
  readonly args: JsonObject
  readonly result: { readonly text: readonly string[]; readonly structured?: JsonValue } | null
  readonly error: string | null
}

export interface ObservedEvent {
  readonly type: 'observed'
  readonly callId: string
  readonly output: SeenOutput | null
  readonly requests: readonly SeenRequest[]
  readonly stained: readonly (readonly [string, string])[]
  readonly marks: number
  readonly privateData: boolean
  readonly untrusted: boolean
  readonly forgot: boolean
}
export interface ApprovedEvent {
  readonly type: 'approved'
  readonly values: readonly ApprovedValue[]
}
export type FlowEvent = ObservedEvent | ApprovedEvent

export function observe(state: FlowState, outcome: Outcome): FlowEvent {
  const nothing: ObservedEvent = {
    type: 'observed',
    callId: outcome.callId,
    output: null,
    requests: [],
    stained: [],
    marks: 0,
    privateData: false,
    untrusted: false,
    forgot: false,
  }
  if (outcome.error !== null || outcome.result === null) return nothing
  if (outcome.roles.effect === 'read') return readOutput(state, outcome, nothing)
  if (outcome.roles.unsure === true)
    return { ...withoutEcho(readOutput(state, outcome, nothing), outcome), stained: stainsOf(state, outcome) }
  return { ...readEcho(state, outcome, nothing), stained: stainsOf(state, outcome) }
}

/**
 * The answer of a write is no source of values: it repeats the caller. It can still carry text that talks to the agent or
 * asks for something, and what a command prints is somebody's text: that much is kept, as an unnamed statement.
 */
function readEcho(state: FlowState, outcome: Outcome, nothing: ObservedEvent): ObservedEvent {
  const read = readOutput(state, outcome, nothing)
  const { output } = read
  if (output === null) return nothing
  const runs = outcome.roles.classes.includes('run')
  const fields = output.fields
    .filter((field) => runs || field.spans.some((span) => span.marks >= 1 || span.asks.length > 0))
    .map((field) => ({ ...field, whole: false, author: false }))
  if (fields.length === 0) return nothing
  // A command that the user spelled out whole brings nothing of anybody else's into its own output.
  const naming = runs && spelledOut(state, outcome) ? 'named' : null
  return {
    ...read,
    output: { ...output, thirdParty: true, private: false, naming, host: null, fields },
    privateData: false,
    untrusted: true,
  }
}

/** The answer of a tool that may read or write: what it only repeats of its own arguments came from the agent. */
function withoutEcho(read: ObservedEvent, outcome: Outcome): ObservedEvent {
  const { output } = read
  if (output === null) return read
  const given = scalars(outcome.args)
    .leaves.map((leaf) => canon(leaf.value))
    .filter((value) => value.length > 3)
  const fields = output.fields.filter((field) => {
    const text = output.text.slice(field.at, field.end)
    return !given.some((value) => occurrences(value, text, 1).length > 0)
  })
  return { ...read, output: fields.length === 0 ? null : { ...output, fields } }
}

function spelledOut(state: FlowState, outcome: Outcome): boolean {
  const values = scalars(outcome.args).leaves.map((leaf) => canon(leaf.value))
  return (
    values.length > 0 && values.every((value) => occurrences(value, state.intent?.text ?? '', 1).length > 0)
  )
}

interface Draft {
  text: string
  /** Of the same length. */
  spelling: string
  room: number
  fields: SeenField[]
  requests: SeenRequest[]
  marks: number
  forgot: boolean
}

function readOutput(state: FlowState, outcome: Outcome, nothing: ObservedEvent): ObservedEvent {
  const { fields, rest } = fieldsOf(outcome)
  const draft: Draft = {
    text: '',
    spelling: '',
    room: LIMITS.outputParsed,
    fields: [],
    requests: [],
    marks: 0,
    forgot: false,
  }
  const named = authorsNamed(state, fields)
  const keep = [...rest]
  for (const field of fields) {
    const cleaned = clean(field.text.slice(0, LIMITS.outputParsed + LIMITS.outputRest))
    const author = named.has(field.record)
    const room = Math.max(0, draft.room)
    if (cleaned.length > room) {
      addField(draft, field, cleaned.slice(0, room), author, false)
      keep.push(cleaned.slice(room))
      draft.room = 0
    } else addField(draft, field, cleaned, author, false)
    // What nobody parses any more is not decoded either: an output costs what its bounds allow.
    if (draft.room <= 0) continue
    for (const hidden of hiddenTexts(field.text.slice(0, LIMITS.outputParsed)))
      addField(draft, { ...field, structured: false }, clean(hidden.text), author, !hidden.whole)
  }
  const naming = namingOf(state, outcome)
  const tail = keep.join('\n')
  if (tail.length > LIMITS.outputRest) draft.forgot = true
  const rows = tail === '' ? draft : withRest(draft, tail.slice(0, LIMITS.outputRest))
  const output: SeenOutput = {
    callId: outcome.callId,
    server: outcome.server,
    tool: outcome.tool,
    thirdParty: outcome.roles.thirdPartyOutput,
    ...(outcome.roles.ownData ? { private: true } : {}),
    naming,
    host: fetchedHost(outcome),
    text: rows.text,
    ...(rows.spelling === rows.text ? {} : { spelling: rows.spelling }),
    fields: rows.fields,
  }
  // Made here, off the path of decisions; `originOf` finds it by the output's identity.
  if (rows.text !== '') deriveFrom(output)
  return {
    ...nothing,
    output: rows.text === '' ? null : output,
    requests: fewer(draft.requests),
    marks: draft.marks,
    privateData: outcome.roles.ownData,
    untrusted: outcome.roles.thirdPartyOutput,
    forgot: draft.forgot,
  }
}

/** A crowd of requests hides none: what has no room beside the others asks with the last one. */
function fewer(requests: readonly SeenRequest[]): readonly SeenRequest[] {
  if (requests.length <= LIMITS.requests) return requests
  const sorted = requests.toSorted((a, b) => Number(b.marked) - Number(a.marked))
  const others = sorted.splice(LIMITS.requests - 1)
  const text = others
    .map((request) => request.text)
    .join('\n')
    .slice(0, LIMITS.requestText)
  const asks = [...new Set(others.flatMap((request) => request.asks))]
  return [...sorted, { text, asks, marked: others.some((request) => request.marked) }]
}

/** Texts of one output that are parsed into fields; the others are kept as statements. */
const MAX_PARSED_TEXTS = 64

function isRepeated(text: string, structured: string): boolean {
  try {
    return JSON.stringify(JSON.parse(text)) === structured
  } catch {
    return false
  }
}

function fieldsOf(outcome: Outcome): { fields: Field[]; rest: string[] } {
  const { result, roles } = outcome
  if (result === null) return { fields: [], rest: [] }
  const fields: Field[] = []
  const rest: string[] = []
  if (result.structured !== undefined) {
    const parsed = fieldsOfValue(result.structured)
    fields.push(...parsed.fields)
    // Servers repeat a structured result as text: that needs no second, lower reading. Another text does: the agent may
    // read either of the two.
    const same = JSON.stringify(result.structured)
    rest.push(...result.text.filter((text) => !parsed.complete || !isRepeated(text, same)))
    return { fields, rest }
  }
  let records = 0
  rest.push(...result.text.slice(MAX_PARSED_TEXTS))
  for (const text of result.text.slice(0, MAX_PARSED_TEXTS)) {
    const whole = text.length <= LIMITS.outputParsed
    const parsed = whole
      ? fieldsOfText(text, formOf(roles))
      : { fields: [{ record: 0, key: '', text, structured: false }], complete: true }
    for (const field of parsed.fields) fields.push({ ...field, record: field.record + records })
    records += 1 + parsed.fields.reduce((most, f) => Math.max(most, f.record), 0)
    if (!parsed.complete) rest.push(text)
  }
  return { fields, rest }
}

const WHOLE = { length: 60, words: 6 } as const

function addField(draft: Draft, field: Field, plain: string, author: boolean, hidden: boolean): void {
  if (plain.trim() === '') return
  const cleaned = unmix(plain)
  const from = draft.text === '' ? 0 : draft.text.length + 1
  const spans = spansAt(draft, cleaned, from)
  const free = words(field.key).some((w) => FREE_KEYS.has(singular(w)) || FREE_KEYS.has(w))
  const whole =
    field.structured &&
    field.stated !== true &&
    !free &&
    !hidden &&
    cleaned.length <= WHOLE.length &&
    cleaned.split(' ').length <= WHOLE.words &&
    !spans.some((span) => span.marks >= 1)
  const mark = draft.text === '' ? '' : '\ue000'
  draft.text += `${mark}${fold(cleaned)}`
  draft.spelling += `${mark}${spelling(plain)}`
  draft.room -= cleaned.length
  draft.fields.push({
    at: from,
    end: draft.text.length,
    record: field.record,
    key: field.key.slice(0, 64),
    whole,
    author,
    hidden,
    breaks: lineBreaks(cleaned, from),
    spans,
  })
}

/** The sentences of a text that is put at `from`; what they ask for goes to the requests. */
function spansAt(draft: Draft, cleaned: string, from: number): Span[] {
  const spans = spansOf(cleaned)
  for (const span of spans) {
    if (span.marks >= 1.5) draft.marks = Math.max(draft.marks, span.marks)
    const sentence = cleaned.slice(span.start, span.end)
    const local = { ...span, start: 0, end: sentence.length }
    if (span.marks >= 1 || asksWithToken(sentence, local))
      draft.requests.push({
        text: fold(sentence).slice(0, LIMITS.requestText),
        asks: span.asks,
        marked: span.marks >= 1,
      })
  }
  return spans.map((span) => ({ ...span, start: span.start + from, end: span.end + from }))
}

function lineBreaks(cleaned: string, from: number): number[] {
  const breaks: number[] = []
  for (let i = cleaned.indexOf('\n'); i >= 0 && breaks.length < 256; i = cleaned.indexOf('\n', i + 1))
    breaks.push(from + i)
  return breaks
}

/** What was not parsed into fields: one unnamed statement, with the sentences in it that do more than state. */
function withRest(draft: Draft, rest: string): Draft {
  const from = draft.text === '' ? 0 : draft.text.length + 1
  const plain = clean(rest)
  const cleaned = unmix(plain)
  const mark = draft.text === '' ? '' : '\ue000'
  const text = `${draft.text}${mark}${fold(cleaned)}`
  const field: SeenField = {
    at: from,
    end: text.length,
    record: -1,
    key: '',
    whole: false,
    author: false,
    hidden: false,
    breaks: [],
    spans: spansAt(draft, cleaned, from),
  }
  const all = `${draft.spelling}${mark}${spelling(plain)}`
  return { ...draft, text, spelling: all, fields: [...draft.fields, field] }
}

/** Records whose author or number stands in the user's words: whoever writes into one chooses neither. */
function authorsNamed(state: FlowState, fields: readonly Field[]): ReadonlySet<number> {
  const named = new Set<number>()
  if (state.intent === null) return named
  const nouns = new Set(state.intent.nouns)
  for (const field of fields) {
    if (!field.structured) continue
    const { value: author, spelled } = spelledCanon(field.text)
    const last = words(field.key).at(-1) ?? ''
    if (
      (HANDLES.has(last) && author.length > 2 && /\d/.test(author)) ||
      (NAMES.has(last) && /.\../.test(author))
    ) {
      if (standsIn(state.intent, author, spelled)) named.add(field.record)
      continue
    }
    if (!words(field.key).some((w) => AUTHOR_KEYS.has(w))) continue
    if (author.length > 1 && (standsIn(state.intent, author, spelled) || namesPerson(nouns, spelled)))
      named.add(field.record)
  }
  return named
}

const HANDLES = new Set('id key number ref reference'.split(' '))
const NAMES = new Set('filename path'.split(' '))

/** `lena.hart@…` is the Lena of the user's words; a domain or a common word is nobody's name. */
function namesPerson(nouns: ReadonlySet<string>, author: string): boolean {
  const local = author.split('@', 1)[0] ?? ''
  return words(local).some((w) => w.length > 2 && !COMMON.has(w) && nouns.has(singular(w)))
}

function fetchedHost(outcome: Outcome): string | null {
  for (const [name, role] of Object.entries(outcome.roles.args))
    if (role.kind === 'url' && role.sink) {
      const value = outcome.args[name]
      if (typeof value === 'string') return hostOf(canon(value))
    }
  return null
}

/** How this source came to be read. */
export function namingOf(state: FlowState, outcome: Pick<Outcome, 'roles' | 'args'>): Naming {
  const { intent } = state
  if (intent === null) return null
  const values = scalars(outcome.args)
    .leaves.filter((leaf) => !['amount', 'scalar'].includes(roleOf(outcome.roles, leaf.path).kind))
    .map((leaf) => spelledCanon(leaf.value))
    .filter(({ value }) => value !== '')
  const long = values.filter(({ value }) => value.length > 2)
  if (long.some(({ value, spelled }) => standsIn(intent, value, spelled))) return 'named'
  const nouns = new Set(intent.nouns)
  if (long.some(({ value }) => isAboutIntent(value, nouns))) return 'named'
  for (const output of state.outputs)
    for (const { value, spelled } of values)
      for (const at of occurrences(value, output.text)) {
        const field = fieldAt(output, at)
        if (field === null || !(output.spelling ?? output.text).startsWith(spelled, at)) continue
        if (!isNamed(output, field) || (value.length <= 2 && !field.whole)) continue
        const asked = field.spans.some(
          (s) =>
            s.start < at + value.length &&
            at < s.end &&
            (s.marks >= 1 || (s.asks.length > 0 && !intent.follows)),
        )
        if (!asked) return 'chained'
      }
  if (values.length === 0 && outcome.roles.nouns.some((noun) => intent.nouns.includes(noun))) return 'topic'
  return null
}

/** A search made of the user's own words, if not in their order. */
function isAboutIntent(value: string, nouns: ReadonlySet<string>): boolean {
  const own = words(value)
    .map(singular)
    .filter((w) => w.length > 3 && !COMMON.has(w))
  return own.length > 0 && own.filter((w) => nouns.has(w)).length * 2 > own.length
}

/** The role of an argument by its path; of one that the schema does not know, by its name alone. */
export function roleOf(roles: ToolRoles, path: string): ArgumentRole & { readonly known: boolean } {
  const name = path.split(/[.[]/, 1)[0] ?? ''
  const role = Object.hasOwn(roles.args, name) ? roles.args[name] : undefined
  if (role !== undefined) return { ...role, known: true }
  return { ...argumentRole(name, {}, roles.effect, NO_WORDS), known: false }
}
const NO_WORDS: ReadonlySet<string> = new Set()

/** Of one write. */
const MAX_STAINS = 32

/** Values of a write that stood in a request of some output, unless a person approved them. */
function stainsOf(state: FlowState, outcome: Outcome): (readonly [string, string])[] {
  const stains: [string, Standing][] = []
  let tried = 0
  let room: number = LIMITS.examinedAll
  const effort = effortOf()
  for (const leaf of scalars(outcome.args).leaves) {
    if (typeof leaf.value === 'boolean') continue
    room -= String(leaf.value).length
    if (room < 0) return stains
    const hard = isHard(roleInUse(state, outcome.roles, roleOf(outcome.roles, leaf.path), String(leaf.value)))
    const parts = hard ? [String(leaf.value)] : tokensOf(String(leaf.value)).map((token) => token.text)
    for (const part of parts) {
      if (stains.length >= MAX_STAINS || tried++ >= LIMITS.parts) return stains
      const made = spelledCanon(part)
      const value = made.value.slice(0, LIMITS.value)
      // What may have been a read has put no plain word anywhere.
      if (outcome.roles.unsure === true && tokenKind(part) === null) continue
      if (value.length <= 5 || state.approved.some((a) => a.value === made.spelled.slice(0, LIMITS.value)))
        continue
      const found = originOf(state, value, tokenKind(part) !== null, effort)
      // Nobody knows where the rest came from.
      const standing = effort.left < 0 ? 'asked' : found.standing
      if (isAsked(standing)) stains.push([value, standing])
    }
  }
  return stains
}

/** The state after an event. Total and deterministic: the same events give the same state, byte for byte. */
export function applyFlow(state: FlowState, event: FlowEvent): FlowState {
  if (event.type === 'approved') {
    const approved = [...state.approved, ...event.values].slice(-LIMITS.approved)
    return { ...state, approved }
  }
  const kept = keepOutputs(event.output === null ? state.outputs : [...state.outputs, event.output])
  return {
    ...state,
    outputs: kept.outputs,
    requests: [...state.requests, ...event.requests].slice(-LIMITS.requests),
    asked: [...new Set([...state.asked, ...event.requests.flatMap((r) => r.asks)])],
    marks: Math.max(state.marks, event.marks),
    stained: [...state.stained, ...event.stained].slice(-LIMITS.stained),
    privateDataRead: state.privateDataRead || event.privateData,
    untrustedSeen: state.untrustedSeen || event.untrusted,
    forgot: state.forgot || event.forgot || kept.forgot,
  }
}

function keepOutputs(outputs: readonly SeenOutput[]): { outputs: readonly SeenOutput[]; forgot: boolean } {
  let first = Math.max(0, outputs.length - LIMITS.outputs)
  let size = outputs.slice(first).reduce((sum, o) => sum + sizeOf(o), 0)
  while (size > LIMITS.taskText && first < outputs.length - 1) size -= sizeOf(outputs[first++])
  return { outputs: first === 0 ? outputs : outputs.slice(first), forgot: first > 0 }
}

function sizeOf(output: SeenOutput | undefined): number {
  return (output?.text.length ?? 0) + (output?.spelling?.length ?? 0)
}
