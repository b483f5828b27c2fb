/**
 * Work that one trace may do, counted in characters compared. A count and no clock: the same call on the same state takes
 * the same path everywhere. Must hold: whoever runs out of it says so, and the call is doubted for its size.
 * @module
 */
export interface Effort {
  left: number
}

/** Of each of the three searches of a trace: for origins, for disputes, for private data that goes out. */
export const EFFORT = 24_000_000

export function effortOf(left: number = EFFORT): Effort {
  return { left }
}

/** Takes so many characters; false when there are not as many left. */
export function spend(effort: Effort, characters: number): boolean {
  effort.left -= characters
  return effort.left >= 0
}
