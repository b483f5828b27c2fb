/**
 * Starts the command line as a person would, on data of its own, and stops what it started.
 * @module
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'

export const ROOT = path.resolve(import.meta.dirname, '../..')
export const MAIN = path.join(ROOT, 'packages/cli/src/main.ts')

export interface Result {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

export interface Place {
  readonly data: string
  readonly folder: string
  /** Runs a verb to its end. */
  run(...args: string[]): Promise<Result>
  /** The same with `--json`, parsed. */
  json<T>(...args: string[]): Promise<T>
  /** Starts `up` and waits until it listens. */
  up(...args: string[]): Promise<Up>
  /** Ends every daemon that was started here and removes the data. */
  remove(): Promise<void>
}

export interface Up {
  readonly url: string
  readonly signIn: string
  readonly child: ChildProcess
  /** The exit code, when it has ended. */
  readonly ended: Promise<number | null>
  /** Resolves with the exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>
}

/** What is asked for until it comes; at last it fails, so that a test that went wrong ends. */
export async function until<T>(what: string, ask: () => Promise<T | undefined>): Promise<T> {
  for (let turn = 0; turn < 600; turn++) {
    const found = await ask()
    if (found !== undefined) return found
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`It did not come: ${what}`)
}

export interface Waiting {
  readonly id: string
  readonly summary: string
}

/** The change that waits for the owner. */
export function waitingRequest(owner: { get<T>(path: string): Promise<T> }): Promise<Waiting> {
  return until('a question to the owner', async () => {
    const { requests } = await owner.get<{ requests: Waiting[] }>('/api/v1/owner-requests')
    return requests[0]
  })
}

/** `settings` are `SAFECONDUCT_*` of everything that is started here. */
export function place(settings: Readonly<Record<string, string>> = {}): Place {
  const folder = mkdtempSync(path.join(tmpdir(), 'sc-'))
  const data = path.join(folder, 'd')
  const ups: Up[] = []
  /** Verbs that have not ended: after a failed test one may still wait for the owner. */
  const running = new Set<ChildProcess>()
  const start = (args: readonly string[]) => {
    const env = { PATH: process.env.PATH, HOME: folder, ...settings }
    return spawn(process.execPath, ['--conditions=safeconduct-src', MAIN, '--data', data, ...args], {
      cwd: folder,
      env,
    })
  }
  const run = async (...args: string[]): Promise<Result> => {
    const child = start(args)
    running.add(child)
    child.stdin.end()
    const exit = new Promise<number | null>((resolve) => child.on('close', resolve))
    void exit.then(() => running.delete(child))
    const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)])
    return { code: await exit, out, err }
  }
  return {
    data,
    folder,
    run,
    async json(...args) {
      const { out, err } = await run('--json', ...args)
      if (out === '') throw new Error(`No answer: ${err}`)
      return JSON.parse(out)
    },
    async up(...args) {
      const child = start(['--json', 'up', '--port', '0', ...args])
      child.stderr.pipe(process.stderr)
      const ended = new Promise<number | null>((resolve) => child.on('exit', resolve))
      const line = await new Promise<string>((resolve, reject) => {
        child.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString()))
        child.once('exit', (code) => reject(new Error(`up ended with ${code}`)))
      }).catch((error: unknown) => {
        child.kill('SIGKILL')
        throw error
      })
      const up: Up = {
        ...JSON.parse(line),
        child,
        ended,
        stop: (signal = 'SIGTERM') => {
          child.kill(signal)
          return ended
        },
      }
      ups.push(up)
      return up
    },
    async remove() {
      for (const child of running) child.kill('SIGKILL')
      for (const up of ups) if (up.child.exitCode === null && up.child.signalCode === null) await up.stop()
      // One that a verb started in the background is a child of nobody here.
      if (existsSync(path.join(data, 'control.sock'))) await run('down')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
