/**
 * What a behaviour bench prints, as JSON and as text.
 * @module
 */
import type { Estimate } from './metrics.ts'

export interface Row extends Estimate {
  readonly metric: string
  /** Where we started (shared notes, dev data), when there was a start. */
  readonly start?: number
  readonly goal?: number
  readonly want?: 'at least' | 'at most'
}

export interface Report {
  readonly bench: string
  readonly file: string
  /** What was counted: people, pieces, events. */
  readonly data: string
  readonly rows: readonly Row[]
  /** Wall clock per event on this machine, scoring and learning. */
  readonly microsPerEvent: number
  /** Largest state of one principal, as JSON. */
  readonly stateBytes: number
  readonly notes: readonly string[]
}

export function textReport(report: Report): string {
  const digits = (value: number): string => (Number.isFinite(value) ? value.toFixed(3) : '–')
  const lines = report.rows.map(({ metric, value, interval, start, goal, want }) =>
    [
      metric.padEnd(64),
      digits(value),
      (interval === null ? '' : `[${digits(interval[0])}, ${digits(interval[1])}]`).padEnd(16),
      (start === undefined ? '' : `start ${digits(start)}`).padEnd(12),
      goal === undefined ? '' : `goal ${want ?? ''} ${goal} ${reached(value, goal, want) ? 'met' : 'MISSED'}`,
    ]
      .join('  ')
      .trimEnd(),
  )
  return `${[
    `${report.bench} · ${report.data} · offline replay of recorded behaviour`,
    ...lines,
    `${report.microsPerEvent.toFixed(2)} µs an event · state ${(report.stateBytes / 1024).toFixed(1)} kB as JSON`,
    ...report.notes.map((note) => `- ${note}`),
  ].join('\n')}\n`
}

function reached(value: number, goal: number, want: Row['want']): boolean {
  return want === 'at most' ? value <= goal : value >= goal
}

/** Maps as pairs: what a snapshot of the state would weigh, about. */
export function jsonBytes(state: unknown): number {
  return Buffer.byteLength(
    JSON.stringify(state, (_key, value: unknown) => (value instanceof Map ? [...value] : value)),
  )
}
