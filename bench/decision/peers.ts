/**
 * What ours is measured beside, installed when first needed from its own lockfile (`bench/peers/`, or another folder;
 * about 100 MB), never by the workspace. No install scripts run. A peer that cannot be had is skipped, and the report says so.
 * @module
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'

const FOLDER = path.resolve(import.meta.dirname, '../peers')
const INSTALL_MS = 10 * 60_000

/** What was to be measured and was not. */
export interface Skipped {
  readonly what: string
  readonly why: string
}

export interface Peers {
  /** The module of a peer, untyped: callers say what they use of it. @throws when it is not installed */
  load(name: string): unknown
  /** The file of a peer; null when it is not there. */
  file(name: string, file: string): string | null
  /** Why there is none at all; null when they were installed. */
  readonly problem: string | null
}

export async function installPeers(progress: (text: string) => void, folder = FOLDER): Promise<Peers> {
  const problem = await installed(progress, folder)
  const require = createRequire(path.join(folder, 'package.json'))
  return {
    load: (name) => require(name),
    file(name, file) {
      const found = path.join(folder, 'node_modules', name, file)
      return existsSync(found) ? found : null
    },
    problem,
  }
}

async function installed(progress: (text: string) => void, folder: string): Promise<string | null> {
  const want = createHash('sha256')
    .update(readFileSync(path.join(folder, 'package-lock.json')))
    .digest('hex')
  const stamp = path.join(folder, 'node_modules', '.installed')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === want) return null
  progress('installing the peers from the npm registry (first run, about 100 MB)')
  const problem = await npmCi(folder)
  if (problem === null) writeFileSync(stamp, want)
  return problem
}

/** Null when it worked. */
function npmCi(folder: string): Promise<string | null> {
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  const npm = process.env.npm_execpath
  const child = spawn(
    npm === undefined ? 'npm' : process.execPath,
    npm === undefined ? args : [npm, ...args],
    {
      cwd: folder,
      stdio: ['ignore', 2, 2],
      timeout: INSTALL_MS,
    },
  )
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(`npm could not be started: ${error.message}`))
    child.once('exit', (code) =>
      resolve(code === 0 ? null : `npm ci of ${path.basename(folder)} ended with ${code ?? 'a signal'}`),
    )
  })
}
