/**
 * How many different things there were, in a fixed number of small numbers: HyperLogLog with its correction for few
 * (Flajolet, Fusy, Gandouet, Meunier, "HyperLogLog", 2007, § 4). The same things in any order and number give the same
 * sketch, so it survives a snapshot bit for bit; about one in eleven off at 128 registers.
 * @module
 */

export interface Distinct {
  /** A register each: the longest run of leading zeros, plus one, among what fell into it. */
  readonly ranks: number[]
  /** Of 2 to the minus rank, exact: every term is a multiple of 2⁻²⁶. */
  sum: number
  empty: number
}

const REGISTERS = 128
const INDEX_BITS = 7
const ALPHA = 0.7213 / (1 + 1.079 / REGISTERS)

export function emptyDistinct(): Distinct {
  return { ranks: new Array<number>(REGISTERS).fill(0), sum: REGISTERS, empty: REGISTERS }
}

/** Changes the sketch in place. @param thing 32 evenly spread bits */
export function add(distinct: Distinct, thing: number): void {
  const index = indexOf(thing)
  const rank = rankOf(thing)
  const before = distinct.ranks[index] ?? 0
  if (rank <= before) return
  distinct.ranks[index] = rank
  distinct.sum += 2 ** -rank - 2 ** -before
  if (before === 0) distinct.empty--
}

/** How many there were, with these beside them. */
export function estimate(distinct: Distinct, more: readonly number[] = []): number {
  let { sum, empty } = distinct
  let raised: Map<number, number> | null = null
  for (const thing of more) {
    const index = indexOf(thing)
    const rank = rankOf(thing)
    const before = raised?.get(index) ?? distinct.ranks[index] ?? 0
    if (rank <= before) continue
    if (more.length > 1) {
      raised ??= new Map()
      raised.set(index, rank)
    }
    sum += 2 ** -rank - 2 ** -before
    if (before === 0) empty--
  }
  const raw = (ALPHA * REGISTERS * REGISTERS) / sum
  return raw <= 2.5 * REGISTERS && empty > 0 ? REGISTERS * Math.log(REGISTERS / empty) : raw
}

/** So many of the things, in their order, that a sketch of all of them would be nearest to a sketch of those alone. */
export function tellingMost(things: readonly number[], most: number): number[] {
  if (things.length <= most) return [...things]
  const first = new Map<number, number>()
  for (const thing of things) {
    const known = first.get(indexOf(thing))
    if (known === undefined || rankOf(thing) > rankOf(known)) first.set(indexOf(thing), thing)
  }
  const kept = new Set([...first.values()].sort((a, b) => rankOf(b) - rankOf(a)).slice(0, most))
  return things.filter((thing) => kept.has(thing))
}

function indexOf(thing: number): number {
  return thing >>> (32 - INDEX_BITS)
}

function rankOf(thing: number): number {
  return Math.min(32 - INDEX_BITS, Math.clz32(thing << INDEX_BITS)) + 1
}
