/**
 * Long work in one thread: after some milliseconds of it others get their turn.
 * @module
 */

/** Milliseconds in a row. */
const TURN = 8

export interface Pacer {
  /** Of the work itself, without what others took in between, milliseconds. */
  spent(): number
  /** To be awaited between two pieces of work; mostly goes on at once. */
  due(): Promise<void> | undefined
}

export function pacer(): Pacer {
  let before = 0
  let since = performance.now()
  return {
    spent: () => before + performance.now() - since,
    due() {
      const worked = performance.now() - since
      if (worked < TURN) return undefined
      before += worked
      return new Promise((resolve) =>
        setImmediate(() => {
          since = performance.now()
          resolve()
        }),
      )
    },
  }
}
