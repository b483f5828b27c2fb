import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { LedgerError } from '../errors.ts'
import { referenceRoot } from '../testing/fixtures.ts'
import { completeRoot, emptyRoot, leafHash, MAX_ENTRY_BYTES, nodeHash, sha256 } from './hash.ts'
import { type HashReader, proveConsistency, proveInclusion, rangeHash } from './prove.ts'
import {
  MAX_PROOF_HASHES,
  rootFromInclusion,
  verifyConsistency,
  verifyInclusion,
  verifySubtreeConsistency,
  verifySubtreeInclusion,
} from './verify-proof.ts'

const leaves = Array.from({ length: 300 }, (_, i) => leafHash(Buffer.from(`leaf ${i}`)))
const root = (size: number) => referenceRoot(leaves.slice(0, size))
const read: HashReader = async (height, index) =>
  referenceRoot(leaves.slice(index * 2 ** height, (index + 1) * 2 ** height))

const refused = (check: () => unknown) =>
  assert.throws(check, (error) => error instanceof LedgerError && error.code === 'bad_proof')

/** Every way to change a proof by one hash or one bit. */
function* mutations(proof: readonly Uint8Array[]): Generator<Uint8Array[]> {
  for (let i = 0; i < proof.length; i++) {
    yield proof.toSpliced(i, 1)
    const flipped = Buffer.from(proof[i] ?? [])
    flipped.writeUInt8(flipped.readUInt8(i % 32) ^ (1 << (i % 8)), i % 32)
    yield proof.with(i, flipped)
  }
  yield [...proof, sha256(Buffer.of(1))]
  yield [sha256(Buffer.of(1)), ...proof]
}

describe('hashing', () => {
  it('gives the published values of RFC 6962', () => {
    // The empty tree and the single empty leaf, as printed in certificate-transparency test vectors.
    assert.equal(
      emptyRoot().toString('hex'),
      'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    )
    assert.equal(
      leafHash(Buffer.alloc(0)).toString('hex'),
      '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
    )
  })

  it('separates leaves from nodes and takes the largest entry', () => {
    const [a, b] = [leafHash(Buffer.of(1)), leafHash(Buffer.of(2))]
    assert.notDeepEqual(leafHash(Buffer.concat([a, b])), nodeHash(a, b))
    const large = Buffer.alloc(MAX_ENTRY_BYTES, 5)
    assert.deepEqual(leafHash(large), sha256(Buffer.concat([Buffer.of(0), large])))
  })

  it('folds complete subtrees', () => {
    for (const width of [1, 2, 8, 256]) {
      assert.deepEqual(completeRoot(Buffer.concat(leaves.slice(0, width))), Buffer.from(root(width)))
    }
  })
})

describe('inclusion proofs', () => {
  it('verify for every leaf of every size, and no mutation does', async () => {
    const cases = fc
      .integer({ min: 1, max: 300 })
      .chain((size) => fc.tuple(fc.constant(size), fc.nat(size - 1)))
    await fc.assert(
      fc.asyncProperty(cases, async ([size, index]) => {
        const proof = await proveInclusion(read, index, size)
        const leaf = leaves[index] ?? emptyRoot()
        verifyInclusion(index, size, leaf, proof, root(size))
        for (const changed of mutations(proof)) {
          refused(() => verifyInclusion(index, size, leaf, changed, root(size)))
        }
        const other = leaves[(index + 1) % 300] ?? emptyRoot()
        refused(() => verifyInclusion(index, size, other, proof, root(size)))
        if (index + 1 < size) refused(() => verifyInclusion(index + 1, size, leaf, proof, root(size)))
        refused(() => verifyInclusion(index, size, leaf, proof, nodeHash(leaf, leaf)))
      }),
    )
  })

  it('refuse sizes, indexes and hashes outside their range', () => {
    const [leaf = emptyRoot()] = leaves
    const proofOf = (n: number) => Array.from({ length: n }, () => leaf)
    for (const [index, size] of [
      [0, 0],
      [1, 1],
      [-1, 2],
      [0.5, 2],
      [0, 2 ** 53],
      [Number.NaN, 2],
    ] as const) {
      refused(() => rootFromInclusion(index, size, leaf, []))
    }
    refused(() => rootFromInclusion(0, 2, leaf.subarray(1), [leaf]))
    refused(() => rootFromInclusion(0, 2, leaf, [leaf.subarray(0, 31)]))
    refused(() => rootFromInclusion(0, 2, leaf, proofOf(MAX_PROOF_HASHES + 1)))
    // A tree larger than any 32-bit operator can count.
    assert.equal(rootFromInclusion(2 ** 40, 2 ** 40 + 1, leaf, [leaf]).length, 32)
  })
})

describe('consistency proofs', () => {
  it('verify between all sizes, and no mutation does', async () => {
    const cases = fc
      .integer({ min: 1, max: 300 })
      .chain((size) => fc.tuple(fc.constant(size), fc.integer({ min: 1, max: size })))
    await fc.assert(
      fc.asyncProperty(cases, async ([size, old]) => {
        const proof = await proveConsistency(read, old, size)
        verifyConsistency(old, size, proof, root(old), root(size))
        for (const changed of mutations(proof)) {
          refused(() => verifyConsistency(old, size, changed, root(old), root(size)))
        }
        if (old < size) refused(() => verifyConsistency(old, size, proof, root(size), root(old)))
      }),
    )
  })

  it('refuse the empty tree, a shrinking tree and another root', () => {
    refused(() => verifyConsistency(0, 5, [], emptyRoot(), root(5)))
    refused(() => verifyConsistency(0, 0, [], emptyRoot(), emptyRoot()))
    refused(() => verifyConsistency(6, 5, [], root(6), root(5)))
    refused(() => verifyConsistency(5, 5, [], root(5), root(6)))
    refused(() => verifyConsistency(4, 5, [leaves[4] ?? emptyRoot()], root(4).subarray(1), root(5)))
    verifyConsistency(4, 5, [leaves[4] ?? emptyRoot()], root(4), root(5))
  })
})

describe('subtree proofs', () => {
  it('verify what the whole-tree proofs of the subtree give', async () => {
    const [start, end, size] = [8, 14, 21]
    const inner = await rangeHash(read, start, end)
    const shifted: HashReader = (height, index) => read(height, index + start / 2 ** height)
    for (let index = start; index < end; index++) {
      const proof = await proveInclusion(shifted, index - start, end - start)
      verifySubtreeInclusion(index, start, end, leaves[index] ?? emptyRoot(), proof, inner)
    }
    refused(() => verifySubtreeInclusion(7, start, end, leaves[7] ?? emptyRoot(), [], inner))
    refused(() => verifySubtreeConsistency(9, 14, size, [], inner, root(size)))
    refused(() => verifySubtreeConsistency(14, 8, size, [], inner, root(size)))
  })
})
