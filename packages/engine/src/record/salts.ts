/**
 * Salts of digests in entries: random, one per record, kept in the sealed attachment and nowhere else. So an erased
 * subject's arguments cannot be found by guessing, as nobody has the salt any more.
 * @module
 */
import { randomBytes } from 'node:crypto'

const BYTES = 16
/** Drawn at once: asking for sixteen bytes costs what asking for some thousand does. */
const DRAWN = 256

/** 16 bytes as hex; every call gives others. */
export function createSalts(): () => string {
  let drawn = Buffer.alloc(0)
  let at = 0
  return () => {
    if (at === drawn.length) {
      drawn = randomBytes(BYTES * DRAWN)
      at = 0
    }
    const salt = drawn.toString('hex', at, at + BYTES)
    at += BYTES
    return salt
  }
}
