/**
 * What may be bound to a statement. `node:sqlite` binds NULL for a missing parameter, takes an object in first
 * place for named parameters, binds a whole number as REAL, writes U+FFFD for a lone surrogate and runs only the
 * first of two statements, all without a word: here each of them is an error or is put right.
 * @module
 */

export type Bindable = null | bigint | number | string | Uint8Array

/** @throws {TypeError} for anything but null, text, bytes and exact numbers */
export function bindable(value: unknown): Bindable {
  if (value === null || typeof value === 'bigint') return value
  if (typeof value === 'number') return bindableNumber(value)
  if (typeof value === 'string') {
    if (value.isWellFormed()) return value
    throw new TypeError('a lone surrogate cannot be bound')
  }
  if (value instanceof Uint8Array) return value
  throw new TypeError(`a value of type ${typeof value} cannot be bound`)
}

function bindableNumber(value: number): bigint | number {
  if (Number.isSafeInteger(value)) return BigInt(value)
  if (Number.isFinite(value) && !Number.isInteger(value)) return value
  throw new TypeError('a number that is not finite, or not exact, cannot be bound')
}

/**
 * Counts the `?` of one statement.
 * @throws {TypeError} when there is a second statement, or a parameter that is not a plain `?`
 */
export function countParameters(sql: string): number {
  let count = 0
  for (let at = 0; at < sql.length; at++) {
    const skipped = skipQuoted(sql, at)
    if (skipped !== at) {
      at = skipped
      continue
    }
    const char = sql[at]
    if (char === '?') {
      if (isNameChar(sql[at + 1])) throw new TypeError('numbered parameters are not used here')
      count++
    } else if (char === ':' || char === '@' || char === '$') {
      throw new TypeError('named parameters are not used here')
    } else if (char === ';' && sql.slice(at + 1).trim() !== '') {
      throw new TypeError('one statement at a time')
    }
  }
  return count
}

function isNameChar(char: string | undefined): boolean {
  return char !== undefined && /[0-9A-Za-z_]/.test(char)
}

/** Index of the last character of the literal, quoted name or comment that starts at `at`; else `at`. */
function skipQuoted(sql: string, at: number): number {
  const char = sql[at]
  if (char === "'" || char === '"' || char === '`') return closing(sql, sql.indexOf(char, at + 1))
  if (char === '[') return closing(sql, sql.indexOf(']', at + 1))
  if (char === '-' && sql[at + 1] === '-') return closing(sql, sql.indexOf('\n', at))
  if (char === '/' && sql[at + 1] === '*') {
    const end = sql.indexOf('*/', at + 2)
    return end === -1 ? sql.length : end + 1
  }
  return at
}

/** A doubled quote inside a literal simply starts the next literal: the count stays right. */
function closing(sql: string, end: number): number {
  return end === -1 ? sql.length : end
}
