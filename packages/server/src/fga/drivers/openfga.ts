/**
 * A server of OpenFGA, by its HTTP interface. Asked for its freshest answer: a cached one could be from before a
 * revocation.
 * @module
 */
import { SafeconductError } from '@safeconduct/protocol'
import type { RelationDriver } from './driver.ts'
import { exchange, inParts, member, type Remote } from './http.ts'

/** What OpenFGA takes of one request unless it is told otherwise. */
const BATCH = 50
const WRITE = 100
const FRESH = 'HIGHER_CONSISTENCY'

/** `store` and `model` are ULIDs; without a model, its newest. */
export function createOpenFgaDriver(
  options: Remote & { readonly store: string; readonly model?: string },
): RelationDriver {
  const base = `/stores/${encodeURIComponent(options.store)}`
  const model = options.model === undefined ? {} : { authorization_model_id: options.model }
  return {
    async check(questions) {
      const answers: (boolean | null)[] = []
      for (const part of inParts(questions, BATCH)) {
        const checks = part.map(({ user, relation, object }, at) => ({
          tuple_key: { user, relation, object },
          correlation_id: String(at),
        }))
        const { status, values } = await exchange(options, `${base}/batch-check`, {
          ...model,
          checks,
          consistency: FRESH,
        })
        const result = member(values[0], 'result')
        for (let at = 0; at < part.length; at++) {
          const { allowed, error } = member(result, String(at))
          // OpenFGA leaves out what is false; an error is neither.
          if (status !== 200 || error !== undefined || !Object.hasOwn(result, String(at))) answers.push(null)
          else answers.push(allowed === true)
        }
      }
      return answers
    },
    async *listObjects({ user, relation, type }) {
      const body = { ...model, user, relation, type, consistency: FRESH }
      const { status, values } = await exchange(options, `${base}/streamed-list-objects`, body)
      if (status !== 200) throw refused(values[0]?.message)
      for (const value of values) {
        const { object } = member(value, 'result')
        if (typeof object !== 'string') throw refused(member(value, 'error').message)
        yield object
      }
    },
    async write(writes, deletes) {
      if (writes.length + deletes.length > WRITE)
        throw new SafeconductError('invalid_params', { message: `A write has at most ${WRITE} relations.` })
      const keys = (all: typeof writes) =>
        all.map(({ user, relation, object }) => ({ user, relation, object }))
      const { status, values } = await exchange(options, `${base}/write`, {
        ...model,
        ...(writes.length === 0 ? {} : { writes: { tuple_keys: keys(writes) } }),
        ...(deletes.length === 0 ? {} : { deletes: { tuple_keys: keys(deletes) } }),
      })
      if (status === 200) return
      if (values[0]?.code === 'write_failed_due_to_invalid_input') throw new SafeconductError('conflict')
      throw refused(values[0]?.message)
    },
  }
}

function refused(message: unknown): SafeconductError {
  return new SafeconductError('invalid_params', {
    message: 'The relations server refused the question.',
    cause: new Error(String(message)),
  })
}
