/**
 * What people read and what machines read. People get aligned columns and sentences; `--json` gets one JSON value
 * on standard output and nothing else there. Text that came from outside is stripped of control characters, so that
 * a name cannot move the cursor or recolour the terminal.
 * @module
 */

export interface Output {
  readonly json: boolean
  /** The answer: printed as JSON under `--json`, else through `people`. */
  result(value: object, people: () => string): void
  /** Progress and hints; standard error, silent under `--json`. */
  note(text: string): void
}

export interface Streams {
  readonly out: NodeJS.WritableStream
  readonly err: NodeJS.WritableStream
}

export function createOutput(
  json: boolean,
  streams: Streams = { out: process.stdout, err: process.stderr },
): Output {
  return {
    json,
    result(value, people) {
      streams.out.write(json ? `${JSON.stringify(value, null, 2)}\n` : `${people()}\n`)
    },
    note(text) {
      if (!json) streams.err.write(`${text}\n`)
    },
  }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is being removed
const UNPRINTABLE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g

export function plain(text: string): string {
  return text.replace(UNPRINTABLE, '\ufffd')
}

/** Columns as wide as their widest cell; the last one runs on. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const cells = [head, ...rows.map((row) => row.map((cell) => plain(String(cell))))]
  const widths = head.map((_, column) => Math.max(...cells.map((row) => (row[column] ?? '').length)))
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
  return cells.map(line).join('\n')
}

export function when(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace('T', ' ').slice(0, 19)
}
