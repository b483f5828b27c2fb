/**
 * How much privilege stands around. One principal that holds one role for one hour is one privilege-hour.
 *
 * - `standing`: hours of roles held for good, inside the window;
 * - `elevated`: hours of roles held for one errand and a time, inside the window, while the role was not held anyway;
 * - `before`: what it would have been had every role that was held at all been held for the whole window;
 * - `after`: standing + elevated, what it was.
 * @module
 */
import type { Agent, Elevation, RoleGrant, User } from '@safeconduct/protocol'

export interface PrivilegeRow {
  readonly principal: string
  readonly kind: 'agent' | 'user'
  readonly role: string
  readonly standing: number
  readonly elevated: number
  readonly before: number
  /** Elevations in the window. */
  readonly elevations: number
}

export interface PrivilegeReport {
  /** Milliseconds. */
  readonly from: number
  readonly to: number
  readonly before: number
  readonly after: number
  readonly standing: number
  readonly elevated: number
  /** 1 − after ⁄ before; 0 when nobody held anything. */
  readonly reduction: number
  readonly rows: readonly PrivilegeRow[]
}

export interface PrivilegeQuestion {
  readonly agents: readonly Agent[]
  readonly users: readonly User[]
  readonly elevations: readonly Elevation[]
  readonly from: number
  readonly to: number
}

const HOUR = 3_600_000
type Span = readonly [from: number, to: number]

export function privilegeReport(question: PrivilegeQuestion): PrivilegeReport {
  const { from, to } = question
  const held = new Map<
    string,
    {
      kind: 'agent' | 'user'
      principal: string
      role: string
      standing: Span[]
      elevated: Span[]
      elevations: number
    }
  >()
  const entry = (kind: 'agent' | 'user', principal: string, role: string) => {
    const key = JSON.stringify([kind, principal, role])
    const known = held.get(key) ?? { kind, principal, role, standing: [], elevated: [], elevations: 0 }
    held.set(key, known)
    return known
  }
  const clip = (start: number, end: number): Span => [Math.max(start, from), Math.min(end, to)]
  const stand = (kind: 'agent' | 'user', id: string, roles: readonly RoleGrant[] = []): void => {
    for (const { role, since, until } of roles) {
      const span = clip(since, until ?? to)
      if (span[1] > span[0]) entry(kind, id, role).standing.push(span)
    }
  }
  for (const { id, roles } of question.agents) stand('agent', id, roles)
  for (const { id, roles } of question.users) stand('user', id, roles)
  for (const elevation of question.elevations) {
    const { decidedAt, status } = elevation
    if (decidedAt === null || status === 'refused' || status === 'pending') continue
    const span = clip(decidedAt, elevation.endedAt ?? elevation.expiresAt)
    if (span[1] <= span[0]) continue
    const known = entry(elevation.for, elevation.principal, elevation.role)
    known.elevated.push(span)
    known.elevations++
  }
  const window = Math.max(0, to - from) / HOUR
  const rows = [...held.values()].map(
    ({ kind, principal, role, standing, elevated, elevations }): PrivilegeRow => {
      const forGood = union(standing)
      return {
        kind,
        principal,
        role,
        standing: length(forGood),
        // What is held anyway is not held twice.
        elevated: length(union([...standing, ...elevated])) - length(forGood),
        before: window,
        elevations,
      }
    },
  )
  const sum = (of: (row: PrivilegeRow) => number) => rows.reduce((total, row) => total + of(row), 0)
  const [before, standing, elevated] = [
    sum((row) => row.before),
    sum((row) => row.standing),
    sum((row) => row.elevated),
  ]
  const after = standing + elevated
  return {
    from,
    to,
    before,
    after,
    standing,
    elevated,
    reduction: before === 0 ? 0 : 1 - after / before,
    rows,
  }
}

function union(spans: readonly Span[]): Span[] {
  const merged: [number, number][] = []
  for (const [start, end] of [...spans].sort((a, b) => a[0] - b[0])) {
    const last = merged.at(-1)
    if (last !== undefined && start <= last[1]) last[1] = Math.max(last[1], end)
    else merged.push([start, end])
  }
  return merged
}

function length(spans: readonly Span[]): number {
  return spans.reduce((total, [start, end]) => total + (end - start), 0) / HOUR
}
