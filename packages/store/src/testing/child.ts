/**
 * Runs `holder.ts` in a process of its own.
 * @module
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { after } from 'node:test'
import { fileURLToPath } from 'node:url'

export interface Child {
  /** All complete lines of standard output until now. */
  lines(): string[]
  /** Resolves when a line passes the test, or with null when the process ended without one. */
  until(passes: (line: string) => boolean): Promise<string | null>
  /** SIGKILL; resolves when the process is gone and its output is read. */
  kill(): Promise<void>
  exited: Promise<unknown>
}

/** Killed at the latest when the calling test is over. `under` is a program to run it under, with its arguments. */
export function startHolder(args: readonly string[], under: readonly string[] = []): Child {
  const program = fileURLToPath(new URL('holder.ts', import.meta.url))
  const [command = '', ...rest] = [
    ...under,
    process.execPath,
    '--conditions=safeconduct-src',
    program,
    ...args,
  ]
  const child: ChildProcessByStdio<null, Readable, null> = spawn(command, rest, {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const exited = once(child, 'close')
  // A test that fails half-way must not leave it behind.
  after(() => child.kill('SIGKILL'))
  let text = ''
  let wake = Promise.withResolvers<void>()
  const notify = () => {
    wake.resolve()
    wake = Promise.withResolvers<void>()
  }
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
    notify()
  })
  let gone = false
  void exited.then(
    () => {
      gone = true
      notify()
    },
    () => undefined,
  )
  const lines = () => text.split('\n').slice(0, -1)
  return {
    lines,
    exited,
    until: async (passes) => {
      for (;;) {
        const found = lines().find(passes)
        if (found !== undefined) return found
        if (gone) return null
        await wake.promise
      }
    },
    kill: async () => {
      child.kill('SIGKILL')
      await exited
    },
  }
}
