/**
 * A query to a model as the detector keeps it: at most 196 of its numbers, each as one printable character, so that a few
 * hundred of them stay small and are plain JSON. Coordinates are taken, not averaged: a perturbation of every coordinate
 * by the same amount stays one. The range is that of the middle of the numbers, so one huge number hides nothing.
 * @module
 */
import type { JsonValue } from '@safeconduct/protocol'

export interface Folded {
  /** Numbers before folding. */
  readonly size: number
  readonly low: number
  readonly step: number
  readonly levels: string
}

export const FOLDED_SIZE = 196
/** A shorter list of numbers is an argument, not a query to a model. */
export const LEAST_SIZE = 16
/** Numbers that are looked at; what is behind them is not. */
const MAX_SIZE = 16_384
const FIRST = 35
/** Without the backslash, which JSON would write as two. */
const ALPHABET = Array.from({ length: 92 }, (_, i) => FIRST + i).filter((code) => code !== 92)
const LEVELS = ALPHABET.length - 1
const LEVEL_OF = Uint8Array.from({ length: 128 }, (_, code) => Math.max(0, ALPHABET.indexOf(code)))
/** Share at either end that the range leaves out. */
const TAIL = 0.02

/** @returns null for fewer than 16 numbers */
export function foldVector(values: readonly number[]): Folded | null {
  const size = Math.min(values.length, MAX_SIZE)
  if (size < LEAST_SIZE) return null
  const taken = coordinates(size).map((i) => finite(values[i]))
  const sorted = taken.toSorted((a, b) => a - b)
  const cut = Math.max(1, Math.floor(sorted.length * TAIL))
  let [low, high] = [sorted[cut] ?? 0, sorted.at(-1 - cut) ?? 0]
  if (low === high) [low, high] = [sorted[0] ?? 0, sorted.at(-1) ?? 0]
  low = short(low)
  const step = high > low ? short((high - low) / LEVELS) : 0
  const levels = taken.map((value) =>
    step === 0 ? 0 : Math.round(Math.min(Math.max((value - low) / step, 0), LEVELS)),
  )
  return { size, low, step, levels: String.fromCharCode(...levels.map((level) => ALPHABET[level] ?? FIRST)) }
}

export function unfold({ low, step, levels }: Folded): Float64Array {
  const values = new Float64Array(levels.length)
  for (let i = 0; i < levels.length; i++) values[i] = low + step * (LEVEL_OF[levels.charCodeAt(i)] ?? 0)
  return values
}

/** Squared; looked at no further than `enough`, and then any number above it. */
export function distanceTo(values: Float64Array, { low, step, levels }: Folded, enough: number): number {
  let sum = 0
  for (let i = 0; i < levels.length; ) {
    const end = Math.min(i + 28, levels.length)
    for (; i < end; i++) {
      const difference = (values[i] ?? 0) - low - step * (LEVEL_OF[levels.charCodeAt(i)] ?? 0)
      sum += difference * difference
    }
    if (sum > enough) return sum
  }
  return sum
}

/**
 * The longest list of numbers among arguments, looked for a few levels deep and in no more than some hundred places; a
 * list of lists of numbers is one list.
 */
export function vectorIn(args: JsonValue): number[] | null {
  let longest: number[] | null = null
  let level: JsonValue[] = [args]
  let places = 0
  for (let depth = 0; depth < DEPTH && level.length > 0; depth++) {
    const below: JsonValue[] = []
    for (const value of level) {
      if (value === null || typeof value !== 'object' || places++ >= PLACES) continue
      const flat = Array.isArray(value) ? numbersOf(value) : null
      if (flat !== null) {
        if (flat.length >= LEAST_SIZE && flat.length > (longest?.length ?? 0)) longest = flat
      } else for (const key of firstKeys(value)) below.push((value as Record<string, JsonValue>)[key] ?? null)
    }
    level = below
  }
  return longest
}

const DEPTH = 5
const PLACES = 256

function firstKeys(value: object): string[] {
  const keys: string[] = []
  for (const key in value) {
    if (keys.length >= PLACES) break
    if (Object.hasOwn(value, key)) keys.push(key)
  }
  return keys
}

/** A list of numbers, or of lists of numbers (an image); null for anything else. */
function numbersOf(items: readonly JsonValue[]): number[] | null {
  const found: number[] = []
  for (const item of items) {
    if (found.length >= MAX_SIZE) break
    if (typeof item === 'number') found.push(item)
    else if (Array.isArray(item) && item.every((each) => typeof each === 'number'))
      found.push(...item.slice(0, MAX_SIZE))
    else return null
  }
  return found
}

/** The same ones for all vectors of a size, spread over it by a fixed multiplicative order. */
function coordinates(size: number): number[] {
  if (size <= FOLDED_SIZE) return Array.from({ length: size }, (_, i) => i)
  const picked = new Set<number>()
  for (let i = 0; picked.size < FOLDED_SIZE; i++)
    picked.add(Math.floor(((i * 0.6180339887498949) % 1) * size))
  return [...picked].sort((a, b) => a - b)
}

/** As many digits as are worth keeping. */
function short(value: number): number {
  return Number(value.toPrecision(6))
}

/** Larger numbers could overflow in a square. */
const LARGEST = 1e100

function finite(value: number | undefined): number {
  if (value === undefined || Number.isNaN(value)) return 0
  return Math.min(Math.max(value, -LARGEST), LARGEST)
}
