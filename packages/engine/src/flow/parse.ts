/**
 * One output to its fields. Structured results are read as sent. Text is given structure only where a serialiser of the
 * server wrote it (JSON, a Python literal, YAML-like records, lines, tables, elements, one item a line), never where the text is somebody's
 * document: there, a forged record is a sentence like any other.
 * @module
 */
import { readBlockYaml } from './block-yaml.ts'
import type { Form } from './form.ts'
import type { JsonValue } from './json.ts'
import { AUTHOR_KEYS, FREE_KEYS } from './lexicon.ts'
import { words } from './normal.ts'
import { readPythonLiteral } from './python-literal.ts'
import { readRecords } from './records.ts'
import { tokensOf } from './tokens.ts'

/** `record` groups the fields of one object; `structured` = the server, not a writer, made this a field. */
export interface Field {
  readonly record: number
  readonly key: string
  readonly text: string
  readonly structured: boolean
  /** Structured, but by a writer as likely as by the server: a statement, and no data. */
  readonly stated?: true
}

/** Most fields of one output; what is beyond counts as unparsed. */
export const MAX_FIELDS = 2000
const MAX_DEPTH = 24

/** Fields of a structured result. Keys that are data (names, sentences) are fields too. */
export function fieldsOfValue(root: JsonValue): { fields: Field[]; complete: boolean } {
  const fields: Field[] = []
  let complete = true
  let records = 0
  const stack: { value: JsonValue; key: string; record: number; depth: number }[] = [
    { value: root, key: '', record: 0, depth: 0 },
  ]
  for (let item = stack.pop(); item !== undefined; item = stack.pop()) {
    const { value, key, record, depth } = item
    if (fields.length >= MAX_FIELDS || depth > MAX_DEPTH) {
      complete = false
      continue
    }
    if (value === null) continue
    if (typeof value !== 'object') {
      fields.push({ record, key, text: String(value), structured: true })
      continue
    }
    const children: typeof stack = []
    if (Array.isArray(value)) {
      for (const entry of value.slice(0, MAX_FIELDS))
        children.push({ value: entry, key, record: isRecord(entry) ? ++records : record, depth: depth + 1 })
      if (value.length > MAX_FIELDS) complete = false
    } else
      for (const [name, entry] of Object.entries(value)) {
        if (children.length >= MAX_FIELDS) {
          complete = false
          break
        }
        if (!/^[A-Za-z_][A-Za-z_0-9]{0,40}$/.test(name))
          fields.push({ record, key: 'key', text: name, structured: true })
        children.push({ value: entry, key: name, record, depth: depth + 1 })
      }
    for (const child of children.reverse()) stack.push(child)
  }
  return { fields, complete }
}

function isRecord(value: JsonValue): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Fields of a text of this form (`form.ts`); what is in no form that counts is kept whole, as one statement. */
export function fieldsOfText(text: string, form: Form): Parsed {
  const bare = stripDelimiters(text.trim())
  if (bare === '') return { fields: [], complete: true }
  const found = form === 'none' ? undefined : (closed(bare, form) ?? open(bare, form))
  return found ?? { fields: [{ record: 0, key: '', text: bare, structured: false }], complete: true }
}

