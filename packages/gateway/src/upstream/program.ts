/**
 * The program of a stdio server: found the way the system would, compared with its pinned digest, started without a
 * shell and with a clean environment, ended with everything it started.
 * @module
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { constants, createReadStream } from 'node:fs'
import { access, realpath } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ServerTransport } from '@safeconduct/protocol'
import { upstreamFailure } from './failure.ts'

export type StdioTransport = Extract<ServerTransport, { kind: 'stdio' }>

/** The file that `argv[0]` names, links resolved. @throws {SafeconductError} `upstream_unavailable` */
export async function findProgram(
  name: string,
  cwd: string | undefined,
  searchPath: string,
): Promise<string> {
  const places = name.includes(path.sep)
    ? [path.resolve(cwd ?? process.cwd(), name)]
    : searchPath
        .split(path.delimiter)
        .filter((dir) => path.isAbsolute(dir))
        .map((dir) => path.join(dir, name))
  for (const place of places) {
    try {
      await access(place, constants.X_OK)
      return await realpath(place)
    } catch {
      // Not here; the next place may have it.
    }
  }
  throw upstreamFailure('upstream_unavailable', 'none', {
    message: 'The program of the server was not found.',
  })
}

/** `sha256:` and 64 hex digits over the file, as pinned at registration. */
export async function programDigest(file: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(file)) hash.update(chunk)
  return `sha256:${hash.digest('hex')}`
}

/**
 * Starts the program. It sees PATH, HOME, TMPDIR and what its configuration sets, nothing else of ours.
 * @throws {SafeconductError} `upstream_unavailable` when it is missing, changed since it was pinned, or does not start
 */
export async function startProgram(transport: StdioTransport): Promise<ChildProcessWithoutNullStreams> {
  const [name, ...args] = transport.argv
  const { PATH = '/usr/local/bin:/usr/bin:/bin', HOME, TMPDIR } = process.env
  const file = await findProgram(name, transport.cwd, transport.env?.PATH ?? PATH)
  if (transport.programDigest !== undefined && (await programDigest(file)) !== transport.programDigest) {
    throw upstreamFailure('upstream_unavailable', 'none', {
      message: 'The program of the server is not the one that was registered.',
    })
  }
  const child = spawn(file, args, {
    argv0: name,
    cwd: transport.cwd,
    env: {
      PATH,
      ...(HOME === undefined ? {} : { HOME }),
      ...(TMPDIR === undefined ? {} : { TMPDIR }),
      ...transport.env,
    },
    shell: false,
    // A group of its own, so that what it starts can be ended with it.
    detached: process.platform !== 'win32',
    windowsHide: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', (cause) => reject(upstreamFailure('upstream_unavailable', 'none', { cause })))
  })
  return child
}

/** Closes its input and waits; then asks it, then makes it. Resolves when it is gone. */
export async function endProgram(child: ChildProcessWithoutNullStreams, patience = 2_000): Promise<void> {
  const gone = new Promise<true>((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve(true)
    else child.once('exit', () => resolve(true))
  })
  const within = async () => {
    const stop = new AbortController()
    const late = sleep(patience, false, { signal: stop.signal }).catch(() => false)
    const done = await Promise.race([gone, late])
    stop.abort()
    return done
  }
  child.stdin.end()
  if (await within()) return signalGroup(child, 'SIGKILL')
  signalGroup(child, 'SIGTERM')
  if (await within()) return signalGroup(child, 'SIGKILL')
  signalGroup(child, 'SIGKILL')
  await gone
}

/** The whole group, also when its first process is gone already. */
function signalGroup(child: ChildProcessWithoutNullStreams, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return
  try {
    if (process.platform === 'win32') child.kill(signal)
    else process.kill(-child.pid, signal)
  } catch {
    // Nobody left in the group.
  }
}
