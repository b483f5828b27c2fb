/**
 * `like` without backtracking: anchored ends, and the parts between found from left to right. Each character of
 * the text is passed once per part, whatever the pattern.
 *
 * @module
 */

import type { PatternPart } from '../source/syntax.ts'

export function likeMatcher(pattern: readonly PatternPart[]): (text: string) => boolean {
  const parts = literalsBetweenWildcards(pattern)
  const [prefix = '', ...rest] = parts
  const suffix = rest.pop()
  if (suffix === undefined) return (text) => text === prefix
  const middle = rest.filter((part) => part !== '')
  const least = parts.reduce((sum, part) => sum + part.length, 0)
  return (text) => {
    if (text.length < least || !text.startsWith(prefix) || !text.endsWith(suffix)) return false
    let at = prefix.length
    for (const part of middle) {
      const found = text.indexOf(part, at)
      if (found < 0) return false
      at = found + part.length
    }
    return at <= text.length - suffix.length
  }
}

/** `a*b**c` becomes `['a', 'b', '', 'c']`: one more text than wildcards. */
function literalsBetweenWildcards(pattern: readonly PatternPart[]): string[] {
  const parts = ['']
  for (const part of pattern) {
    if ('wildcard' in part) parts.push('')
    else parts.push((parts.pop() ?? '') + part.literal)
  }
  return parts
}
