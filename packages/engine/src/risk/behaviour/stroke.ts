/**
 * Tables of one stroke: a movement between pauses and clicks. Reads only; bins are those of `pointer.ts` from its
 * first table of strokes on.
 * @module
 */
import { clip } from '../detector.ts'
import type { Observe, PointerEvent } from './pointer.ts'

interface Shape {
  readonly length: number
  readonly speeds: readonly number[]
  readonly intervals: readonly number[]
  readonly jerk: number
  readonly turning: number
  readonly sharpest: number
}

/** @param events at least 2 */
export function strokeObservations(
  events: readonly PointerEvent[],
  pause: number,
  click: boolean,
  observe: Observe,
): void {
  const first = events[0]
  const last = events.at(-1)
  if (first === undefined || last === undefined) return
  const { length, speeds, intervals, jerk, turning, sharpest } = shapeOf(events)
  const distance = Math.hypot(last.x - first.x, last.y - first.y)
  const deviation = farthest(events, first, last, distance)
  const quarter = Math.max(1, Math.floor(speeds.length / 4))
  const angle = Math.atan2(last.y - first.y, last.x - first.x)
  const values = [
    Math.floor((distance / (length + 1)) * 16),
    Math.floor((speeds.indexOf(Math.max(...speeds)) / speeds.length) * 12),
    logBin(Math.min(pause, 600_000), 3),
    Math.floor(last.x / 80),
    Math.floor(last.y / 60),
    logBin(deviationOf(intervals), 3),
    logBin(distance, 2),
    click ? 1 : 0,
    logBin(Math.abs(deviation), 2),
    Math.floor((clip(deviation / (distance + 10), -2, 2) + 2) * 6),
    logBin(turning * 8, 2),
    Math.floor((sharpest / Math.PI) * 15.99),
    Math.floor(((angle + Math.PI) / (2 * Math.PI)) * 24) % 24,
    logBin(last.at - first.at, 2),
    logBin(mean(speeds.slice(-quarter)) * 100, 2),
    logBin(mean(speeds.slice(0, quarter)) * 100, 2),
    logBin(jerk * 1e4, 1.5),
  ]
  values.forEach((value, table) => {
    observe(table, value)
  })
}

/** Logarithmic bins, `each` to a doubling. */
export function logBin(value: number, each: number): number {
  return Math.floor(Math.log2(Math.max(value, 0) + 1) * each)
}

function shapeOf(events: readonly PointerEvent[]): Shape {
  const speeds: number[] = []
  const intervals: number[] = []
  let length = 0
  let turning = 0
  let sharpest = 0
  let jerk = 0
  let angle: number | null = null
  let acceleration: number | null = null
  let jerks = 0
  for (let i = 1; i < events.length; i++) {
    const from = events[i - 1]
    const to = events[i]
    if (from === undefined || to === undefined) break
    const dt = Math.max(to.at - from.at, 1)
    const [dx, dy] = [to.x - from.x, to.y - from.y]
    const way = Math.hypot(dx, dy)
    length += way
    const before = speeds.at(-1)
    speeds.push(way / dt)
    intervals.push(dt)
    if (before !== undefined) {
      const now = (way / dt - before) / dt
      if (acceleration !== null) {
        jerk += Math.abs((now - acceleration) / dt)
        jerks++
      }
      acceleration = now
    }
    if (way > 0) {
      const direction = Math.atan2(dy, dx)
      if (angle !== null) {
        const apart = Math.abs(direction - angle)
        const turn = Math.min(apart, 2 * Math.PI - apart)
        turning += turn
        sharpest = Math.max(sharpest, turn)
      }
      angle = direction
    }
  }
  return { length, speeds, intervals, jerk: jerks === 0 ? 0 : jerk / jerks, turning, sharpest }
}

/** Signed distance of the event that lies farthest from the straight line; of the first one when the ends coincide. */
function farthest(
  events: readonly PointerEvent[],
  first: PointerEvent,
  last: PointerEvent,
  distance: number,
): number {
  const [ux, uy] = [(last.x - first.x) / (distance + 1e-9), (last.y - first.y) / (distance + 1e-9)]
  let found = 0
  for (const { x, y } of events) {
    const off = (x - first.x) * uy - (y - first.y) * ux
    if (Math.abs(off) > Math.abs(found)) found = off
  }
  return found
}

function mean(values: readonly number[]): number {
  let sum = 0
  for (const value of values) sum += value
  return values.length === 0 ? 0 : sum / values.length
}

function deviationOf(values: readonly number[]): number {
  const centre = mean(values)
  return Math.sqrt(mean(values.map((value) => (value - centre) ** 2)))
}
