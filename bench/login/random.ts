/**
 * Random numbers that a seed fixes (mulberry32), and the few distributions that the generators draw from.
 * @module
 */

export interface Random {
  /** 0 ≤ x < 1 */
  next(): number
  below(n: number): number
  chance(p: number): boolean
  pick<T>(items: readonly [T, ...T[]]): T
  /** Index by weights. */
  weighted(weights: readonly number[]): number
  normal(): number
  /** Events until one that has this chance, at least 1. */
  geometric(p: number): number
}

export function random(seed: number): Random {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (n: number) => Math.floor(next() * n)
  return {
    next,
    below,
    chance: (p) => next() < p,
    pick: (items) => items[below(items.length)] ?? items[0],
    weighted(weights) {
      let left = next() * weights.reduce((sum, weight) => sum + weight, 0)
      for (const [i, weight] of weights.entries()) {
        left -= weight
        if (left < 0) return i
      }
      return weights.length - 1
    },
    normal: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
    geometric: (p) => 1 + Math.floor(Math.log(1 - next()) / Math.log(1 - p)),
  }
}
