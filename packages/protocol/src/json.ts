/**
 * JSON as it may enter: bounded in size and depth, no key twice, no prototype games; and as it may be
 * hashed: the canonical form of RFC 8785 (JCS).
 * @module
 */
import { SafeconductError } from './errors.ts'

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject
export interface JsonObject {
  readonly [key: string]: JsonValue
}

export interface JsonLimits {
  /** UTF-8 bytes (when given bytes) or UTF-16 units (when given a string). */
  readonly maxLength: number
  readonly maxDepth: number
}

/** Limits of a JSON-RPC message through the gateway. */
export const DEFAULT_JSON_LIMITS: JsonLimits = { maxLength: 4 * 1024 * 1024, maxDepth: 64 }

/** Objects and arrays of one text: three bytes of it become a hundred times that in memory. */
export const MAX_CONTAINERS = 100_000

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Parses JSON that came from outside. Objects are returned without a prototype.
 * @throws {SafeconductError} `too_large`, `too_deep`, `duplicate_key`, `invalid_json`
 */
export function parseJson(input: string | Uint8Array, limits: JsonLimits = DEFAULT_JSON_LIMITS): JsonValue {
  if (input.length > limits.maxLength) {
    throw new SafeconductError('too_large', { details: { limit: limits.maxLength } })
  }
  let text: string
  try {
    text = typeof input === 'string' ? input : decoder.decode(input)
  } catch (cause) {
    throw new SafeconductError('invalid_json', { message: 'The body is not valid UTF-8.', cause })
  }
  refuseDeepOrDuplicate(text, limits.maxDepth)
  try {
    return withoutPrototype(JSON.parse(text))
  } catch (cause) {
    throw new SafeconductError('invalid_json', { cause })
  }
}

/**
 * An object without a prototype cannot be confused by a `__proto__` key: it is a key like any other. Changed in place,
 * after the fact: a reviver makes parsing four times as dear, and copies have no shape that the engine could learn.
 */
function withoutPrototype(value: JsonValue): JsonValue {
  if (value === null || typeof value !== 'object') return value
  if (isJsonArray(value)) {
    for (const item of value) withoutPrototype(item)
    return value
  }
  for (const key of Object.keys(value)) withoutPrototype(value[key] ?? null)
  return Object.setPrototypeOf(value, null)
}

/**
 * One pass over the text before `JSON.parse`, which recurses and keeps the last of two equal keys. Strings are
 * compared after unescaping, so `"a"` and `"\u0061"` are one key. Malformed text is left to `JSON.parse`.
 */
function refuseDeepOrDuplicate(text: string, maxDepth: number): void {
  const open: (Set<string> | null)[] = []
  let keyExpected = false
  let containers = 0
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    if (unit === 0x22) {
      const end = endOfString(text, at)
      if (end === -1) return
      const keys = open.at(-1)
      if (keyExpected && keys != null) {
        const key = unescapeString(text.slice(at, end + 1))
        if (keys.has(key)) throw new SafeconductError('duplicate_key')
        keys.add(key)
      }
      keyExpected = false
      at = end
    } else if (unit === 0x7b || unit === 0x5b) {
      if (open.length >= maxDepth) throw new SafeconductError('too_deep', { details: { limit: maxDepth } })
      if (++containers > MAX_CONTAINERS)
        throw new SafeconductError('too_large', { details: { limit: MAX_CONTAINERS } })
      open.push(unit === 0x7b ? new Set() : null)
      keyExpected = unit === 0x7b
    } else if (unit === 0x7d || unit === 0x5d) {
      open.pop()
      keyExpected = false
    } else if (unit === 0x2c) {
      keyExpected = open.at(-1) != null
    }
  }
}

function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1)
  while (end !== -1 && isEscaped(text, start, end)) end = text.indexOf('"', end + 1)
  return end
}

/** After an odd number of backslashes a quote is part of the string. */
function isEscaped(text: string, start: number, quote: number): boolean {
  let at = quote - 1
  while (at > start && text.charCodeAt(at) === 0x5c) at--
  return (quote - at) % 2 === 0
}

function unescapeString(quoted: string): string {
  if (!quoted.includes('\\')) return quoted.slice(1, -1)
  try {
    return JSON.parse(quoted) as string
  } catch (cause) {
    throw new SafeconductError('invalid_json', { cause })
  }
}

/**
 * RFC 8785 canonical JSON: keys sorted by UTF-16 units, numbers as ECMAScript prints them.
 * @throws {SafeconductError} `invalid_json` for NaN, infinities and lone surrogates; `too_deep` above 80 levels
 */
export function canonicalize(value: JsonValue): string {
  return write(value, 0)
}

const CANONICAL_DEPTH = 80

function write(value: JsonValue, depth: number): string {
  if (depth > CANONICAL_DEPTH) throw new SafeconductError('too_deep', { details: { limit: CANONICAL_DEPTH } })
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new SafeconductError('invalid_json', { message: 'A number is not finite.' })
  }
  if (typeof value === 'string') return writeString(value)
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  if (isJsonArray(value)) return `[${value.map((item) => write(item, depth + 1)).join(',')}]`
  const members: string[] = []
  for (const key of Object.keys(value).sort()) {
    const member = value[key]
    if (member !== undefined) members.push(`${writeString(key)}:${write(member, depth + 1)}`)
  }
  return `{${members.join(',')}}`
}

function writeString(text: string): string {
  if (!text.isWellFormed()) {
    throw new SafeconductError('invalid_json', { message: 'A string is not valid Unicode.' })
  }
  return JSON.stringify(text)
}

export function isJsonArray(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value)
}

export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}
