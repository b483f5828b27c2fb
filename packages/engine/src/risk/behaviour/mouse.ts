/**
 * Who is holding the mouse: sum over tables of weighed mean log-likelihood ratios, peers against owner (naive Bayes with
 * shrinkage), each contribution clipped. The weights and the level are learned from recordings that were left out of the
 * tables they are scored by, never from what is being judged (stacked generalisation with non-negative weights: Wolpert
 * 1992, Breiman 1996); so tables that say the same, or nothing, do not count twice. A generalised additive model: its
 * terms are the explanation. Bits below 0 speak for the owner.
 * @module
 */
import { clip } from '../detector.ts'
import { endStroke, type PointerEvent, startPointer, TABLES, watch } from './pointer.ts'
import { type Score, strongest } from './terms.ts'

/** Counts by table and bin. */
export type Histograms = number[][]

/** A recording of one person, whole or a piece, as counts. */
export interface MouseRecording {
  readonly whole: Histograms
  /** The same in pieces about as long as what will be judged, for calibration. */
  readonly pieces: readonly Histograms[]
}

export interface MouseModel {
  /** Bits by table and bin, peers against owner. */
  readonly ratios: Histograms
  /** By table, at least 0. */
  readonly weights: readonly number[]
  readonly level: number
}

/** Imagined observations that tie both sides of a table together. */
const SHRINK = 50
const CLIP = 3 * Math.LOG2E
/** Imagined observations of no weight in what is judged: a table seen little says little. */
const DOUBT = 5
const PIECES = 12
const TRAINING = { rounds: 200, rate: 0.5, levelRate: 5, ridge: 0.1 } as const

export function emptyHistograms(): Histograms {
  return TABLES.map(([, bins]) => new Array<number>(bins).fill(0))
}

export function countEvents(events: readonly PointerEvent[]): Histograms {
  const counts = emptyHistograms()
  const pointer = startPointer()
  const observe = (table: number, bin: number): void => {
    const row = counts[table]
    if (row === undefined) return
    const held = clip(bin, 0, row.length - 1)
    row[held] = (row[held] ?? 0) + 1
  }
  for (const event of events) watch(pointer, event, observe)
  endStroke(pointer, false, observe)
  return counts
}

/** @param length events of what will be judged, about */
export function recordMouse(events: readonly PointerEvent[], length: number): MouseRecording {
  const n = clip(Math.floor(events.length / length), 1, PIECES)
  const size = Math.floor(events.length / n)
  const pieces = Array.from({ length: n }, (_, i) => countEvents(events.slice(i * size, (i + 1) * size)))
  return { whole: countEvents(events), pieces }
}

/** @param peers recordings by person, without the owner */
export function trainMouse(
  own: readonly MouseRecording[],
  peers: readonly (readonly MouseRecording[])[],
): MouseModel {
  const rows: { readonly x: readonly number[]; readonly foreign: boolean }[] = []
  for (const left of own) {
    const ratios = ratiosOf(
      own.filter((other) => other !== left),
      peers,
    )
    for (const piece of left.pieces) rows.push({ x: meansOf(ratios, piece), foreign: false })
  }
  for (const person of peers)
    for (const left of person) {
      const ratios = ratiosOf(
        own,
        peers.map((others) => others.filter((other) => other !== left)),
      )
      for (const piece of left.pieces) rows.push({ x: meansOf(ratios, piece), foreign: true })
    }
  return { ratios: ratiosOf(own, peers), ...calibrate(rows) }
}

export function scoreMouse(model: MouseModel, counts: Histograms, terms = 5): Score {
  const parts = meansOf(model.ratios, counts).map((mean, table): [string, number] => [
    TABLES[table]?.[0] ?? `table ${table}`,
    mean * (model.weights[table] ?? 0) * Math.LOG2E,
  ])
  let bits = model.level * Math.LOG2E
  for (const [, part] of parts) bits += part
  return { bits, terms: terms === 0 ? [] : strongest(parts, terms) }
}

