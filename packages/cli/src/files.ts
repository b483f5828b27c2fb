/**
 * Files that people name on the command line: one that is not there, or is not what it should be, is their mistake
 * and is told with its name.
 * @module
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { type JsonLimits, type JsonValue, parseJson, SafeconductError } from '@safeconduct/protocol'

export function unreadable(file: string, cause: unknown): SafeconductError {
  return new SafeconductError('not_found', { message: `${file} cannot be read.`, cause })
}

/** @throws `not_found` when it cannot be read */
export function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw unreadable(file, cause)
  }
}

/** @throws `not_found` when it cannot be read, else as `parseJson` does, naming the file */
export function readJson(file: string, limits?: JsonLimits): JsonValue {
  const text = readText(file)
  try {
    return parseJson(text, limits)
  } catch (cause) {
    if (!(cause instanceof SafeconductError)) throw cause
    const why = cause.code === 'invalid_json' ? 'it is not valid JSON.' : cause.message
    throw new SafeconductError(cause.code, { message: `${file}: ${why}`, cause })
  }
}

/** Makes an empty file for its owner alone. @throws `conflict` when it exists or cannot be made */
export function createFile(file: string): void {
  try {
    writeFileSync(file, '', { flag: 'wx', mode: 0o600 })
  } catch (cause) {
    const message = `${file} cannot be created; it must not exist yet.`
    throw new SafeconductError('conflict', { message, cause })
  }
}
