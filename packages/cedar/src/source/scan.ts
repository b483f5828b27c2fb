/**
 * A scanner for Cedar policy text: where statements begin and end, and where integers stand.
 *
 * It knows strings, comments, words and integers, which is enough because `;` ends a policy and occurs nowhere
 * else. cedar-wasm does the parsing. What must hold: for every text that cedar-wasm accepts, the statements found
 * here are exactly its policies.
 *
 * @module
 */

import { MAX_TEXT_NESTING } from '../limits.ts'

export interface Token {
  readonly kind: 'word' | 'integer' | 'string' | 'slot' | 'punctuation'
  readonly start: number
  readonly end: number
}

export interface Statement {
  /** UTF-16 offsets into the whole text, from the first token to behind the `;`. */
  readonly start: number
  readonly end: number
  readonly tokens: readonly Token[]
  /** Names a `?principal` or `?resource`. */
  readonly isTemplate: boolean
}

const wordStart = /[A-Za-z_]/
const wordPart = /[A-Za-z0-9_]/
const digit = /[0-9]/
const space = /\s/

export function tokens(text: string): Token[] {
  const found: Token[] = []
  let at = 0
  const end = (pattern: RegExp) => {
    let i = at + 1
    while (i < text.length && pattern.test(text.charAt(i))) i++
    return i
  }
  while (at < text.length) {
    const start = at
    const char = text.charAt(at)
    if (space.test(char)) at++
    else if (char === '/' && text.charAt(at + 1) === '/') at = lineEnd(text, at)
    else {
      let kind: Token['kind'] = 'punctuation'
      if (char === '"') {
        kind = 'string'
        at = stringEnd(text, at)
      } else if (wordStart.test(char)) {
        kind = 'word'
        at = end(wordPart)
      } else if (digit.test(char)) {
        kind = 'integer'
        at = end(digit)
      } else if (char === '?' && wordStart.test(text.charAt(at + 1))) {
        kind = 'slot'
        at = end(wordPart)
      } else at++
      found.push({ kind, start, end: at })
    }
  }
  return found
}

/** Statements in source order; text behind the last `;` is one more, which the parser will complain about. */
export function statements(text: string): Statement[] {
  const found: Statement[] = []
  let current: Token[] = []
  const close = () => {
    const [first] = current
    const last = current.at(-1)
    if (first !== undefined && last !== undefined) {
      const isTemplate = current.some((token) => token.kind === 'slot')
      found.push({ start: first.start, end: last.end, tokens: current, isTemplate })
    }
    current = []
  }
  for (const token of tokens(text)) {
    current.push(token)
    if (token.kind === 'punctuation' && text.charAt(token.start) === ';') close()
  }
  close()
  return found
}

/** Offset of the bracket that goes beyond the bound, or `undefined`. `<` counts for `Set<…>` in schemas. */
export function tooDeepAt(
  text: string,
  among: readonly Token[],
  open = '([{',
  close = ')]}',
): number | undefined {
  let depth = 0
  for (const token of among) {
    if (token.kind !== 'punctuation') continue
    const char = text.charAt(token.start)
    if (open.includes(char)) depth++
    else if (close.includes(char)) depth--
    if (depth > MAX_TEXT_NESTING) return token.start
  }
  return undefined
}

function lineEnd(text: string, from: number): number {
  let i = from
  while (i < text.length && text.charAt(i) !== '\n' && text.charAt(i) !== '\r') i++
  return i
}

function stringEnd(text: string, from: number): number {
  let i = from + 1
  while (i < text.length && text.charAt(i) !== '"') i += text.charAt(i) === '\\' ? 2 : 1
  return Math.min(i + 1, text.length)
}
