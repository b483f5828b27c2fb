/**
 * From the byte offsets of cedar-wasm to positions in a JavaScript string.
 *
 * @module
 */

import type { Position } from '../errors.ts'

/** UTF-16 offset of the UTF-8 byte offset `bytes`. */
export function offsetOfByte(text: string, bytes: number): number {
  let seen = 0
  let offset = 0
  for (const char of text) {
    if (seen >= bytes) break
    const code = char.codePointAt(0) ?? 0
    seen += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4
    offset += char.length
  }
  return offset
}

export function positionAt(text: string, offset: number): Position {
  const before = text.slice(0, offset)
  const lineStart = before.lastIndexOf('\n') + 1
  return { offset, line: before.split('\n').length, column: offset - lineStart + 1 }
}