function ratiosOf(own: readonly MouseRecording[], peers: readonly (readonly MouseRecording[])[]): Histograms {
  const people = peers.filter((person) => person.length > 0)
  return TABLES.map(([, bins], table) => {
    const mine = sumOf(own, table, bins)
    const theirs = new Array<number>(bins).fill(0)
    let seen = 0
    // Everybody counts the same, however long they were recorded.
    for (const person of people) {
      const counts = sumOf(person, table, bins)
      const total = totalOf(counts)
      seen += total
      counts.forEach((value, bin) => {
        theirs[bin] = (theirs[bin] ?? 0) + value / Math.max(total, 1) / people.length
      })
    }
    const all = totalOf(mine)
    return theirs.map((share, bin) => {
      const count = mine[bin] ?? 0
      const prior = ((share + count / Math.max(all, 1)) / 2 + 1e-4) / (1 + 1e-4 * bins)
      const other = (share * seen + SHRINK * prior) / (seen + SHRINK)
      return clip(Math.log2(other / ((count + SHRINK * prior) / (all + SHRINK))), -CLIP, CLIP)
    })
  })
}

function meansOf(ratios: Histograms, counts: Histograms): number[] {
  return ratios.map((row, table) => {
    let sum = 0
    let n = 0
    counts[table]?.forEach((count, bin) => {
      if (count === 0) return
      sum += count * (row[bin] ?? 0)
      n += count
    })
    return sum / (n + DOUBT)
  })
}

/** Logistic regression with weights of at least 0, both sides counting the same; deterministic. */
function calibrate(
  rows: readonly { readonly x: readonly number[]; readonly foreign: boolean }[],
): Pick<MouseModel, 'weights' | 'level'> {
  const foreign = rows.filter((row) => row.foreign).length
  const scales = TABLES.map((_, table) => deviationOf(rows.map(({ x }) => x[table] ?? 0)) + 1e-9)
  const inputs = rows.map((row) => ({
    z: row.x.map((value, table) => value / (scales[table] ?? 1)),
    target: row.foreign ? 1 : 0,
    share: 0.5 / Math.max(row.foreign ? foreign : rows.length - foreign, 1),
  }))
  const weights = TABLES.map(() => 0)
  let level = 0
  for (let round = 0; round < TRAINING.rounds; round++) {
    const gradient = TABLES.map((_, table) => TRAINING.ridge * (weights[table] ?? 0))
    let slope = 0
    for (const { z, target, share } of inputs) {
      let sum = level
      z.forEach((value, table) => {
        sum += value * (weights[table] ?? 0)
      })
      const error = share * (1 / (1 + Math.exp(-sum)) - target)
      z.forEach((value, table) => {
        gradient[table] = (gradient[table] ?? 0) + error * value
      })
      slope += error
    }
    gradient.forEach((value, table) => {
      weights[table] = Math.max(0, (weights[table] ?? 0) - TRAINING.rate * value)
    })
    level -= TRAINING.rate * TRAINING.levelRate * slope
  }
  return { weights: weights.map((weight, table) => weight / (scales[table] ?? 1)), level }
}

function sumOf(recordings: readonly MouseRecording[], table: number, bins: number): number[] {
  const sum = new Array<number>(bins).fill(0)
  for (const { whole } of recordings)
    whole[table]?.forEach((value, bin) => {
      sum[bin] = (sum[bin] ?? 0) + value
    })
  return sum
}

function totalOf(values: readonly number[]): number {
  let sum = 0
  for (const value of values) sum += value
  return sum
}

function deviationOf(values: readonly number[]): number {
  const mean = totalOf(values) / Math.max(values.length, 1)
  return Math.sqrt(totalOf(values.map((value) => (value - mean) ** 2)) / Math.max(values.length, 1))
}
