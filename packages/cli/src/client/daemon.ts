/**
 * Finds the daemon of a data directory, or starts one that outlives the command.
 * @module
 */
import { spawn } from 'node:child_process'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { SafeconductError } from '@safeconduct/protocol'
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

/**
 * The running daemon, else a new one in the background without the example. Its one-time sign-in link goes to
 * `note`, once.
 */
export async function ensureDaemon(data: string, note: (text: string) => void): Promise<ControlClient> {
  const running = await findDaemon(data)
  if (running !== null) return running
  const main = path.join(
    import.meta.dirname,
    '..',
    import.meta.filename.endsWith('.ts') ? 'main.ts' : 'main.js',
  )
  const args = [...process.execArgv, main, 'up', '--empty', '--data', path.resolve(data), '--background']
  const child = spawn(process.execPath, args, { detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  const lines: string[] = []
  const errors: string[] = []
  const ready = new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(failed('It did not come up in time.')), START_TIMEOUT_MS)
    const failed = (why: string) =>
      new SafeconductError('not_running', {
        message: `The daemon could not be started. ${errors.join(' ') || why}`,
      })
    child.on('error', (cause) => reject(new SafeconductError('not_running', { cause })))
    child.on('exit', () => reject(failed('It ended at once.')))
    createInterface({ input: child.stderr }).on('line', (line) => errors.push(line))
    createInterface({ input: child.stdout }).on('line', (line) => {
      lines.push(line)
      if (line !== 'ready') return
      clearTimeout(timer)
      resolve()
    })
  })
  try {
    await ready
  } finally {
    child.removeAllListeners('exit')
    child.stdout.destroy()
    child.stderr.destroy()
    child.unref()
  }
  for (const line of lines) if (line !== 'ready') note(line)
  return createControlClient(controlSocketPath(data))
}
