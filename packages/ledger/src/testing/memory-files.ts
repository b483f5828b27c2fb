/**
 * @module testing/memory-files
 * A disk for tests that forgets what was not synced. It keeps two views, what processes see and what a power cut
 * leaves, and can fail any single operation in both ways that matter: lost, and done but reported lost.
 */
import * as path from 'node:path'
import type { FileHandle, Files, OpenMode } from '../files.ts'

export type FaultMode = 'lost' | 'done'
export type OperationKind =
  | 'create'
  | 'write'
  | 'datasync'
  | 'rename'
  | 'remove'
  | 'makeDirectory'
  | 'syncDirectory'

export interface Operation {
  kind: OperationKind
  file: string
  bytes?: Uint8Array
}

/** Decides for each operation that changes the disk whether it fails, and how. */
export type Fault = (operation: Operation) => FaultMode | undefined

const BLOCK = 512

interface Inode {
  content: Buffer
  durable: Buffer
  /** Blocks written since the last sync that a power cut may or may not keep. */
  dirty: Set<number>
}

type Names = Map<string, Inode | 'directory'>

function systemError(code: string, file: string): Error {
  return Object.assign(new Error(`${code}: ${file}`), { code })
}

function grown(bytes: Buffer, length: number): Buffer {
  return bytes.length >= length ? bytes : Buffer.concat([bytes, Buffer.alloc(length - bytes.length)])
}

export class MemoryFiles implements Files {
  fault: Fault | undefined
  /** Bytes that all files together may have. */
  capacity = Number.POSITIVE_INFINITY
  #names: Names = new Map([['/', 'directory']])
  #durable: Names = new Map([['/', 'directory']])