function closed(bare: string, form: Form): Parsed | undefined {
  const value = literal(bare) ?? (/^[[{<]/.test(bare) ? readRecords(bare) : undefined)
  if (value === undefined) return undefined
  const found = fieldsOfValue(value)
  return form === 'written' ? envelope(found) : found
}

function open(bare: string, form: Form): Parsed | undefined {
  if (form === 'closed') return undefined
  const lines = bare.split('\n')
  const found = recordsOf(bare, lines)
  if (found !== undefined && form === 'written') return envelope(found)
  if (found !== undefined) return form === 'texts' && !tellsRecords(found) ? statedOf(found) : found
  const items = form === 'written' ? null : plainList(lines)
  if (items === null) return undefined
  // An address is no item that a reader would know from a line of somebody's text.
  const isItem = ({ text }: Field): boolean => form === 'all' || tokensOf(text, 1).length === 0
  const fields = items.map((item): Field => (isItem(item) ? item : { ...item, stated: true }))
  return { fields, complete: lines.length <= MAX_FIELDS }
}

interface Parsed {
  readonly fields: Field[]
  readonly complete: boolean
}
const RECORD_KEYS = [AUTHOR_KEYS, FREE_KEYS, new Set('id key number ref reference filename path'.split(' '))]
/** Some key says whose or which record it is. */
function tellsRecords({ fields }: Parsed): boolean {
  return fields.some(({ key }) => words(key).some((word) => RECORD_KEYS.some((keys) => keys.has(word))))
}
function statedOf({ fields, complete }: Parsed): Parsed {
  return { fields: fields.map((field): Field => ({ ...field, stated: true })), complete }
}
function envelope(found: Parsed): Parsed | undefined {
  return tellsRecords(found) ? statedOf(found) : undefined
}

function recordsOf(bare: string, lines: readonly string[]): Parsed | undefined {
  const records = readRecords(bare)
  if (records !== undefined) return fieldsOfValue(records)
  const block = looksLikeBlock(lines) ? readBlockYaml(bare) : undefined
  if (block !== undefined) return fieldsOfValue(block)
  if (!looksLikeRecords(lines)) return undefined
  const found = yamlRecords(lines)
  // Prose with a colon in it: nothing was made a field by anybody.
  return found.fields.some((field) => field.key !== '') || lines.every((line) => line.startsWith('- '))
    ? found
    : undefined
}

/** Delimiters that a spotlighting prompt put around data. */
function stripDelimiters(text: string): string {
  return text.startsWith('<<') && text.endsWith('>>') ? text.slice(2, -2).trim() : text
}

function literal(text: string): JsonValue | undefined {
  const first = text.charAt(0)
  if (first !== '{' && first !== '[') return undefined
  try {
    return JSON.parse(text) as JsonValue
  } catch {
    return readPythonLiteral(text)
  }
}

const RECORD_LINE = /^(?:-\s+\S|[A-Za-z_][\w]{0,40}:(?:\s|$))/
const KEY = /^(\s*)(-\s+)?([A-Za-z_][\w ]{0,30}?):(?:\s+(.*)|\s*)$/
const NESTED_ITEM = /^\s+-\s+(.*)$/
const PLAIN_KEY = /^ {0,4}[a-z_][\w]*:(?:\s|$)/

function looksLikeRecords(lines: readonly string[]): boolean {
  return RECORD_LINE.test(lines[0] ?? '')
}

/** More than one entry: a single line with a colon is a sentence as often as a record. */
function looksLikeBlock(lines: readonly string[]): boolean {
  return (
    lines.length > 1 && /^(?:-(?:\s|$)|'|"|[^\s:]{1,40}(?: [^\s:]{1,40}){0,6}:(?:\s|$))/.test(lines[0] ?? '')
  )
}

interface YamlField {
  readonly record: number
  readonly key: string
  text: string
  /** An item of a list under a key; the next item is a field of its own. */
  readonly list: boolean
}

function yamlRecords(lines: readonly string[]): { fields: Field[]; complete: boolean } {
  const fields: YamlField[] = []
  let record = -1
  let open: YamlField | undefined
  for (const line of lines) {
    const item = line.startsWith('- ')
    const keyed = item || PLAIN_KEY.test(line) ? KEY.exec(line) : null
    // Inside an open quoted scalar only the end of the quote ends the field: a forged key in it stays text.
    const quoted = open !== undefined && openQuote(open.text)
    if (item && !quoted) record++
    if (!quoted && keyed !== null && (item || (keyed[1] ?? '').length <= 4)) {
      open = { record, key: keyed[3] ?? '', text: keyed[4] ?? '', list: false }
      fields.push(open)
    } else if (item && !quoted) {
      open = { record, key: '', text: line.slice(2), list: false }
      fields.push(open)
    } else if (open !== undefined && !quoted && (open.text === '' || open.list) && NESTED_ITEM.test(line)) {
      const nested = KEY.exec(line)
      open = {
        record: open.record,
        key: nested?.[3] ?? open.key,
        text: nested?.[4] ?? NESTED_ITEM.exec(line)?.[1] ?? '',
        list: true,
      }
      fields.push(open)
    } else if (open !== undefined) open.text += (line.trim() === '' ? '\n' : ' ') + line.trim()
    else {
      open = { record: 0, key: '', text: line, list: false }
      fields.push(open)
    }
    if (fields.length >= MAX_FIELDS) break
  }
  return {
    fields: fields.map(({ record: r, key, text }) => ({
      record: r,
      key,
      text: unquote(text),
      structured: true,
    })),
    complete: fields.length < MAX_FIELDS,
  }
}

function openQuote(text: string): boolean {
  const quote = text.charAt(0)
  if (quote !== "'" && quote !== '"') return false
  // Asked again for every line that is added: only the end is looked at.
  const rest = text.slice(1).trimEnd()
  if (!rest.endsWith(quote)) return true
  const mark = quote === "'" ? quote : '\\'
  let at = rest.length - 1
  while (at > 0 && rest.charAt(at - 1) === mark) at--
  return (rest.length - 1 - at) % 2 === 1
}

function unquote(text: string): string {
  const bare = text.trim()
  const quote = bare.charAt(0)
  if (bare.length > 1 && (quote === "'" || quote === '"') && bare.endsWith(quote))
    return bare.slice(1, -1).replace(/''/g, "'").trim()
  return bare
}

/** One item a line: at least three short lines (two below a heading), none of which is a sentence. A heading before the colon is dropped. */
function plainList(lines: readonly string[]): Field[] | null {
  const body = lines.map((line) => line.trim()).filter((line) => line !== '')
  const headed = HEADED.test(body[0] ?? '')
  if (body.length < (headed ? 2 : 3) || body.length > MAX_FIELDS) return null
  if (!body.every((line) => line.length <= 60 && !/[.!?]\s|[.!?]$/.test(line))) return null
  const bullets = body.filter((line) => BULLET.test(line)).length
  // Sections, and bullets below a heading: somebody's document.
  if ((bullets > 0 && bullets < body.length) || lines.slice(1, -1).some((line) => line.trim() === ''))
    return null
  return body.map((line, i) => ({
    record: i,
    key: '',
    text: line.replace(HEADED, ''),
    // A label that only this line has is its writer's.
    structured: i === 0 || !HEADED.test(line),
  }))
}
const HEADED = /^[A-Z][\w ]{2,30}:\s+(?=\S)/
const BULLET = /^(?:[-*•]|\d+[.)])\s/
