/**
 * @module merkle/hash
 * RFC 6962 §2.1 hashing: leaf = SHA-256(0x00 ‖ entry), node = SHA-256(0x01 ‖ left ‖ right), empty tree = SHA-256().
 * Every hash is exactly 32 bytes.
 */
import { hash } from 'node:crypto'

export const HASH_BYTES = 32

/** Largest entry, because entry bundles carry a u16 length (C2SP tlog-tiles, "Log entries"). */
export const MAX_ENTRY_BYTES = 65_535

// Scratch space, never read outside one synchronous call: an allocation per hash would cost a tenth of the append rate.
const node = Buffer.alloc(1 + 2 * HASH_BYTES)
node[0] = 1
const leaf = Buffer.alloc(1 + MAX_ENTRY_BYTES)

/** By way of a string: a buffer straight from `hash` has memory of its own, which costs more than the hash. */
export function sha256(bytes: Uint8Array): Buffer {
  return Buffer.from(hash('sha256', bytes, 'binary'), 'latin1')
}

/** Hash of bytes that already start with the 0x00 prefix (the journal stores entries that way). */
export const prefixedLeafHash = sha256

export function leafHash(entry: Uint8Array): Buffer {
  leaf.set(entry, 1)
  return sha256(leaf.subarray(0, entry.length + 1))
}

export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  node.set(left, 1)
  node.set(right, 1 + HASH_BYTES)
  return sha256(node)
}

export function emptyRoot(): Buffer {
  return sha256(new Uint8Array(0))
}

/** Root of a complete subtree whose leaves are `hashes`: 2^k concatenated hashes. */
export function completeRoot(hashes: Uint8Array): Buffer {
  let width = hashes.length / HASH_BYTES
  const level = Buffer.from(hashes)
  while (width > 1) {
    width /= 2
    for (let i = 0; i < width; i++) {
      const at = 2 * i * HASH_BYTES
      node.set(level.subarray(at, at + 2 * HASH_BYTES), 1)
      level.set(sha256(node), i * HASH_BYTES)
    }
  }
  return level.subarray(0, HASH_BYTES)
}
