/**
 * Records that a serialiser wrote as lines, a table, comma-separated values or elements, as one JSON value. Strict on
 * purpose: every row has as many cells as the head, every element is closed, or the text is nobody's records and stays
 * prose. A writer who breaks out of one cell breaks the form and gains no field.
 * @module
 */
import type { JsonValue } from './json.ts'

const MAX_ROWS = 2000
const MAX_COLUMNS = 64
const NAME = /^[\p{L}_][\p{L}\p{N}_ .-]{0,40}$/u

/** The records of a text, or undefined when it is in none of these forms. */
export function readRecords(text: string): JsonValue | undefined {
  switch (text.charAt(0)) {
    case '{':
    case '[':
      return jsonLines(text)
    case '"':
      return jsonLines(text) ?? separated(text) ?? column(text)
    case '|':
      return table(text)
    case '<':
      return elements(text)
    default:
      return separated(text) ?? column(text)
  }
}

function jsonLines(text: string): JsonValue | undefined {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  if (lines.length < 2 || lines.length > MAX_ROWS) return undefined
  const values: JsonValue[] = []
  for (const line of lines) {
    if (!/^\s*[[{"]/.test(line)) return undefined
    try {
      values.push(JSON.parse(line) as JsonValue)
    } catch {
      return undefined
    }
  }
  return values
}

/** A table in Markdown: a head, a rule, rows; or one column of cells without a head. */
function table(text: string): JsonValue | undefined {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  if (lines.length > MAX_ROWS || !lines.every((line) => /^\s*\|.*\|\s*$/.test(line))) return undefined
  const rows = lines.map((line) =>
    line
      .trim()
      .slice(1, -1)
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim().replaceAll('\\|', '|')),
  )
  const [head = [], rule = [], ...rest] = rows
  const ruled = rule.length === head.length && rule.every((cell) => /^:?-{2,}:?$/.test(cell))
  if (ruled) return recordsOf(head, rest)
  return rows.every((row) => row.length === 1) ? rows.flat() : undefined
}

/** RFC 4180, also with tabs or semicolons: a head of names and at least one row of the same width. */
function separated(text: string): JsonValue | undefined {
  const end = text.indexOf('\n')
  if (end < 0) return undefined
  const first = text.slice(0, end)
  const mark = [',', '\t', ';'].find((each) => first.includes(each))
  if (mark === undefined) return undefined
  const rows = rowsOf(text, mark)
  if (rows === undefined) return undefined
  const [head = [], ...rest] = rows
  // A sentence with a comma in it is no head.
  return head.every((name) => NAME.test(name) && name.split(' ').length <= 3 && !/\.$/.test(name))
    ? recordsOf(head, rest)
    : undefined
}

/** One column without a head, some of its cells quoted; a bare cell is as short as an item of a list. */
function column(text: string): JsonValue | undefined {
  if (!/(?:^|\n)"/.test(text)) return undefined
  const rows = rowsOf(text, ',')
  if (rows === undefined || rows.length < 3 || !rows.every((row) => row.length === 1)) return undefined
  const cells = rows.flat()
  const quoted = new Set(cells.filter((cell) => /[",\n]/.test(cell)))
  if (quoted.size === 0) return undefined
  return cells.every((cell) => quoted.has(cell) || (cell.length <= 60 && !/[.!?:](?:\s|$)/.test(cell)))
    ? cells
    : undefined
}

function rowsOf(text: string, mark: string): string[][] | undefined {
  const rows: string[][] = []
  let row: string[] = []
  const cell = new RegExp(
    `"((?:[^"]|"")*)"(?=${mark}|\\r?\\n|$)|([^"${mark}\\n][^${mark}\\n]*|)(?=${mark}|\\n|$)`,
    'y',
  )
  let at = 0
  while (at <= text.length) {
    cell.lastIndex = at
    const m = cell.exec(text)
    if (m === null) return undefined
    row.push(m[1] === undefined ? (m[2] ?? '').trim() : m[1].replaceAll('""', '"'))
    at += m[0].length
    if (text.startsWith('\r\n', at)) at++
    const next = text.charAt(at++)
    if (next === mark) continue
    rows.push(row)
    row = []
    if (rows.length > MAX_ROWS) return undefined
    if (next === '' || at >= text.length) break
  }
  return rows
}

function recordsOf(head: readonly string[], rows: readonly (readonly string[])[]): JsonValue | undefined {
  const unique = new Set(head).size === head.length
  if (head.length < 2 || head.length > MAX_COLUMNS || rows.length === 0 || !unique) return undefined
  if (!rows.every((row) => row.length === head.length)) return undefined
  return rows.map((row) => Object.fromEntries(head.map((name, i) => [name, row[i] ?? ''])))
}

const TAG =
  /<(\/?)([\p{L}_][\p{L}\p{N}_.:-]{0,40})((?:\s+[\p{L}_][\p{L}\p{N}_.:-]{0,40}="[^"<]{0,4096}")*)\s*(\/?)>/gu
const ATTRIBUTE = /([\p{L}_][\p{L}\p{N}_.:-]{0,40})="([^"<]*)"/gu
const MAX_DEPTH = 24
/** Elements of a page, not of data: what is inside them is prose. */
const PAGE = new Set(
  'html div span p a ul ol li h1 h2 h3 h4 h5 h6 br b i em strong img script style'.split(' '),
)

interface Element {
  readonly name: string
  text: string
  readonly children: [string, JsonValue][]
}

/** XML in which an element holds elements or text, not both; anything else is a page or prose. */
function elements(text: string): JsonValue | undefined {
  const body = text.replace(/^<\?xml[^>]{0,200}\?>\s*/, '')
  const root: Element = { name: '', text: '', children: [] }
  const open: Element[] = [root]
  let at = 0
  let count = 0
  for (const m of body.matchAll(TAG)) {
    const here = open[open.length - 1]
    const [whole, closing = '', name = '', attributes = '', empty = ''] = m
    if (here === undefined || ++count > MAX_ROWS * 4 || PAGE.has(name.toLowerCase())) return undefined
    const between = body.slice(at, m.index)
    if (between.includes('<')) return undefined
    here.text += between
    at = m.index + whole.length
    if (closing === '') {
      const made: Element = { name, text: '', children: attributesOf(attributes) }
      if (empty === '') open.push(made)
      else here.children.push([name, contentOf(made) ?? ''])
      if (open.length > MAX_DEPTH) return undefined
      continue
    }
    const value = here.name === name ? contentOf(here) : undefined
    open.pop()
    const parent = open[open.length - 1]
    if (value === undefined || parent === undefined) return undefined
    parent.children.push([name, value])
  }
  if (open.length !== 1 || count === 0 || body.slice(at).trim() !== '' || root.text.trim() !== '')
    return undefined
  return contentOf(root)
}

function attributesOf(text: string): [string, JsonValue][] {
  return [...text.matchAll(ATTRIBUTE)].map((m) => [m[1] ?? '', unescaped(m[2] ?? '')])
}

function contentOf({ text, children }: Element): JsonValue | undefined {
  if (children.length === 0) return unescaped(text.trim())
  if (text.trim() !== '') return undefined
  const names = new Set(children.map(([name]) => name))
  if (names.size === 1 && children.length > 1) return children.map(([, value]) => value)
  // A name that comes twice among others is one that somebody wrote into a text: no field of it can be told apart.
  return names.size === children.length ? Object.fromEntries(children) : undefined
}

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }
function unescaped(text: string): string {
  const bare = /^<!\[CDATA\[([\s\S]*)\]\]>$/.exec(text)?.[1]
  return bare ?? text.replace(/&(lt|gt|amp|quot|apos);/g, (_, name: string) => ENTITIES[name] ?? '')
}
