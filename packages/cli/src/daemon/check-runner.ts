/**
 * Runs costly checks on threads of their own, one after another, each within a time limit, so that the daemon goes on
 * deciding. What the owner confirmed has a thread and a queue to itself, and what the owner is about to be asked goes before
 * what anybody else wants to know: no number of other checks keeps a policy from being changed. Owns the threads: one is
 * started for its first job, ended when it is idle for a while, when a job takes too long, and by `close`.
 * @module
 */
import path from 'node:path'
import { Worker } from 'node:worker_threads'
import { type CheckFailure, type CheckJob, type CheckRank, errorOf, type RunCheck } from '@safeconduct/engine'
import { SafeconductError } from '@safeconduct/protocol'

export interface CheckRunner {
  readonly run: RunCheck
  close(): Promise<void>
}

export interface CheckRunnerOptions {
  /** Milliseconds of one job; whoever asks on the command line waits a minute. */
  readonly limit?: number
  /** Jobs of one rank that wait or run; one more is refused as `overloaded`. */
  readonly queue?: number
  /** Milliseconds without a job after which the thread ends. */
  readonly idle?: number
}

type Answer = Awaited<ReturnType<RunCheck>>
type Said = { readonly answer: Answer } | { readonly failure: CheckFailure }

/** The same stack as ours: what is checked there has to be usable here. */
const RESOURCES = { stackSizeMb: 1, maxOldGenerationSizeMb: 512 }

/** By rank, first to last. */
const THREADS: readonly (readonly CheckRank[])[] = [['confirmed'], ['ask', 'check']]

export function createCheckRunner(options: CheckRunnerOptions = {}): CheckRunner {
  const threads = THREADS.map((ranks) => ({ ranks, thread: createThread(ranks, options) }))
  return {
    run(job, rank = 'check') {
      const found = threads.find(({ ranks }) => ranks.includes(rank))
      return found === undefined
        ? Promise.reject(new SafeconductError('internal'))
        : found.thread.run(job, rank)
    },
    async close() {
      await Promise.all(threads.map(({ thread }) => thread.close()))
    },
  }
}

interface Thread {
  run(job: CheckJob, rank: CheckRank): Promise<Answer>
  close(): Promise<void>
}

/** @param ranks those it runs; the first of them that has a job goes next */
function createThread(ranks: readonly CheckRank[], options: CheckRunnerOptions): Thread {
  const { limit = 45_000, queue = 16, idle = 60_000 } = options
  const waiting = new Map(ranks.map((rank) => [rank, [] as (() => Promise<void>)[]]))
  const open = new Map(ranks.map((rank) => [rank, 0]))
  let thread: Worker | null = null
  let working = false
  let closed = false
  let rest: NodeJS.Timeout | undefined

  function started(): Worker {
    clearTimeout(rest)
    if (thread !== null) return thread
    const file = path.join(import.meta.dirname, `check-thread${path.extname(import.meta.filename)}`)
    const made = new Worker(file, { resourceLimits: RESOURCES, stdin: false, name: 'checks' })
    made.unref()
    // An error between jobs is nobody's; one that ended by itself is not asked again.
    made.on('error', () => undefined)
    made.on('exit', () => {
      if (thread === made) thread = null
    })
    thread = made
    return made
  }

  async function end(): Promise<void> {
    clearTimeout(rest)
    const ending = thread
    thread = null
    await ending?.terminate()
  }

  function answer(job: CheckJob): Promise<Answer> {
    if (closed) return Promise.reject(new SafeconductError('shutting_down'))
    const worker = started()
    // While it works it keeps the process alive: somebody waits for it.
    worker.ref()
    return new Promise<Answer>((resolve, reject) => {
      const over = setTimeout(() => {
        done()
        void end()
        const seconds = Math.round(limit / 1000)
        const message = `The check took longer than ${seconds} s and was ended; make what is checked smaller.`
        reject(new SafeconductError('too_large', { message }))
      }, limit)
      const said = (message: Said) => {
        done()
        if ('answer' in message) resolve(message.answer)
        else reject(errorOf(message.failure))
      }
      const failed = (cause?: unknown) => {
        done()
        if (closed) return reject(new SafeconductError('shutting_down', { cause }))
        const message = 'The check could not be finished; it needs more memory or depth than it may have.'
        reject(new SafeconductError('too_large', { message, cause }))
      }
      const gone = () => failed()
      function done(): void {
        clearTimeout(over)
        worker.off('message', said)
        worker.off('error', failed)
        worker.off('exit', gone)
        worker.unref()
      }
      worker.once('message', said)
      worker.once('error', failed)
      worker.once('exit', gone)
      try {
        worker.postMessage(job)
      } catch (cause) {
        // What cannot be copied never arrives; nothing may listen for its answer.
        done()
        reject(new SafeconductError('invalid_request', { message: 'That cannot be checked.', cause }))
      }
    })
  }

  async function work(): Promise<void> {
    working = true
    for (;;) {
      const next = ranks.map((rank) => waiting.get(rank) ?? []).find((jobs) => jobs.length > 0)
      const job = next?.shift()
      if (job === undefined) break
      await job()
    }
    working = false
    if (closed) return
    rest = setTimeout(() => void end(), idle)
    rest.unref()
  }

  return {
    run(job, rank) {
      const before = open.get(rank) ?? 0
      if (before >= queue) {
        const message = 'Too many policies and models are being checked already; try again later.'
        return Promise.reject(new SafeconductError('overloaded', { message }))
      }
      open.set(rank, before + 1)
      return new Promise<Answer>((resolve, reject) => {
        waiting.get(rank)?.push(async () => {
          await answer(job).then(resolve, reject)
          open.set(rank, (open.get(rank) ?? 1) - 1)
        })
        if (!working) void work()
      })
    },
    async close() {
      closed = true
      await end()
    },
  }
}
