/**
 * What the disk itself can do: the least that a durable record may cost.
 * @module
 */
import * as fs from 'node:fs'
import path from 'node:path'
import { type FileHandle, type Files, nodeFiles, type OpenMode } from '@safeconduct/ledger'
import { perSecond, quantile } from './stats.ts'

const ROOM = 16 << 20

export interface DiskLimit {
  readonly syncsPerSecond: number
  readonly p50Ms: number
}

/** Writes of `bytes` into a preallocated file in `directory`, each followed by fdatasync, for `ms` milliseconds. */
export function measureDisk(directory: string, bytes: number, ms: number): DiskLimit {
  const fd = fs.openSync(path.join(directory, 'calibration'), 'w')
  try {
    fs.writeSync(fd, Buffer.alloc(ROOM), 0, ROOM, 0)
    fs.fsyncSync(fd)
    const block = Buffer.alloc(bytes, 'x')
    const times: number[] = []
    const started = performance.now()
    for (let at = 0; performance.now() - started < ms; at = at + 2 * bytes > ROOM ? 0 : at + bytes) {
      const before = performance.now()
      fs.writeSync(fd, block, 0, bytes, at)
      fs.fdatasyncSync(fd)
      times.push(performance.now() - before)
    }
    const spent = performance.now() - started
    times.sort((a, b) => a - b)
    return { syncsPerSecond: perSecond(times.length, spent), p50Ms: quantile(times, 0.5) }
  } finally {
    fs.closeSync(fd)
  }
}

/** The real disk for a ledger, counting the syncs of journal segments: one each batch. */
export function countingFiles(): { readonly files: Files; readonly syncs: () => number } {
  let count = 0
  const open = async (file: string, mode: OpenMode): Promise<FileHandle> => {
    const handle = await nodeFiles.open(file, mode)
    if (mode !== 'durable') return handle
    return {
      read: (into, at) => handle.read(into, at),
      write: (bytes, at) => {
        count++
        return handle.write(bytes, at)
      },
      datasync: () => handle.datasync(),
      size: () => handle.size(),
      close: () => handle.close(),
    }
  }
  return { files: { ...nodeFiles, open }, syncs: () => count }
}
