/**
 * What a pointer's movement says about the hand that moves it, as observations: a number of a table, and of a bin in it.
 * Tables of single events (steps, speeds, turns, clicks) and of strokes: movements between pauses and clicks. Streams:
 * looks at one event at a time and keeps the present stroke only.
 *
 * Features: Gamboa, Fred, "A behavioral biometric system based on human-computer interaction", SPIE 5404, 2004; Antal,
 * Egyed-Zsigmond, "Intrusion detection using mouse dynamics", IET Biometrics 8, 2019 (actions, Balabit data).
 * @module
 */
import { clip } from '../detector.ts'
import { logBin, strokeObservations } from './stroke.ts'

export interface PointerEvent {
  /** Milliseconds on any clock. */
  readonly at: number
  /** Pixels. */
  readonly x: number
  readonly y: number
  /** 0 none, 1 left, 2 right, 3 wheel, 4 another. */
  readonly button: number
  /** 0 moved, 1 pressed, 2 released, 3 dragged, 4 scrolled down, 5 scrolled up. */
  readonly state: number
}

/** Name and number of bins. The order is that of the calibration's weights. */
export const TABLES = [
  ['pause between events', 64],
  ['step', 256],
  ['direction', 33],
  ['speed and interval', 600],
  ['turn and step', 360],
  ['change of speed', 400],
  ['change of interval', 1120],
  ['place on the screen', 256],
  ['length of a click', 74],
  ['time between clicks', 48],
  ['kinds of events', 900],
  ['straightness', 17],
  ['when a stroke is fastest', 12],
  ['pause before a stroke', 58],
  ['where a stroke ends, across', 32],
  ['where a stroke ends, down', 32],
  ['unevenness of intervals', 27],
  ['distance of a stroke', 26],
  ['stroke ends in a click', 2],
  ['deviation from straight', 26],
  ['side of the deviation', 25],
  ['turning of a stroke', 30],
  ['sharpest turn', 16],
  ['direction of a stroke', 24],
  ['duration of a stroke', 32],
  ['speed at the end', 38],
  ['speed at the start', 38],
  ['jerk', 40],
] as const

const FIRST_OF_STROKE = 11
/** Positions beyond this many pixels are sentinels of the recorder, not places. */
const SCREEN = 4000
const STROKE_PAUSE_MS = 500
const STROKE_LEAST = 5
const STROKE_EVENTS = 2048

export type Observe = (table: number, bin: number) => void

export interface Pointer {
  last: PointerEvent | null
  /** Of the last event, when it was a movement shortly after another event. */
  motion: { readonly dt: number; readonly speed: number; readonly angle: number } | null
  pressedAt: number | null
  clickedAt: number | null
  pause: number
  stroke: PointerEvent[]
}

export function startPointer(): Pointer {
  return { last: null, motion: null, pressedAt: null, clickedAt: null, pause: 0, stroke: [] }
}

export function watch(pointer: Pointer, event: PointerEvent, observe: Observe): void {
  if (!(Math.abs(event.x) < SCREEN && Math.abs(event.y) < SCREEN)) return
  const { last } = pointer
  const dt = last === null ? 0 : event.at - last.at
  const click = event.state === 1 || event.state === 2
  if (last === null) pointer.stroke.push(event)
  else {
    single(pointer, last, event, dt, observe)
    if (dt > STROKE_PAUSE_MS || click) {
      endStroke(pointer, click, observe)
      pointer.pause = dt
      pointer.stroke = [event]
    } else if (pointer.stroke.length < STROKE_EVENTS) pointer.stroke.push(event)
  }
  pointer.last = event
}

/** Call once when a recording ends. */
export function endStroke(pointer: Pointer, click: boolean, observe: Observe): void {
  if (pointer.stroke.length >= STROKE_LEAST)
    strokeObservations(pointer.stroke, pointer.pause, click, (table, bin) =>
      observe(FIRST_OF_STROKE + table, bin),
    )
  pointer.stroke = []
}

function single(
  pointer: Pointer,
  last: PointerEvent,
  event: PointerEvent,
  dt: number,
  observe: Observe,
): void {
  observe(0, logBin(Math.min(dt, 60_000), 4))
  observe(10, kindOf(last) * 30 + kindOf(event))
  if (event.state === 1) {
    if (pointer.clickedAt !== null) observe(9, logBin(Math.min(event.at - pointer.clickedAt, 60_000), 3))
    pointer.clickedAt = event.at
    pointer.pressedAt = event.at
  } else if (event.state === 2 && pointer.pressedAt !== null) {
    observe(8, logBin(Math.min(event.at - pointer.pressedAt, 5000), 6))
    pointer.pressedAt = null
  }
  const moved = event.state === 0 || event.state === 3
  const before = pointer.motion
  pointer.motion = null
  if (!moved || dt > STROKE_PAUSE_MS) return
  const dx = event.x - last.x
  const dy = event.y - last.y
  const distance = Math.hypot(dx, dy)
  const speed = distance / Math.max(dt, 1)
  const angle = Math.atan2(dy, dx)
  pointer.motion = { dt, speed, angle }
  observe(1, Math.min(Math.abs(dx) | 0, 15) * 16 + Math.min(Math.abs(dy) | 0, 15))
  observe(2, distance > 0 ? Math.floor(((angle + Math.PI) / (2 * Math.PI)) * 32) % 32 : 32)
  observe(3, logBin(speed * 100, 1.5) * 20 + logBin(dt, 2))
  observe(7, clip(Math.floor(event.x / 160), 0, 15) * 16 + clip(Math.floor(event.y / 120), 0, 15))
  if (before === null) return
  const apart = Math.abs(angle - before.angle)
  const turn = Math.min(apart, 2 * Math.PI - apart)
  observe(4, Math.floor((turn / Math.PI) * 11.99) * 30 + logBin(distance, 2))
  observe(5, logBin(before.speed * 100, 1) * 20 + logBin(speed * 100, 1))
  observe(6, logBin(before.dt, 3) * 40 + logBin(dt, 3))
}

function kindOf({ button, state }: PointerEvent): number {
  return clip(button, 0, 4) * 6 + clip(state, 0, 5)
}
