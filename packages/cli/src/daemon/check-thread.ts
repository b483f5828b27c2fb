/**
 * The thread in which costly checks run: one job at a time, an answer or a failure for each.
 * @module
 */
import { parentPort } from 'node:worker_threads'
import { type CheckJob, failureOf, runCheck } from '@safeconduct/engine'
import { SafeconductError } from '@safeconduct/protocol'

parentPort?.on('message', (job: CheckJob) => {
  try {
    parentPort?.postMessage({ answer: runCheck(job) })
  } catch (thrown) {
    parentPort?.postMessage({ failure: failureOf(tooDeep(thrown) ?? thrown) })
  }
})

/** The stack is as high as the daemon's: what does not fit here would not fit there. */
function tooDeep(thrown: unknown): SafeconductError | null {
  if (!(thrown instanceof RangeError)) return null
  const message = 'It is nested too deeply, or too large, to be checked.'
  return new SafeconductError('too_large', { message, cause: thrown })
}
