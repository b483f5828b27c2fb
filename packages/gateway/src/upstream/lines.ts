/**
 * Newline-delimited JSON over pipes, bounded while it is read.
 * @module
 */
import { upstreamFailure } from './failure.ts'

export interface LineReader {
  /**
   * Feeds bytes, returns the lines they complete, without blank ones.
   * @throws {SafeconductError} `upstream_invalid` when a line is longer than allowed
   */
  push(chunk: Uint8Array): Uint8Array[]
}

export function createLineReader(maxLine: number): LineReader {
  let parts: Uint8Array[] = []
  let size = 0
  return {
    push(chunk) {
      const lines: Uint8Array[] = []
      let start = 0
      for (let end = chunk.indexOf(0x0a); end !== -1; end = chunk.indexOf(0x0a, start)) {
        parts.push(chunk.subarray(start, end))
        const line = trim(Buffer.concat(parts))
        if (line.length > maxLine) throw tooLong()
        if (line.length > 0) lines.push(line)
        parts = []
        size = 0
        start = end + 1
      }
      const rest = chunk.subarray(start)
      size += rest.length
      if (size > maxLine) throw tooLong()
      if (rest.length > 0) parts.push(Buffer.from(rest))
      return lines
    },
  }
}

function trim(line: Uint8Array): Uint8Array {
  return line.at(-1) === 0x0d ? line.subarray(0, -1) : line
}

function tooLong() {
  return upstreamFailure('upstream_invalid', 'unknown', {
    message: 'The server behind the gateway sent a message larger than allowed.',
  })
}
