/**
 * The block YAML that serialisers write, read strictly: a text that is not wholly of that shape is no YAML here. What a
 * serialiser quoted stays one string, so a record forged inside a string is a part of that string. No anchors, tags,
 * comments, complex keys or several documents (YAML 1.2, §6–§8).
 * @module
 */
import type { JsonValue } from './json.ts'

const MAX_LINES = 20_000
const MAX_DEPTH = 24
const MAX_KEY = 80

interface Reader {
  /** Owned by the reader, which blanks a dash once it is read. */
  readonly lines: string[]
  at: number
}
/** Not YAML of this shape. */
class Unfit extends Error {}

/** A mapping or a list; undefined for every other text. Time is linear in the text. */
export function readBlockYaml(text: string): JsonValue | undefined {
  const lines = text.split('\n')
  if (lines.length > MAX_LINES) return undefined
  const reader: Reader = { lines, at: 0 }
  try {
    const value = readNode(reader, 0, 0)
    skipBlank(reader)
    return reader.at >= lines.length ? value : undefined
  } catch (error) {
    if (error instanceof Unfit) return undefined
    throw error
  }
}

const indentOf = (line: string): number => line.length - line.trimStart().length

function skipBlank(reader: Reader): void {
  while (reader.at < reader.lines.length && reader.lines[reader.at]?.trim() === '') reader.at++
}

function current(reader: Reader): string {
  return reader.lines[reader.at] ?? ''
}

function readNode(reader: Reader, indent: number, depth: number): JsonValue {
  skipBlank(reader)
  if (depth > MAX_DEPTH) throw new Unfit()
  const line = current(reader)
  if (indentOf(line) !== indent) throw new Unfit()
  return isItem(line.slice(indent)) ? readList(reader, indent, depth) : readMap(reader, indent, depth)
}

const isItem = (text: string): boolean => text === '-' || text.startsWith('- ')

function readList(reader: Reader, indent: number, depth: number): JsonValue[] {
  const items: JsonValue[] = []
  for (skipBlank(reader); reader.at < reader.lines.length; skipBlank(reader)) {
    const line = current(reader)
    if (indentOf(line) < indent || !isItem(line.slice(indent))) break
    if (indentOf(line) !== indent) throw new Unfit()
    const rest = line.slice(indent + 2)
    const inner = indent + 2 + (rest.length - rest.trimStart().length)
    if (rest.trim() === '') {
      reader.at++
      skipBlank(reader)
      items.push(readNode(reader, indentOf(current(reader)), depth + 1))
    } else if (isItem(rest.trimStart()) || splitKey(rest.trimStart()) !== null) {
      // A list or a mapping that begins on the line of the dash.
      reader.lines[reader.at] = ' '.repeat(inner) + rest.trimStart()
      items.push(readNode(reader, inner, depth + 1))
    } else items.push(readScalar(reader, rest.trimStart(), indent))
  }
  return items
}

function readMap(reader: Reader, indent: number, depth: number): JsonValue {
  const entries = new Map<string, JsonValue>()
  for (skipBlank(reader); reader.at < reader.lines.length; skipBlank(reader)) {
    const line = current(reader)
    if (indentOf(line) < indent) break
    if (indentOf(line) !== indent || isItem(line.slice(indent))) break
    const split = splitKey(line.slice(indent))
    if (split === null || entries.has(split.key)) throw new Unfit()
    entries.set(split.key, readEntry(reader, split.rest, indent, depth))
  }
  if (entries.size === 0) throw new Unfit()
  return Object.fromEntries(entries)
}

function readEntry(reader: Reader, rest: string, indent: number, depth: number): JsonValue {
  if (rest !== '') return readScalar(reader, rest, indent)
  reader.at++
  skipBlank(reader)
  const next = current(reader)
  // A list may stand at the indent of its key.
  if (reader.at < reader.lines.length && indentOf(next) === indent && isItem(next.slice(indent)))
    return readList(reader, indent, depth + 1)
  if (reader.at >= reader.lines.length || indentOf(next) <= indent) return null
  const inner = indentOf(next)
  if (isItem(next.slice(inner)) || splitKey(next.slice(inner)) !== null)
    return readNode(reader, inner, depth + 1)
  reader.at--
  return readScalar(reader, '', indent)
}

