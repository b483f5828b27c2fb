/**
 * @module merkle/verify-proof
 * Checks of inclusion and consistency proofs: RFC 9162 §2.1.3.2 and §2.1.4.2, and their generalisation to subtrees
 * [start, end) of draft-ietf-plants-merkle-tree-certs §4, of which the plain proofs are the case start = 0.
 * Sizes are safe integers, halved by arithmetic: the 32-bit operators would wrap at 2^31.
 */
import { LedgerError } from '../errors.ts'
import { emptyRoot, HASH_BYTES, nodeHash } from './hash.ts'

/** Longest proof for any safe size: one hash a level on each side, plus the start of a consistency proof. */
export const MAX_PROOF_HASHES = 65

const bad = (why: string) => new LedgerError('bad_proof', why)
const half = (n: number) => Math.floor(n / 2)
const odd = (n: number) => n % 2 === 1

function checkHash(hash: Uint8Array): void {
  if (hash.length !== HASH_BYTES) throw bad(`a hash has ${hash.length} bytes instead of ${HASH_BYTES}`)
}

function checkProof(proof: readonly Uint8Array[]): void {
  if (proof.length > MAX_PROOF_HASHES) throw bad(`the proof has ${proof.length} hashes`)
  for (const hash of proof) checkHash(hash)
}

function checkSize(size: number): void {
  if (!Number.isSafeInteger(size) || size < 0) throw bad('a size or index is not a safe integer')
}

/** Smallest power of two that is at least n. */
function powerCeiling(n: number): number {
  let power = 1
  while (power < n) power *= 2
  return power
}

function checkSubtree(start: number, end: number): void {
  checkSize(start)
  checkSize(end)
  if (start > end) throw bad('the subtree ends before it starts')
  if (start % powerCeiling(end - start) !== 0) throw bad('the subtree is not aligned')
}

const equal = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0

/**
 * The root that `proof` gives for the leaf hash at `index` in a tree of `size` leaves.
 * @throws LedgerError `bad_proof` when the proof cannot belong to that index and size.
 */
export function rootFromInclusion(
  index: number,
  size: number,
  leaf: Uint8Array,
  proof: readonly Uint8Array[],
): Uint8Array {
  checkSize(index)
  checkSize(size)
  checkHash(leaf)
  checkProof(proof)
  if (index >= size) throw bad(`index ${index} is not below size ${size}`)
  let position = index
  let last = size - 1
  let root = leaf
  for (const sibling of proof) {
    if (last === 0) throw bad('the proof is too long')
    if (odd(position) || position === last) {
      root = nodeHash(sibling, root)
      while (!odd(position) && position !== 0) {
        position = half(position)
        last = half(last)
      }
    } else {
      root = nodeHash(root, sibling)
    }
    position = half(position)
    last = half(last)
  }
  if (last !== 0) throw bad('the proof is too short')
  return root
}

/** Throws `bad_proof` unless the leaf hash is at `index` of the tree with this size and root. */
export function verifyInclusion(
  index: number,
  size: number,
  leaf: Uint8Array,
  proof: readonly Uint8Array[],
  root: Uint8Array,
): void {
  checkHash(root)
  if (!equal(rootFromInclusion(index, size, leaf, proof), root)) throw bad('the proof gives another root')
}

/** Inclusion of the leaf at `index` of the whole log in the subtree [start, end). */
export function verifySubtreeInclusion(
  index: number,
  start: number,
  end: number,
  leaf: Uint8Array,
  proof: readonly Uint8Array[],
  root: Uint8Array,
): void {
  checkSubtree(start, end)
  if (index < start) throw bad(`index ${index} is before the subtree`)
  verifyInclusion(index - start, end - start, leaf, proof, root)
}

/** Throws `bad_proof` unless the subtree [start, end) with root `inner` is part of the tree with `size` and `outer`. */
export function verifySubtreeConsistency(
  start: number,
  end: number,
  size: number,
  proof: readonly Uint8Array[],
  inner: Uint8Array,
  outer: Uint8Array,
): void {
  checkSubtree(start, end)
  checkSize(size)
  checkProof(proof)
  if (end > size) throw bad(`size ${end} is above size ${size}`)
  if (start === end || (start === 0 && end === size)) {
    // Nothing is hashed here: the empty subtree is part of every tree, and every tree is part of itself.
    const expected = start === end ? emptyRoot() : outer
    if (proof.length > 0) throw bad('the proof is not empty')
    if (!equal(inner, expected)) throw bad('the roots differ')
    return
  }
  checkHash(inner)
  checkHash(outer)
  let first = start
  let last = end - 1
  let top = size - 1
  const shift = () => {
    first = half(first)
    last = half(last)
    top = half(top)
  }
  // Down to the first node at which the two trees can differ; it is the subtree itself when that is complete.
  const toTheEdge = last === top
  while (first !== last && (toTheEdge || odd(last))) shift()
  let rest = proof
  let seed: Uint8Array = inner
  if (first !== last) {
    const head = proof[0]
    if (head === undefined) throw bad('the proof is empty')
    seed = head
    rest = proof.slice(1)
  }
  let innerRoot = seed
  let outerRoot = seed
  for (const sibling of rest) {
    if (top === 0) throw bad('the proof is too long')
    if (odd(last) || last === top) {
      if (first < last) innerRoot = nodeHash(sibling, innerRoot)
      outerRoot = nodeHash(sibling, outerRoot)
      while (!odd(last)) shift()
    } else {
      outerRoot = nodeHash(outerRoot, sibling)
    }
    shift()
  }
  if (top !== 0) throw bad('the proof is too short')
  if (!equal(innerRoot, inner)) throw bad('the proof gives another first root')
  if (!equal(outerRoot, outer)) throw bad('the proof gives another second root')
}

/**
 * Throws `bad_proof` unless the tree with `oldSize` and `oldRoot` is a prefix of the tree with `size` and `root`.
 * `oldSize` 0 is refused: every tree extends the empty one, so there is nothing a proof could show.
 */
export function verifyConsistency(
  oldSize: number,
  size: number,
  proof: readonly Uint8Array[],
  oldRoot: Uint8Array,
  root: Uint8Array,
): void {
  if (oldSize === 0) throw bad('consistency with the empty tree needs no proof')
  verifySubtreeConsistency(0, oldSize, size, proof, oldRoot, root)
}
