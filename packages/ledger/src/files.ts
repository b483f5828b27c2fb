/**
 * @module files
 * The port through which the ledger touches a disk, and its `node:fs` implementation. Everything that can fail or
 * be lost in a power cut goes through here, so that tests can inject both. What an implementation must hold:
 * `write` and `rename` need not survive a crash; after `datasync` returned, all earlier writes of that handle do, and
 * after `write` of a handle opened as `durable` returned, that write does;
 * after `syncDirectory` returned, all earlier creations, renames and removals in that directory do.
 */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { LedgerError, systemCode } from './errors.ts'

export interface FileHandle {
  /** Fills `into` from `position`; returns the bytes read, fewer only at the end of the file. */
  read(into: Uint8Array, position: number): Promise<number>
  /** Writes all of `bytes` at `position`. */
  write(bytes: Uint8Array, position: number): Promise<void>
  datasync(): Promise<void>
  size(): Promise<number>
  close(): Promise<void>
}

export type OpenMode = 'read' | 'write' | 'durable' | 'create'

/** What carries the files. On `memory` and `network` a sync promises less than the log does. */
export type Medium = 'disk' | 'memory' | 'network'

export interface Files {
  /** `create` truncates or makes the file; `write` and `durable` need it to exist and also read. */
  open(file: string, mode: OpenMode): Promise<FileHandle>
  /** The whole file, undefined when there is none. Throws when it is over `limit` bytes. */
  read(file: string, limit: number): Promise<Buffer | undefined>
  /** Names in a directory, sorted; empty when there is none. */
  list(directory: string): Promise<string[]>
  rename(from: string, to: string): Promise<void>
  /** Removes a file or a whole directory; absent is not an error. */
  remove(target: string): Promise<void>
  /** Makes one directory; the parent must exist, and the directory may. */
  makeDirectory(directory: string): Promise<void>
  syncDirectory(directory: string): Promise<void>
  medium(directory: string): Promise<Medium>
}

/** A callback of `node:fs` as a promise: `util.promisify` without its argument arrays, as this is per batch. */
function settle<T>(start: (done: (error: Error | null, value: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, value) => (error ? reject(error) : resolve(value)))
  })
}

function settleVoid(start: (done: (error: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    start((error) => (error ? reject(error) : resolve()))
  })
}

/** Owns the descriptor; the caller of `open` closes it. */
class NodeHandle implements FileHandle {
  readonly #fd: number
  readonly #syncsWrites: boolean

  constructor(fd: number, syncsWrites: boolean) {
    this.#fd = fd
    this.#syncsWrites = syncsWrites
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    let done = 0
    while (done < into.length) {
      const n = await settle<number>((cb) =>
        fs.read(this.#fd, into, done, into.length - done, position + done, cb),
      )
      if (n === 0) break
      done += n
    }
    return done
  }

  async write(bytes: Uint8Array, position: number): Promise<void> {
    let done = 0
    while (done < bytes.length) {
      done += await settle<number>((cb) =>
        fs.write(this.#fd, bytes, done, bytes.length - done, position + done, cb),
      )
    }
    if (this.#syncsWrites) await this.datasync()
  }

  datasync(): Promise<void> {
    return settleVoid((cb) => fs.fdatasync(this.#fd, cb))
  }

  async size(): Promise<number> {
    return (await settle<fs.Stats>((cb) => fs.fstat(this.#fd, cb))).size
  }

  close(): Promise<void> {
    return settleVoid((cb) => fs.close(this.#fd, cb))
  }
}

/**
 * On Linux O_DSYNC is a write and its fdatasync in one (open(2)): one wait for the thread pool instead of two. Elsewhere it
 * may promise less than a sync does (macOS: the drive's own cache), so there each write is followed by one.
 */
const writesThrough = process.platform === 'linux'
const flags = {
  read: 'r',
  write: 'r+',
  durable: writesThrough ? fs.constants.O_RDWR | fs.constants.O_DSYNC : 'r+',
  create: 'w+',
} as const

/** `f_type` of statfs(2) on Linux. */
const media: ReadonlyMap<number, Medium> = new Map([
  [0x01021994, 'memory'],
  [0x858458f6, 'memory'],
  [0x6969, 'network'],
  [0xff534d42, 'network'],
  [0xfe534d42, 'network'],
  [0x01021997, 'network'],
])

/** The real file system. Files are 0600 and directories 0700: who may read entries is decided above the log. */
export const nodeFiles: Files = {
  async open(file, mode) {
    const fd = await settle<number>((cb) => fs.open(file, flags[mode], 0o600, cb))
    return new NodeHandle(fd, mode === 'durable' && !writesThrough)
  },

  async read(file, limit) {
    let handle: FileHandle
    try {
      handle = await nodeFiles.open(file, 'read')
    } catch (error) {
      const code = systemCode(error)
      if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
      throw error
    }
    try {
      const size = await handle.size()
      if (size > limit) throw new LedgerError('io_error', `${file} is larger than ${limit} bytes`)
      const bytes = Buffer.alloc(size)
      return bytes.subarray(0, await handle.read(bytes, 0))
    } finally {
      await handle.close()
    }
  },

  async list(directory) {
    try {
      return (await fs.promises.readdir(directory)).sort()
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return []
      throw error
    }
  },

  rename: (from, to) => settleVoid((cb) => fs.rename(from, to, cb)),

  remove: (target) => fs.promises.rm(target, { recursive: true, force: true }),

  async makeDirectory(directory) {
    try {
      await fs.promises.mkdir(directory, { mode: 0o700 })
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw error
    }
  },

  async syncDirectory(directory) {
    // Windows has no handle to sync a directory by; its rename is already written through the file-system journal.
    if (process.platform === 'win32') return
    const fd = await settle<number>((cb) => fs.open(directory, 'r', cb))
    try {
      await settleVoid((cb) => fs.fsync(fd, cb))
    } finally {
      await settleVoid((cb) => fs.close(fd, cb))
    }
  },

  async medium(directory) {
    if (process.platform !== 'linux') return 'disk'
    const { type } = await fs.promises.statfs(directory)
    return media.get(type) ?? 'disk'
  },
}

/**
 * Replaces `file` so that a crash leaves the old or the new content, never a mixture, and the new content once this
 * returned. The directory is synced unless the caller does so for many files at once.
 */
export async function replaceFile(
  files: Files,
  file: string,
  bytes: Uint8Array,
  options: { syncDirectory: boolean } = { syncDirectory: true },
): Promise<void> {
  const temporary = `${file}.tmp`
  const handle = await files.open(temporary, 'create')
  try {
    await handle.write(bytes, 0)
    await handle.datasync()
  } finally {
    await handle.close()
  }
  await files.rename(temporary, file)
  if (options.syncDirectory) await files.syncDirectory(path.dirname(file))
}