  /** The disk after a power cut: `survives` says for each unsynced block and directory whether it got there. */
  afterCrash(survives: () => boolean): MemoryFiles {
    const disk = new MemoryFiles()
    const kept = new Map(this.#durable)
    for (const directory of this.#directories()) if (survives()) this.#copyNames(kept, directory)
    const copies = new Map<Inode, Inode>()
    for (const [name, node] of kept) {
      if (node !== 'directory') {
        const copy = copies.get(node) ?? crashed(node, survives)
        copies.set(node, copy)
        disk.#names.set(name, copy)
      } else disk.#names.set(name, node)
    }
    for (const name of [...disk.#names.keys()]) {
      if (name !== '/' && disk.#names.get(path.dirname(name)) !== 'directory') disk.#names.delete(name)
    }
    disk.#durable = new Map(disk.#names)
    return disk
  }

  /** The same disk for another process (kill -9): it sees everything, synced or not, and may still lose power. */
  afterKill(): MemoryFiles {
    const disk = new MemoryFiles()
    const copies = new Map<Inode, Inode>()
    const copy = (node: Inode | 'directory') => {
      if (node === 'directory') return node
      const { content, durable, dirty } = node
      const known = copies.get(node) ?? {
        content: Buffer.from(content),
        durable: Buffer.from(durable),
        dirty: new Set(dirty),
      }
      copies.set(node, known)
      return known
    }
    for (const [name, node] of this.#names) disk.#names.set(name, copy(node))
    for (const [name, node] of this.#durable) disk.#durable.set(name, copy(node))
    return disk
  }

  /** Replaces or changes a file behind the log's back; undefined removes it. */
  tamper(file: string, change: (content: Buffer) => Buffer | undefined): void {
    const inode = this.#file(file)
    const content = change(Buffer.from(inode.content))
    if (content === undefined) this.#names.delete(file)
    else this.#names.set(file, { content, durable: Buffer.from(content), dirty: new Set() })
    this.#durable = new Map(this.#names)
  }

  content(file: string): Buffer | undefined {
    const inode = this.#names.get(file)
    return inode === undefined || inode === 'directory' ? undefined : inode.content
  }

  files(): string[] {
    return [...this.#names].filter(([, node]) => node !== 'directory').map(([name]) => name)
  }

  #directories(): string[] {
    return [...this.#names].filter(([, node]) => node === 'directory').map(([name]) => name)
  }

  #copyNames(into: Names, directory: string): void {
    for (const name of into.keys()) {
      if (name !== '/' && path.dirname(name) === directory && !this.#names.has(name)) into.delete(name)
    }
    for (const [name, node] of this.#names) {
      if (name !== '/' && path.dirname(name) === directory) into.set(name, node)
    }
  }

  #file(file: string): Inode {
    const inode = this.#names.get(file)
    if (inode === undefined || inode === 'directory') throw systemError('ENOENT', file)
    return inode
  }

  #used(): number {
    let bytes = 0
    for (const node of this.#names.values()) if (node !== 'directory') bytes += node.content.length
    return bytes
  }

  /** Runs an operation under the fault plan; `onLost` is what a failure leaves behind. */
  async #perform(operation: Operation, act: () => void, onLost?: () => void): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(resolve))
    const mode = this.fault?.(operation)
    if (mode !== 'lost') act()
    else onLost?.()
    if (mode !== undefined) throw systemError('EIO', operation.file)
  }

  async open(file: string, mode: OpenMode): Promise<FileHandle> {
    if (mode === 'create') {
      if (this.#names.get(path.dirname(file)) !== 'directory') throw systemError('ENOENT', file)
      await this.#perform({ kind: 'create', file }, () => {
        this.#names.set(file, { content: Buffer.alloc(0), durable: Buffer.alloc(0), dirty: new Set() })
      })
    }
    const handle = this.#handle(file, this.#file(file))
    if (mode !== 'durable') return handle
    const write = async (bytes: Uint8Array, position: number) => {
      await handle.write(bytes, position)
      await handle.datasync()
    }
    return { ...handle, write }
  }

  #handle(file: string, inode: Inode): FileHandle {
    const store = (bytes: Uint8Array, position: number) => {
      const end = position + bytes.length
      const growth = end - inode.content.length
      if (growth > 0 && this.#used() + growth > this.capacity) throw systemError('ENOSPC', file)
      inode.content = grown(inode.content, end)
      inode.content.set(bytes, position)
      for (let block = Math.floor(position / BLOCK); block * BLOCK < end; block++) inode.dirty.add(block)
    }
    return {
      read: async (into, position) => inode.content.copy(into, 0, position),
      write: (bytes, position) => {
        const half = bytes.subarray(0, Math.floor(bytes.length / 2))
        const operation = { kind: 'write', file, bytes } as const
        return this.#perform(
          operation,
          () => store(bytes, position),
          () => store(half, position),
        )
      },
      datasync: () =>
        this.#perform(
          { kind: 'datasync', file },
          () => {
            inode.durable = withBlocks(inode, () => true)
            inode.dirty.clear()
          },
          // As kernels do: the pages count as clean now, so a second sync would succeed without writing them.
          () => inode.dirty.clear(),
        ),
      size: async () => inode.content.length,
      close: async () => undefined,
    }
  }

  async read(file: string, limit: number): Promise<Buffer | undefined> {
    const content = this.content(file)
    if (content !== undefined && content.length > limit) throw systemError('EFBIG', file)
    return content && Buffer.from(content)
  }

  async list(directory: string): Promise<string[]> {
    return [...this.#names.keys()]
      .filter((name) => name !== '/' && path.dirname(name) === directory)
      .map((name) => path.basename(name))
      .sort()
  }

  rename(from: string, to: string): Promise<void> {
    return this.#perform({ kind: 'rename', file: to }, () => {
      this.#names.set(to, this.#file(from))
      this.#names.delete(from)
    })
  }

  async remove(target: string): Promise<void> {
    const inside = [...this.#names.keys()].filter((name) => name === target || name.startsWith(`${target}/`))
    if (inside.length === 0) return
    await this.#perform({ kind: 'remove', file: target }, () => {
      for (const name of inside) this.#names.delete(name)
    })
  }

  async makeDirectory(directory: string): Promise<void> {
    if (this.#names.get(path.dirname(directory)) !== 'directory') throw systemError('ENOENT', directory)
    if (this.#names.has(directory)) return
    await this.#perform({ kind: 'makeDirectory', file: directory }, () => {
      this.#names.set(directory, 'directory')
    })
  }

  syncDirectory(directory: string): Promise<void> {
    return this.#perform({ kind: 'syncDirectory', file: directory }, () => {
      this.#copyNames(this.#durable, directory)
    })
  }

  async medium(): Promise<'disk'> {
    return 'disk'
  }
}

/** The durable content with those unsynced blocks over it that `survives` keeps. */
function withBlocks(inode: Inode, survives: () => boolean): Buffer {
  const kept = [...inode.dirty].filter(survives)
  const end = Math.min(inode.content.length, (Math.max(-1, ...kept) + 1) * BLOCK)
  const content = Buffer.from(grown(inode.durable, end))
  for (const block of kept) inode.content.copy(content, block * BLOCK, block * BLOCK, (block + 1) * BLOCK)
  return content
}

function crashed(inode: Inode, survives: () => boolean): Inode {
  const content = withBlocks(inode, survives)
  return { content, durable: Buffer.from(content), dirty: new Set() }
}