const KEY =
  /^(?:'((?:[^']|'')*)'|"((?:[^"\\]|\\.)*)"|([^\s'"[\]{}#&*!|>%@`,?:-](?:[^:#]|:(?=\S)|#)*?)):(?:\s+(.*))?$/

function splitKey(text: string): { key: string; rest: string } | null {
  const m = KEY.exec(text.length > 4 * MAX_KEY ? `${text.slice(0, 4 * MAX_KEY)}` : text)
  if (m === null) return null
  const key = m[1]?.replaceAll("''", "'") ?? m[2] ?? m[3] ?? ''
  if (key === '' || key.length > MAX_KEY) return null
  const at = text.indexOf(':', m[3] === undefined ? key.length : m[3].length)
  return { key, rest: text.slice(at + 1).trim() }
}

/** A scalar that begins with `first` on the current line and belongs to a parent at `indent`. */
function readScalar(reader: Reader, first: string, indent: number): JsonValue {
  const quote = first.charAt(0)
  if (quote === "'" || quote === '"') return readQuoted(reader, first, quote)
  if (/^[|>][-+]?$/.test(first)) return readBlock(reader, first.startsWith('|'), indent)
  const parts = [first]
  reader.at++
  for (let blank = 0; reader.at < reader.lines.length; reader.at++) {
    const line = current(reader)
    if (line.trim() === '') {
      blank++
      continue
    }
    if (indentOf(line) <= indent) break
    // A folded line of a plain scalar never looks like an entry: the serialiser would have quoted it.
    if (splitKey(line.trim()) !== null) throw new Unfit()
    parts.push(blank > 0 ? '\n'.repeat(blank) : ' ', line.trim())
    blank = 0
  }
  return plain(parts.join(''))
}

function plain(text: string): JsonValue {
  if (text === '[]') return []
  if (text === '{}') return {}
  if (text === '' || text === 'null' || text === '~') return null
  if (text === 'true' || text === 'false') return text === 'true'
  if (/^[[{&*!%@`]|: | #/.test(text)) throw new Unfit()
  return text
}

function readQuoted(reader: Reader, first: string, quote: string): string {
  const closed = quote === "'" ? /^'((?:[^']|'')*)'\s*$/ : /^"((?:[^"\\]|\\.)*)"\s*$/
  const ends = quote === "'" ? /(?:^|[^'])(?:'')*'\s*$/ : /(?:^|[^\\])(?:\\\\)*"\s*$/
  const parts = [first.slice(1)]
  reader.at++
  if (closed.test(first)) return unquoted(first.trim().slice(1, -1), quote)
  for (let blank = 0; ; reader.at++) {
    if (reader.at >= reader.lines.length) throw new Unfit()
    const line = current(reader).trim()
    if (line === '') {
      blank++
      continue
    }
    const last = parts.at(-1) ?? ''
    if (quote === '"' && last.endsWith('\\') && blank === 0) parts[parts.length - 1] = last.slice(0, -1)
    else parts.push(blank > 0 ? '\n'.repeat(blank) : ' ')
    blank = 0
    parts.push(quote === '"' && line.startsWith('\\ ') ? line.slice(1) : line)
    if (ends.test(line)) break
  }
  reader.at++
  return unquoted(parts.join('').replace(/['"]\s*$/, ''), quote)
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '0': '\0', ' ': ' ' }
function unquoted(text: string, quote: string): string {
  if (quote === "'") return text.replaceAll("''", "'")
  return text.replace(/\\(?:x([\da-f]{2})|u([\da-f]{4})|U([\da-f]{8})|(.))/gi, (_, x, u, U, c) => {
    const code = x ?? u ?? U
    if (code === undefined) return ESCAPES[c] ?? c
    const point = Number.parseInt(code, 16)
    return point <= 0x10ffff ? String.fromCodePoint(point) : ''
  })
}

function readBlock(reader: Reader, literal: boolean, indent: number): string {
  const parts: string[] = []
  let inner = -1
  for (reader.at++; reader.at < reader.lines.length; reader.at++) {
    const line = current(reader)
    if (line.trim() === '') {
      parts.push('')
      continue
    }
    if (indentOf(line) <= indent) break
    if (inner < 0) inner = indentOf(line)
    parts.push(line.slice(Math.min(inner, indentOf(line))))
  }
  return parts.join(literal ? '\n' : ' ').trimEnd()
}
