/**
 * Directories and files that belong to this user alone.
 * @module
 */
import { chmodSync, closeSync, existsSync, mkdirSync, openSync, realpathSync, statSync } from 'node:fs'
import path from 'node:path'
import { SafeconductError } from '@safeconduct/protocol'

/**
 * Creates the directory (0700) when absent and returns its real path. What exists is never loosened or tightened:
 * somebody meant it to be as it is, so it is refused instead.
 * @throws {SafeconductError} `invalid_request` when it is no directory, belongs to someone else, or others can reach
 * into it
 */
export function preparePrivateDirectory(directory: string): string {
  try {
    makeDirectories(path.resolve(directory))
  } catch (cause) {
    throw refused(directory, 'cannot be created', cause)
  }
  const real = realpathSync(directory)
  const { uid, mode } = statSync(real)
  const user = process.getuid?.()
  if (user !== undefined && uid !== user) throw refused(real, 'belongs to another user')
  if (user !== undefined && (mode & 0o077) !== 0) {
    throw refused(real, `can be reached by others (mode ${(mode & 0o777).toString(8)}); run chmod 700 on it`)
  }
  return real
}

/** Each absent one once: `mkdir` with `recursive` tries for ever where the kernel says there is no such place (/proc). */
function makeDirectories(directory: string): void {
  const parent = path.dirname(directory)
  if (!existsSync(parent)) makeDirectories(parent)
  try {
    mkdirSync(directory, { mode: 0o700 })
  } catch (error) {
    if (!hasCode(error, 'EEXIST') || !statSync(directory).isDirectory()) throw error
  }
}

function refused(directory: string, why: string, cause?: unknown): SafeconductError {
  return new SafeconductError('invalid_request', {
    message: `The directory ${directory} ${why}.`,
    details: { directory },
    cause,
  })
}

/**
 * Makes sure that a file exists and is 0600, without ever opening one that exists: POSIX drops all locks of a
 * process on a file when it closes any descriptor of it, and with them SQLite's.
 */
export function createPrivateFile(file: string): void {
  if (!createNewFile(file)) chmodSync(file, 0o600)
}

/** Makes an empty file (0600); false, and nothing touched, when there is one. */
export function createNewFile(file: string): boolean {
  try {
    closeSync(openSync(file, 'wx', 0o600))
    return true
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false
    throw error
  }
}

export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
