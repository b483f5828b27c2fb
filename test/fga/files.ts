/**
 * Graph files in memory.
 * @module
 */

import { createChecks, runHere } from '@safeconduct/engine'
import type { GraphFiles } from '@safeconduct/server'

export interface MemoryFiles extends GraphFiles {
  names(): readonly string[]
  damage(name: string): void
}

export function memoryFiles(): MemoryFiles {
  const files = new Map<string, Buffer>()
  async function* stream(bytes: Buffer): AsyncGenerator<Uint8Array> {
    yield bytes
  }
  return {
    read: (name) => {
      const bytes = files.get(name)
      return bytes === undefined ? null : stream(bytes)
    },
    write: async (name, bytes) => {
      const parts: Uint8Array[] = []
      for await (const part of bytes) parts.push(part)
      files.set(name, Buffer.concat(parts))
    },
    remove: async (name) => {
      files.delete(name)
    },
    names: () => [...files.keys()],
    damage: (name) => {
      const bytes = Buffer.from(files.get(name) ?? [])
      bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1
      files.set(name, bytes)
    },
  }
}

/** Models are checked here and now; there are no tools. */
export const modelChecks = createChecks(runHere, () => ({ tools: [], relations: null }))
