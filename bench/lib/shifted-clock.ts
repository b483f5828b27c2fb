/**
 * A day in seconds: the wall clock of this process, moved forward on demand. For benches only, whose processes do
 * nothing else; time never goes back, and runs on between two moves.
 * @module
 */

export interface ShiftedClock {
  advance(ms: number): void
  /** Milliseconds beyond the wall clock. */
  readonly ahead: number
}

/** To be called once, before anything reads the clock. */
export function shiftClock(): ShiftedClock {
  const real = Date.now.bind(Date)
  let ahead = 0
  Date.now = () => real() + ahead
  return {
    advance(ms) {
      if (ms > 0) ahead += ms
    },
    get ahead() {
      return ahead
    },
  }
}

/** Mulberry32: the same sequence for the same seed, everywhere. */
export function random(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
