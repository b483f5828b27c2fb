/**
 * Keys on disk. Callers' strings become text that every engine stores alike: no NUL (PostgreSQL refuses it) and no
 * lone surrogate (UTF-8 cannot hold one; SQLite would write U+FFFD and let two keys meet). What must hold: the
 * encoding is injective, keeps prefixes, and keeps the order of well-formed strings by code point, which is the
 * order of their UTF-8 bytes.
 * @module
 */
import { SafeconductError } from '@safeconduct/protocol'

/** UTF-16 units of one key; longer ones are refused when written and simply not found when read. */
export const MAX_KEY_LENGTH = 2048

const NUL = '\u0000'
const ESCAPE = '\u0001'

/** Total: any string is a legal key. */
export function encodeKey(text: string): string {
  if (!text.includes(NUL) && !text.includes(ESCAPE) && text.isWellFormed()) return text
  let out = ''
  for (const point of text) {
    if (point === NUL) out += `${ESCAPE}\u0001`
    else if (point === ESCAPE) out += `${ESCAPE}\u0002`
    else if (point.isWellFormed()) out += point
    else out += `${ESCAPE}\u0003${point.charCodeAt(0).toString(16)}`
  }
  return out
}

/** The inverse of {@link encodeKey}. @throws {SafeconductError} `internal` for text that it cannot have made */
export function decodeKey(stored: string): string {
  if (!stored.includes(ESCAPE)) return stored
  let out = ''
  for (let at = 0; at < stored.length; at++) {
    if (stored[at] !== ESCAPE) {
      out += stored[at]
      continue
    }
    const kind = stored.charCodeAt(++at)
    if (kind === 1) out += NUL
    else if (kind === 2) out += ESCAPE
    else if (kind === 3) {
      const unit = Number.parseInt(stored.slice(at + 1, at + 5), 16)
      if (!(unit >= 0xd800 && unit <= 0xdfff)) throw malformed()
      out += String.fromCharCode(unit)
      at += 4
    } else throw malformed()
  }
  return out
}

function malformed(): SafeconductError {
  return new SafeconductError('internal', { cause: new Error('a stored key is malformed') })
}

/** Encodes a key about to be written. @throws {SafeconductError} `invalid_request` when empty or too long */
export function writeKey(what: string, text: string): string {
  if (typeof text !== 'string' || text.length === 0 || text.length > MAX_KEY_LENGTH) {
    throw new SafeconductError('invalid_request', {
      message: `The ${what} must be a string of 1 to ${MAX_KEY_LENGTH} characters.`,
      details: { member: what, limit: MAX_KEY_LENGTH },
    })
  }
  return encodeKey(text)
}

/** Order of encoded keys: by code point, as SQLite's BINARY and PostgreSQL's "C" collation order UTF-8. */
export function compareKeys(a: string, b: string): number {
  const end = Math.min(a.length, b.length)
  for (let at = 0; at < end; at++) {
    const x = a.charCodeAt(at)
    const y = b.charCodeAt(at)
    if (x !== y) return rank(x) - rank(y)
  }
  return a.length - b.length
}

/** Surrogates stand for code points above U+FFFF, so they sort after U+E000–U+FFFF. */
function rank(unit: number): number {
  if (unit >= 0xe000) return unit - 0x800
  return unit >= 0xd800 ? unit + 0x2000 : unit
}
