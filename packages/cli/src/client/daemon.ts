/**
 * Finds the daemon of a data directory, or starts one that outlives the command.
 * @module
 */
import { spawn } from 'node:child_process'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { isJsonObject, type JsonObject, parseJson, SafeconductError } from '@safeconduct/protocol'
import { type ControlClient, createControlClient } from './control-client.ts'

/** `sun_path` holds 108 bytes on Linux and 104 on macOS, with the final zero. */
const MAX_SOCKET_PATH = 103

/** @throws `invalid_request` when the data directory's path is too long for a socket */
export function controlSocketPath(data: string): string {
  const socket = path.join(path.resolve(data), 'control.sock')
  if (Buffer.byteLength(socket) <= MAX_SOCKET_PATH) return socket
  throw new SafeconductError('invalid_request', {
    message: `The path of the data directory is too long for a control socket (${socket}). Choose a shorter one with --data.`,
  })
}

export async function findDaemon(data: string): Promise<ControlClient | null> {
  const client = createControlClient(controlSocketPath(data))
  try {
    await client.get('/healthz')
    return client
  } catch (error) {
    if (error instanceof SafeconductError && error.code === 'not_running') return null
    throw error
  }
}

const START_TIMEOUT_MS = 30_000
const POLL_MS = 50

/** Whoever asks for a daemon: what is said goes to them, and whether a person reads it. */
export interface Asker {
  readonly tell: (text: string) => void
  readonly person: boolean
}

/**
 * The running daemon, else a new one in the background without the example. A host that starts several servers at
 * once asks several times at once: one of the daemons comes up, and everybody gets that one. The sign-in link is for
 * a person's eyes; where nobody looks it would end in a log file, and is not said.
 * @throws `not_running` when none comes up
 */
export async function ensureDaemon(data: string, asker: Asker): Promise<ControlClient> {
  const running = await findDaemon(data)
  if (running !== null) return running
  const until = Date.now() + START_TIMEOUT_MS
  const started = await startInBackground(data)
  const { signIn, message, error } = started.answer
  if (typeof signIn === 'string') {
    asker.tell(
      asker.person
        ? `Started a daemon for ${data}.\nSign in once, within ten minutes: ${signIn}`
        : `Started a daemon for ${data} (process ${started.pid}). To sign in as its owner, start it in a terminal instead: ./safeconduct down --data ${data} && ./safeconduct up --empty --data ${data}`,
    )
    return createControlClient(controlSocketPath(data))
  }
  if (error !== 'already_running') {
    const why = typeof message === 'string' ? message : 'It ended at once.'
    throw new SafeconductError('not_running', { message: `The daemon could not be started. ${why}` })
  }
  while (Date.now() < until) {
    const other = await findDaemon(data)
    if (other !== null) return other
    await sleep(POLL_MS)
  }
  throw new SafeconductError('not_running', {
    message: 'Another daemon holds the data directory and does not come up.',
  })
}

/** What `up --json` says first: where it listens, or why it does not. */
async function startInBackground(data: string): Promise<Started> {
  const first = await startOnce(data, [])
  // Nobody chose the port: where another program has the usual or the remembered one, a free one will do from now on.
  const taken = first.answer.error === 'conflict' && process.env.SAFECONDUCT_PORT === undefined
  return taken ? startOnce(data, ['--port', '0']) : first
}

interface Started {
  readonly answer: JsonObject
  readonly pid: number | undefined
}

async function startOnce(data: string, more: readonly string[]): Promise<Started> {
  const main = path.resolve(import.meta.dirname, `../main${path.extname(import.meta.filename)}`)
  const args = [...process.execArgv, main, '--json', 'up', '--empty', '--data', path.resolve(data), ...more]
  const child = spawn(process.execPath, args, { detached: true, stdio: ['ignore', 'pipe', 'ignore'] })
  try {
    const line = await new Promise<string>((resolve, reject) => {
      const late = setTimeout(() => {
        child.kill()
        resolve('{"message":"It did not come up in time."}')
      }, START_TIMEOUT_MS)
      child.on('error', (cause) => reject(new SafeconductError('not_running', { cause })))
      const lines = createInterface({ input: child.stdout })
      const done = (said: string) => {
        clearTimeout(late)
        resolve(said)
      }
      lines.once('line', done)
      lines.once('close', () => done('{}'))
    })
    const answer = parseJson(line)
    return { answer: isJsonObject(answer) ? answer : {}, pid: child.pid }
  } finally {
    child.stdout.destroy()
    child.unref()
  }
}

const STOP_TIMEOUT_MS = 30_000

/** Ends the daemon as Ctrl-C would and waits until it is gone; false when none runs. */
export async function stopDaemon(data: string): Promise<boolean> {
  const client = await findDaemon(data)
  if (client === null) return false
  const { pid } = await client.get('/api/v1/status')
  if (typeof pid !== 'number') throw new SafeconductError('internal')
  process.kill(pid, 'SIGTERM')
  const until = Date.now() + STOP_TIMEOUT_MS
  while (isAlive(pid)) {
    if (Date.now() > until) {
      throw new SafeconductError('conflict', {
        message: `The daemon (process ${pid}) is still draining; try again.`,
      })
    }
    await sleep(POLL_MS)
  }
  return true
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
