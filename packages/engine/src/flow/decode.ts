/**
 * Text that hides in other text: base64, hexadecimal, percent escapes, character references, `\u` escapes and punycode.
 * Decoding finds what a value was copied from; text that had to be decoded is never more trusted than plain text.
 * @module
 */
import { domainToUnicode } from 'node:url'

const BASE64 = /[A-Za-z0-9+/_-]{16,}={0,2}/g
const HEX = /\b(?:[0-9a-fA-F]{2}[ :]?){12,}\b/g
// Begun only where a run begins: from each letter of a long one, it would take quadratic time.
const PERCENT = /(?<![\w.~@:/+-])(?:[\w.~@:/+-]*%[0-9A-Fa-f]{2}){2,}[\w.~@:/+-]*/g
const ENTITY = /&#(?:x([0-9a-fA-F]{1,6})|(\d{1,7}));/g
const UNICODE_ESCAPE = /\\u\{?([0-9a-fA-F]{4,6})\}?|\\x([0-9a-fA-F]{2})/g
const PUNYCODE = /\b(?:[\w-]+\.)*xn--[\w-]+(?:\.[\w-]+)*/gi

/** Most decoded texts kept of one text, and characters of each. */
export const DECODE_LIMITS = { pieces: 64, length: 8192 } as const

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Every text hidden in `text`, at most `DECODE_LIMITS.pieces`. `whole` when the carrier is all of the text, not a part of it. */
export function hiddenTexts(text: string): { text: string; whole: boolean }[] {
  const found: { text: string; whole: boolean }[] = []
  const length = text.trim().length
  const add = (decoded: string | null, carrier: string): void => {
    if (decoded === null || found.length >= DECODE_LIMITS.pieces) return
    found.push({ text: decoded.slice(0, DECODE_LIMITS.length), whole: carrier.length >= length * 0.95 })
  }
  for (const m of text.matchAll(BASE64)) {
    if (found.length >= DECODE_LIMITS.pieces) break
    add(fromBase64(m[0]), m[0])
  }
  for (const m of text.matchAll(HEX)) {
    if (found.length >= DECODE_LIMITS.pieces) break
    add(fromHex(m[0]), m[0])
  }
  const percent = unescapePercent(text)
  if (percent !== null) add(percent, '')
  const plain = unescapeReferences(text)
  if (plain !== null) add(plain, '')
  return found
}

/** Escapes inside a single value resolved: percent, character references, `\u`, punycode. */
export function decodeValue(value: string): string {
  let out = value
  if (out.includes('%')) out = unescapePercent(out) ?? out
  if (out.includes('&#') || out.includes('\\')) out = unescapeReferences(out) ?? out
  if (/xn--/i.test(out)) out = out.replace(PUNYCODE, (host) => domainToUnicode(host) || host)
  return out
}

function fromBase64(run: string): string | null {
  const body = run.replace(/=+$/, '')
  // A word, a path or a long identifier is not base64 with a message in it: those decode to noise and fail below.
  if (body.length % 4 === 1 || !/[A-Z]/.test(body) || !/[a-z]/.test(body)) return null
  return readable(Buffer.from(body.replace(/-/g, '+').replace(/_/g, '/'), 'base64'))
}

function fromHex(run: string): string | null {
  const body = run.replace(/[ :]/g, '')
  return body.length % 2 === 1 ? null : readable(Buffer.from(body, 'hex'))
}

/** UTF-8 with letters in it and almost nothing unprintable; else noise. */
function readable(bytes: Uint8Array): string | null {
  let text: string
  try {
    text = utf8.decode(bytes.subarray(0, DECODE_LIMITS.length * 2))
  } catch {
    return null
  }
  if (text.length < 8 || /\p{Cc}/u.test(text.replace(/[\t\n\r]/g, ''))) return null
  const plain = text.match(/[\p{L}\p{N}\p{P}\s]/gu)?.length ?? 0
  return plain >= text.length * 0.9 ? text : null
}

function unescapePercent(text: string): string | null {
  if (!text.includes('%')) return null
  let changed = false
  const out = text.replace(PERCENT, (run) => {
    try {
      changed = true
      return decodeURIComponent(run)
    } catch {
      return run
    }
  })
  return changed && out !== text ? out : null
}

function unescapeReferences(text: string): string | null {
  if (!text.includes('&#') && !text.includes('\\u') && !text.includes('\\x')) return null
  const point = (code: number): string =>
    code > 0 && code < 0x110000 && (code < 0xd800 || code > 0xdfff) ? String.fromCodePoint(code) : ''
  const out = text
    .replace(ENTITY, (_, hex: string | undefined, dec: string | undefined) =>
      point(hex === undefined ? Number(dec) : Number.parseInt(hex, 16)),
    )
    .replace(UNICODE_ESCAPE, (_, long: string | undefined, short: string | undefined) =>
      point(Number.parseInt(long ?? short ?? '0', 16)),
    )
  return out === text ? null : out
}
