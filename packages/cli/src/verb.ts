/**
 * Runs a verb and turns whatever it throws into one line and an exit code: 1 for a refusal or failure, 2 for a
 * request that made no sense.
 * @module
 */

import { readConfig, toSafeconductError } from '@safeconduct/protocol'
import type { Command } from 'commander'
import { type VerbContext, verbContext } from './context.ts'
import { plain, printable } from './output.ts'

/** Wraps an action; the context comes first, then what commander gives. */
export type Verb = <A extends unknown[]>(
  work: (context: VerbContext, ...args: A) => Promise<void>,
) => (...args: A) => Promise<void>

export function createVerb(program: Command): Verb {
  return (work) =>
    async (...args) => {
      const options = program.opts<{ data?: string; json?: boolean }>()
      const json = options.json === true
      try {
        const data = options.data ?? readConfig(process.env).SAFECONDUCT_DATA
        await work(verbContext({ data, json }), ...args)
      } catch (error) {
        fail(error, json)
      }
    }
}

const USAGE = new Set(['invalid_request', 'invalid_params', 'invalid_json'])

export function fail(thrown: unknown, json: boolean): void {
  const error = toSafeconductError(thrown)
  if (json) process.stdout.write(`${printable(JSON.stringify(error.toJSON()))}\n`)
  else process.stderr.write(`safeconduct: ${plain(error.message)} (${error.code})\n`)
  if (error.code === 'internal' && process.env.SAFECONDUCT_LOG_LEVEL === 'debug') console.error(error.cause)
  process.exitCode = USAGE.has(error.code) ? 2 : 1
}
