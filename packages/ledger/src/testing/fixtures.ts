/**
 * @module testing/fixtures
 * Keys, small logs and the checks that every surviving log must pass, for tests.
 */
import assert from 'node:assert/strict'
import { generateKeyPairSync, hash, type KeyObject } from 'node:crypto'
import { parseCheckpoint } from '../checkpoint.ts'
import { type Log, openLog } from '../log.ts'
import { emptyRoot, leafHash, nodeHash } from '../merkle/hash.ts'
import { parseNote } from '../note.ts'
import type { LogOptions } from '../options.ts'
import type { MemoryFiles } from './memory-files.ts'

export const ORIGIN = 'log.example/test'
export const DIRECTORY = '/ledger'

/** The smallest segment that attachments of 1 KiB allow, so that tests rotate soon. */
export const SMALL = { maxAttachmentBytes: 1024, segmentBytes: 72 * 1024, publishEveryMs: 0 }

export function newKey(): KeyObject {
  return generateKeyPairSync('ed25519').privateKey
}

export function openMemoryLog(
  files: MemoryFiles,
  key: KeyObject,
  options: Partial<LogOptions> = {},
): Promise<Log> {
  return openLog({ directory: DIRECTORY, origin: ORIGIN, key, files, ...SMALL, ...options })
}

/** A reproducible entry of `size` bytes that differs for every index. */
export function entryOf(index: number, size = 40): Buffer {
  const seed = hash('sha256', `entry ${index}`, 'buffer')
  return Buffer.alloc(size, seed)
}

/** RFC 6962 §2.1 to the letter, for comparison with the incremental tree. */
export function referenceRoot(leaves: readonly Uint8Array[]): Uint8Array {
  const [first] = leaves
  if (first === undefined) return emptyRoot()
  if (leaves.length === 1) return first
  let split = 1
  while (split * 2 < leaves.length) split *= 2
  return nodeHash(referenceRoot(leaves.slice(0, split)), referenceRoot(leaves.slice(split)))
}

/** Remembers every checkpoint that was ever written out, whether or not the write succeeded. */
export class SignedRoots {
  readonly roots = new Map<number, string>()

  /** For one of several futures: what another one signs is no contradiction. */
  copy(): SignedRoots {
    const copy = new SignedRoots()
    for (const [size, root] of this.roots) copy.roots.set(size, root)
    return copy
  }

  /** Call with each write to a checkpoint; fails on a second root for one size. */
  note(bytes: Uint8Array): void {
    const { size, root } = parseCheckpoint(parseNote(bytes).text)
    const known = this.roots.get(size)
    assert.ok(known === undefined || known === root.toString('hex'), `a second root for size ${size}`)
    this.roots.set(size, root.toString('hex'))
  }

  /** Every root ever signed is the root of that many first entries of the log. */
  async check(log: Log): Promise<void> {
    const leaves: Buffer[] = []
    for await (const { entry } of log.entries()) leaves.push(leafHash(entry))
    for (const [size, root] of this.roots) {
      assert.ok(size <= leaves.length, `size ${size} was signed, but only ${leaves.length} entries are left`)
      assert.equal(Buffer.from(referenceRoot(leaves.slice(0, size))).toString('hex'), root)
    }
  }
}
