/**
 * Closing in the opposite order of opening.
 * @module
 */

export type Undo = () => Promise<void> | void

/**
 * A function that runs every step once, the last one added first, and goes on when one fails: a ledger that cannot
 * be closed must not keep the lock of the data directory. Whoever calls it again waits for the same end.
 * @throws what failed first, when everything has been tried
 */
export function unwinding(steps: readonly Undo[]): () => Promise<void> {
  let ending: Promise<void> | null = null
  const unwind = async () => {
    const failures: unknown[] = []
    for (const step of steps.toReversed()) {
      try {
        await step()
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw failures[0]
  }
  return () => {
    ending ??= unwind()
    return ending
  }
}
