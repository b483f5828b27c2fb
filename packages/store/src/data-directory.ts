/**
 * The data directory: one daemon holds it at a time, and everything in it is this user's alone.
 * @module
 */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isSafeconductError, SafeconductError } from '@safeconduct/protocol'
import { acquireLock } from './exclusive-lock.ts'
import { type FileSystemVerdict, fileSystemOf } from './file-system.ts'
import { preparePrivateDirectory } from './private-files.ts'

export interface DirectoryLock {
  /** Real path of the directory. */
  readonly directory: string
  /** Frees the directory for the next holder. Calling it again does nothing. */
  release(): void
}

/** Who holds a directory, as it wrote of itself. */
export interface DirectoryHolder {
  readonly pid: number
  /** Linux boot id: tells a process of before a restart from one that has its number now. Null elsewhere. */
  readonly bootId: string | null
}

export interface DirectoryOptions {
  /** Told once, in one sentence, when the directory's storage may lose what it acknowledged. */
  readonly warn?: (message: string) => void
  /** How the storage is judged; only tests give another. */
  readonly fileSystem?: (directory: string) => FileSystemVerdict
}

const HOLDER_FILE = 'holder.json'

/**
 * Makes the directory (0700) when absent and takes it for this process. The kernel frees it when the process dies.
 * Guards store and ledger together; take it first.
 * @throws {SafeconductError} `already_running`, with the holder's `pid` in the details when known;
 * `invalid_request` when the directory is not private or lies on a network file system
 */
export function lockDataDirectory(path: string, options: DirectoryOptions = {}): DirectoryLock {
  const directory = preparePrivateDirectory(path)
  judge(directory, options)
  const free = takeLock(directory)
  const holder = join(directory, HOLDER_FILE)
  try {
    writeHolder(holder)
  } catch (cause) {
    free()
    throw new SafeconductError('internal', { message: `${holder} cannot be written.`, cause })
  }
  let held = true
  return {
    directory,
    release: () => {
      if (!held) return
      held = false
      // While the lock is still ours: afterwards the file may already be the next holder's.
      rmSync(holder, { force: true })
      free()
    },
  }
}

function judge(directory: string, options: DirectoryOptions): void {
  const { kind, name } = (options.fileSystem ?? fileSystemOf)(directory)
  if (kind === 'remote') {
    throw new SafeconductError('invalid_request', {
      message: `The directory ${directory} is on a network file system (${name}), where locks cannot be trusted.`,
      details: { directory, fileSystem: name },
    })
  }
  if (kind === 'volatile') {
    options.warn?.(`The directory ${directory} is in memory (${name}): everything is lost at power-off.`)
  } else if (kind === 'unsure') {
    options.warn?.(`The directory ${directory} is on ${name}: whether a sync reaches the disk is not known.`)
  }
}

function takeLock(directory: string): () => void {
  try {
    return acquireLock(join(directory, 'lock.db'))
  } catch (error) {
    if (!isSafeconductError(error) || error.code !== 'already_running') throw error
    const holder = readHolder(directory)
    throw new SafeconductError('already_running', {
      message:
        holder === null
          ? `A daemon already runs on ${directory}.`
          : `A daemon already runs on ${directory} (process ${holder.pid}).`,
      details: { directory, ...(holder === null ? {} : { pid: holder.pid }) },
      cause: error,
    })
  }
}

/** A hint for people, never a lock: the file is written by whoever holds the lock, and may be stale or absent. */
export function readHolder(directory: string): DirectoryHolder | null {
  try {
    const value: unknown = JSON.parse(readFileSync(join(directory, HOLDER_FILE), 'utf8'))
    if (typeof value !== 'object' || value === null || !('pid' in value) || !('bootId' in value)) return null
    const { pid, bootId } = value
    if (typeof pid !== 'number' || !Number.isSafeInteger(pid)) return null
    // Written before the machine was last started: that process is gone.
    if (typeof bootId === 'string' && bootId !== currentBootId()) return null
    return { pid, bootId: typeof bootId === 'string' ? bootId : null }
  } catch {
    return null
  }
}

/** Renamed into place, so that a reader never sees half of it. */
function writeHolder(file: string): void {
  const holder: DirectoryHolder = { pid: process.pid, bootId: currentBootId() }
  writeFileSync(`${file}.new`, JSON.stringify(holder), { mode: 0o600 })
  renameSync(`${file}.new`, file)
}

function currentBootId(): string | null {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return null
  }
}
