/**
 * The thread in which costly checks run: one job at a time, an answer or a failure for each.
 * @module
 */
import { parentPort } from 'node:worker_threads'
import { type CheckJob, failureOf, runCheck } from '@safeconduct/engine'

parentPort?.on('message', (job: CheckJob) => {
  try {
    parentPort?.postMessage({ answer: runCheck(job) })
  } catch (thrown) {
    parentPort?.postMessage({ failure: failureOf(thrown) })
  }
})
