/**
 * Integer literals that survive cedar-wasm.
 *
 * `policyToJson` of cedar-wasm 4.13.0 returns JavaScript numbers, so a literal beyond 2^53-1 comes back rounded and
 * `n` and `n + 1` become one. Each such literal is replaced in the text by a small integer that occurs nowhere
 * else in it, and put back when the JSON is read. A sign stays where it is, so the tree has the same shape.
 *
 * @module
 */

import { CedarError } from '../errors.ts'
import { longFrom, longFromBigInt } from '../long.ts'
import type { Value } from '../values.ts'
import type { Statement } from './scan.ts'

export interface ExactText {
  readonly text: string
  /** The integer that `value` of the JSON stands for. */
  readonly literal: (value: number) => Value
}

const firstStandIn = 2 ** 52

/** `undefined` when every literal is safe and the text may be used as it is. */
export function exactIntegers(source: string, statement: Statement): ExactText | undefined {
  const integers = statement.tokens.filter((token) => token.kind === 'integer')
  const written = new Set(integers.map((token) => BigInt(source.slice(token.start, token.end))))
  const large = [...written].filter((value) => value > BigInt(Number.MAX_SAFE_INTEGER))
  if (large.length === 0) return undefined

  const standIns = new Map<bigint, number>()
  let next = firstStandIn
  for (const value of large) {
    while (written.has(BigInt(next))) next++
    standIns.set(value, next++)
  }
  const originals = new Map([...standIns].map(([value, standIn]) => [standIn, value]))

  let text = ''
  let copied = statement.start
  for (const token of integers) {
    const standIn = standIns.get(BigInt(source.slice(token.start, token.end)))
    if (standIn === undefined) continue
    text += source.slice(copied, token.start) + standIn
    copied = token.end
  }
  return { text: text + source.slice(copied, statement.end), literal: (value) => restore(value, originals) }
}

function restore(value: number, originals: ReadonlyMap<number, bigint>): Value {
  const original = originals.get(Math.abs(value))
  if (original === undefined) return longFrom(value)
  const exact = longFromBigInt(value < 0 ? -original : original)
  if (exact === undefined) throw new CedarError('policy_syntax', 'integer literal out of range')
  return exact
}
