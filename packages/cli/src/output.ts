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
      // Whatever a verb puts together: nothing of it reaches a terminal as a command.
      streams.out.write(json ? `${printable(JSON.stringify(value, null, 2))}\n` : `${plain(people())}\n`)
    },
    note(text) {
      if (!json) streams.err.write(`${plain(text)}\n`)
    },
  }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is being removed
const UNPRINTABLE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g

export function plain(text: string): string {
  return text.replace(UNPRINTABLE, '\ufffd')
}

/** The same JSON value; characters that JSON may hold as they are, but a terminal obeys, are escaped. */
export function printable(json: string): string {
  return json.replace(UNPRINTABLE, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** A cell is one line: a name cannot make a row of its own. */
const cellOf = (value: string | number): string => plain(String(value)).replace(/[\t\n]/g, ' ')

/** Columns as wide as their widest cell; the last one runs on. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const cells = [head, ...rows.map((row) => row.map(cellOf))]
  const widths = head.map((_, column) => Math.max(...cells.map((row) => (row[column] ?? '').length)))
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
  return cells.map(line).join('\n')
}

/** In the time of this machine, which is named: `2026-03-01 09:30:00 +01:00`, or with `Z`. */
export function when(milliseconds: number): string {
  const date = new Date(milliseconds)
  const east = -date.getTimezoneOffset()
  const local = new Date(milliseconds + east * 60_000).toISOString().replace('T', ' ').slice(0, 19)
  if (east === 0) return `${local}Z`
  const part = (value: number) => String(Math.trunc(Math.abs(value))).padStart(2, '0')
  return `${local} ${east < 0 ? '-' : '+'}${part(east / 60)}:${part(east % 60)}`
}
