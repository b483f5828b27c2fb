/**
 * Brackets in relation definitions, looked at before the parser sees them. What it takes grows with the square of their
 * nesting, and most of all for brackets directly around brackets, which mean nothing.
 *
 * @module
 */
import { modelError } from '../errors.ts'
import { MAX_MODEL_NESTING } from '../limits.ts'

const DEFINITION = /^\s*define\s/
/** What is behind it on the line says nothing. */
const COMMENT = /\s#/

/**
 * The text with blanks for brackets directly around brackets, so every position stays what it was.
 * @throws RelationsError `model_invalid` for deeper nesting than `MAX_MODEL_NESTING`, `model_syntax` for a bracket
 *   without a partner on its line
 */
export function withoutIdleBrackets(dsl: string): string {
  return dsl
    .split('\n')
    .map((line, index) => (DEFINITION.test(line) ? lineWithoutThem(line, index + 1) : line))
    .join('\n')
}

function lineWithoutThem(line: string, number: number): string {
  const partners = partnersIn(line, number)
  const blank = new Set<number>()
  for (const [open, close] of partners) {
    const inner = partners.get(nextFrom(line, open + 1))
    if (inner === undefined || nextFrom(line, inner + 1) !== close) continue
    blank.add(open)
    blank.add(close)
  }
  if (blank.size === 0) return line
  return Array.from({ length: line.length }, (_, at) => (blank.has(at) ? ' ' : line.charAt(at))).join('')
}

/** Place of the closing bracket by that of the opening one. */
function partnersIn(line: string, number: number): ReadonlyMap<number, number> {
  const comment = line.search(COMMENT)
  const end = comment < 0 ? line.length : comment
  const open: number[] = []
  const partners = new Map<number, number>()
  const refuse = (code: 'model_invalid' | 'model_syntax', message: string, at: number) =>
    modelError(code, [{ message, position: { line: number, column: at + 1 } }])
  for (let at = 0; at < end; at++) {
    const char = line.charAt(at)
    if (char === '(' && open.push(at) > MAX_MODEL_NESTING)
      throw refuse('model_invalid', 'brackets are nested too deeply', at)
    if (char !== ')') continue
    const from = open.pop()
    if (from === undefined) throw refuse('model_syntax', 'this bracket closes nothing', at)
    partners.set(from, at)
  }
  const left = open.pop()
  if (left !== undefined) throw refuse('model_syntax', 'this bracket is not closed', left)
  return partners
}

/** Place of the next character that is no blank. */
function nextFrom(line: string, from: number): number {
  let at = from
  while (line.charAt(at) === ' ' || line.charAt(at) === '\t') at++
  return at
}
