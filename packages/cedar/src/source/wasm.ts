/**
 * The one door to cedar-wasm.
 *
 * A trap (its 1 MiB stack overflows on hostile nesting, long before JavaScript's does) leaves an instance unusable
 * for the rest of the process. So the instance is owned here and replaced when that happens; `generation` tells
 * holders of state inside it that the state is gone.
 *
 * @module
 */

import { createRequire } from 'node:module'
import type * as Wasm from '@cedar-policy/cedar-wasm/nodejs'
import { CedarError, type CedarErrorCode, type Problem } from '../errors.ts'
import { offsetOfByte, positionAt } from './position.ts'

const require = createRequire(import.meta.url)
const path = require.resolve('@cedar-policy/cedar-wasm/nodejs')

/** The only module state: a cache of a pure function library. */
const owned: { instance: typeof Wasm | undefined; generation: number } = {
  instance: undefined,
  generation: 0,
}

function instance(): typeof Wasm {
  owned.instance ??= require(path) as typeof Wasm
  return owned.instance
}

export function wasmGeneration(): number {
  return owned.generation
}

/**
 * Calls into cedar-wasm. Only plain data may leave `call`.
 *
 * `refusal` is the code for input that cedar-wasm cannot even read.
 *
 * @throws {CedarError} `limit_exceeded` when the input exhausts the library's stack or its recursion bound
 */
export function callWasm<T>(call: (wasm: typeof Wasm) => T, refusal: CedarErrorCode = 'oracle_failed'): T {
  try {
    return call(instance())
  } catch (cause) {
    const exhausted = (cause instanceof Error && cause.name === 'RuntimeError') || cause instanceof RangeError
    if (exhausted) {
      delete require.cache[path]
      owned.instance = undefined
      owned.generation++
    }
    if (exhausted || (cause instanceof Error && cause.message.includes('recursion limit'))) {
      throw new CedarError(
        'limit_exceeded',
        'too deeply nested or too long a chain for the Cedar parser',
        [],
        cause,
      )
    }
    throw new CedarError(refusal, 'cedar-wasm refused the shape of its input', [], cause)
  }
}

/** One `DetailedError` of cedar-wasm as a problem, its span moved from the part it saw into the whole text. */
export function problemFrom(
  error: Wasm.DetailedError,
  code: CedarErrorCode,
  severity: Problem['severity'],
  part: { text: string; start: number; whole: string },
  policyId?: string,
): Problem {
  const span = error.sourceLocations?.[0]
  const place = (bytes: number) => positionAt(part.whole, part.start + offsetOfByte(part.text, bytes))
  const help = [span?.label, error.help].filter((text) => typeof text === 'string').join('; ')
  return {
    code,
    severity,
    message: error.message,
    ...(help === '' ? {} : { help }),
    ...(policyId === undefined ? {} : { policyId }),
    ...(span === undefined ? {} : { start: place(span.start), end: place(span.end) }),
  }
}
