/**
 * The root key of a data directory: 32 random bytes in `keys/root.key`, readable by this user alone. Everything
 * sealed depends on it; it is made once and never replaced.
 * @module
 */
import { randomBytes } from 'node:crypto'
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  readSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { SafeconductError } from '@safeconduct/protocol'
import { hasCode, preparePrivateDirectory } from '../private-files.ts'
import { KEY_BYTES } from './envelope.ts'

/**
 * Reads the root key, making it when there is none.
 * @throws {SafeconductError} `invalid_request` when the file is not 32 bytes, not a plain file of this user, or can
 * be reached by others; it is never repaired
 */
export function loadRootKey(dataDirectory: string): Uint8Array {
  const directory = preparePrivateDirectory(join(dataDirectory, 'keys'))
  const file = join(directory, 'root.key')
  const known = read(file)
  if (known !== null) return known
  create(directory, file)
  const made = read(file)
  if (made === null) throw refused(file, 'vanished while it was made')
  return made
}

function read(file: string): Uint8Array | null {
  let descriptor: number
  try {
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null
    throw refused(file, 'cannot be read', error)
  }
  try {
    const { mode, uid, size } = fstatSync(descriptor)
    const user = process.getuid?.()
    if ((mode & constants.S_IFMT) !== constants.S_IFREG) throw refused(file, 'is not a plain file')
    if (user !== undefined && uid !== user) throw refused(file, 'belongs to another user')
    if (user !== undefined && (mode & 0o177) !== 0) {
      throw refused(file, `must have mode 600, not ${(mode & 0o777).toString(8)}`)
    }
    const key = new Uint8Array(KEY_BYTES)
    if (size !== KEY_BYTES || readSync(descriptor, key) !== KEY_BYTES) {
      throw refused(file, `must hold exactly ${KEY_BYTES} bytes`)
    }
    return key
  } finally {
    closeSync(descriptor)
  }
}

/**
 * Written whole and synced under another name, then linked: a link, unlike a rename, never replaces a key that
 * another process made meanwhile.
 */
function create(directory: string, file: string): void {
  const draft = `${file}.${randomBytes(8).toString('hex')}.new`
  try {
    const descriptor = openSync(draft, 'wx', 0o600)
    try {
      const key = randomBytes(KEY_BYTES)
      writeSync(descriptor, key)
      key.fill(0)
      fsyncSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
    linkSync(draft, file)
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw refused(file, 'cannot be made', error)
  } finally {
    rmSync(draft, { force: true })
  }
  const parent = openSync(directory, constants.O_RDONLY)
  try {
    fsyncSync(parent)
  } finally {
    closeSync(parent)
  }
}

function refused(file: string, why: string, cause?: unknown): SafeconductError {
  return new SafeconductError('invalid_request', {
    message: `The root key ${file} ${why}.`,
    details: { file },
    cause,
  })
}
