/**
 * Python literals as tools print them (`{'a': 1, 'b': None}`), read strictly: anything that is not one complete literal
 * is not structure. Bounded in depth; never evaluates.
 * @module
 */
import type { JsonValue } from './json.ts'

const MAX_DEPTH = 32

/** The value of a complete literal, or undefined when the text is anything else. */
export function readPythonLiteral(text: string): JsonValue | undefined {
  const reader: Reader = { text, at: 0 }
  try {
    const value = readValue(reader, 0)
    skipBlank(reader)
    return reader.at === text.length ? value : undefined
  } catch (error) {
    if (error instanceof NotALiteral) return undefined
    throw error
  }
}

class NotALiteral extends Error {}
interface Reader {
  readonly text: string
  at: number
}

const BLANK = /[\s]*/y
const NUMBER = /[+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?/y
const NAME = /[A-Za-z_][\w.]*/y

function take(r: Reader, pattern: RegExp): string {
  pattern.lastIndex = r.at
  const m = pattern.exec(r.text)
  if (m === null) return ''
  r.at += m[0].length
  return m[0]
}
function skipBlank(r: Reader): void {
  take(r, BLANK)
}

function readValue(r: Reader, depth: number): JsonValue {
  if (depth > MAX_DEPTH) throw new NotALiteral()
  skipBlank(r)
  const c = r.text.charAt(r.at)
  if (c === '{') return readDict(r, depth)
  if (c === '[') return readSequence(r, ']', depth)
  if (c === '(') return readSequence(r, ')', depth)
  if (c === "'" || c === '"') return readString(r)
  const number = take(r, NUMBER)
  if (number !== '') return Number(number)
  return readName(r, depth)
}

function readName(r: Reader, depth: number): JsonValue {
  const name = take(r, NAME)
  if (name === 'None' || name === 'null') return null
  if (name === 'True' || name === 'true') return true
  if (name === 'False' || name === 'false') return false
  // `datetime.datetime(2024, 5, 1)` and enum members print as calls and dotted names: kept as their text.
  if (name !== '' && name.includes('.') && r.text.charAt(r.at) === '(')
    return JSON.stringify(readSequence(r, ')', depth))
  throw new NotALiteral()
}

function readSequence(r: Reader, close: string, depth: number): JsonValue[] {
  const items: JsonValue[] = []
  r.at++
  for (;;) {
    skipBlank(r)
    if (r.text.charAt(r.at) === close) break
    items.push(readValue(r, depth + 1))
    skipBlank(r)
    if (r.text.charAt(r.at) === ',') r.at++
    else if (r.text.charAt(r.at) !== close) throw new NotALiteral()
  }
  r.at++
  return items
}

function readDict(r: Reader, depth: number): JsonValue {
  const entries: [string, JsonValue][] = []
  r.at++
  for (;;) {
    skipBlank(r)
    if (r.text.charAt(r.at) === '}') break
    const key = readValue(r, depth + 1)
    skipBlank(r)
    if (r.text.charAt(r.at) !== ':') throw new NotALiteral()
    r.at++
    // A dictionary or list as a key has no text of its own.
    const name = typeof key === 'object' ? JSON.stringify(key) : String(key)
    entries.push([name, readValue(r, depth + 1)])
    skipBlank(r)
    if (r.text.charAt(r.at) === ',') r.at++
    else if (r.text.charAt(r.at) !== '}') throw new NotALiteral()
  }
  r.at++
  return Object.assign(Object.create(null), Object.fromEntries(entries))
}

const SIMPLE: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '\\': '\\', "'": "'", '"': '"' }

function readString(r: Reader): string {
  const quote = r.text.charAt(r.at++)
  let out = ''
  for (;;) {
    const c = r.text.charAt(r.at++)
    if (c === '') throw new NotALiteral()
    if (c === quote) return out
    if (c !== '\\') {
      out += c
      continue
    }
    const e = r.text.charAt(r.at++)
    const hex = e === 'x' ? 2 : e === 'u' ? 4 : e === 'U' ? 8 : 0
    if (hex > 0) {
      const code = Number.parseInt(r.text.slice(r.at, r.at + hex), 16)
      r.at += hex
      out += code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : ''
    } else out += SIMPLE[e] ?? `\\${e}`
  }
}
