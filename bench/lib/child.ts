/**
 * A server under measurement in a process of its own, so that its CPU is counted apart from the client's. The child
 * calls `serveBench`, the parent `startBench`; they talk over IPC. The parent owns the child and calls `stop`.
 * @module
 */
import { fork } from 'node:child_process'
import { cpuMicros } from './stats.ts'

/** CPU of the child so far, microseconds, all threads; its own count, asked when it has nothing else to do. */
interface CpuAnswer {
  readonly cpu: number
}

type ToChild = { readonly start: unknown } | 'cpu' | 'stop'
type ToParent = { readonly ready: unknown } | { readonly failed: string } | CpuAnswer

export interface BenchProcess<Ready> {
  readonly ready: Ready
  cpu(): Promise<number>
  stop(): Promise<void>
}

const START_MS = 60_000
const STOP_MS = 15_000

/** @throws when the child fails to start or to answer in time */
export async function startBench<Ready>(module: URL, input: unknown): Promise<BenchProcess<Ready>> {
  const child = fork(module, { execArgv: process.execArgv, stdio: ['ignore', 2, 2, 'ipc'] })
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))

  function ask(message: ToChild, ms: number): Promise<ToParent> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => finish(new Error(`${module.pathname} did not answer in ${ms} ms`)), ms)
      const onMessage = (answer: ToParent) => finish(answer)
      const onExit = () => finish(new Error(`${module.pathname} ended early`))
      const finish = (outcome: ToParent | Error) => {
        clearTimeout(timer)
        child.off('message', onMessage)
        child.off('exit', onExit)
        if (outcome instanceof Error) reject(outcome)
        else resolve(outcome)
      }
      child.once('message', onMessage)
      child.once('exit', onExit)
      child.send(message)
    })
  }

  async function stop(): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.send('stop')
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
    await exited
    clearTimeout(timer)
  }

  try {
    const answer = await ask({ start: input }, START_MS)
    if (!('ready' in answer)) throw new Error('failed' in answer ? answer.failed : 'an answer out of turn')
    return {
      ready: answer.ready as Ready,
      async cpu() {
        const said = await ask('cpu', START_MS)
        if (!('cpu' in said)) throw new Error('an answer out of turn')
        return said.cpu
      },
      stop,
    }
  } catch (error) {
    child.kill('SIGKILL')
    await exited
    throw error
  }
}

/** Runs in the child: starts what is measured, answers until it is told to stop. */
export function serveBench<Input, Ready>(
  start: (input: Input) => Promise<{ readonly ready: Ready; readonly close: () => Promise<void> }>,
): void {
  const say = (message: ToParent) => process.send?.(message)
  let close: () => Promise<void> = async () => undefined
  const end = () => {
    close().then(
      () => process.exit(0),
      () => process.exit(1),
    )
  }
  process.on('disconnect', end)
  process.on('message', (message: ToChild) => {
    if (message === 'cpu') say({ cpu: cpuMicros() })
    else if (message === 'stop') end()
    else
      start(message.start as Input).then(
        (started) => {
          close = started.close
          say({ ready: started.ready })
        },
        (error: unknown) =>
          say({ failed: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
      )
  })
}
