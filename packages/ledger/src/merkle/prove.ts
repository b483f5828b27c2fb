/**
 * @module merkle/prove
 * Inclusion and consistency proofs (RFC 6962 §2.1.1 and §2.1.2) from stored hashes of complete subtrees.
 */
import { nodeHash } from './hash.ts'

/** The hash of the complete subtree of 2^height leaves that starts at leaf index * 2^height. */
export type HashReader = (height: number, index: number) => Promise<Uint8Array>

/** Largest power of two below n, for n > 1: where RFC 6962 splits a tree of n leaves. */
function split(n: number): number {
  let power = 1
  while (power * 2 < n) power *= 2
  return power
}

/** MTH(D[start:end]); `start` is a multiple of the smallest power of two that is at least end - start. */
export async function rangeHash(read: HashReader, start: number, end: number): Promise<Uint8Array> {
  const n = end - start
  const height = Math.round(Math.log2(n))
  if (2 ** height === n) return read(height, start / n)
  const middle = start + split(n)
  return nodeHash(await rangeHash(read, start, middle), await rangeHash(read, middle, end))
}

/** The audit path of leaf `index` in the tree of `size` leaves, leaf side first. The caller checked the ranges. */
export async function proveInclusion(read: HashReader, index: number, size: number): Promise<Uint8Array[]> {
  const proof: Uint8Array[] = []
  let start = 0
  let end = size
  while (end - start > 1) {
    const middle = start + split(end - start)
    if (index < middle) {
      proof.push(await rangeHash(read, middle, end))
      end = middle
    } else {
      proof.push(await rangeHash(read, start, middle))
      start = middle
    }
  }
  return proof.reverse()
}

/** The proof that the tree of `oldSize` leaves is a prefix of that of `size`; 0 < oldSize <= size, checked by the caller. */
export async function proveConsistency(
  read: HashReader,
  oldSize: number,
  size: number,
): Promise<Uint8Array[]> {
  const proof: Uint8Array[] = []
  let start = 0
  let end = size
  let whole = true
  while (oldSize !== end) {
    const middle = start + split(end - start)
    if (oldSize <= middle) {
      proof.push(await rangeHash(read, middle, end))
      end = middle
    } else {
      proof.push(await rangeHash(read, start, middle))
      start = middle
      whole = false
    }
  }
  if (!whole) proof.push(await rangeHash(read, start, end))
  return proof.reverse()
}
