import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { completeRoot, emptyRoot, HASH_BYTES, leafHash } from './merkle/hash.ts'
import { referenceRoot } from './testing/fixtures.ts'
import { edgeTiles, levelCount, levelWidth, TILE_WIDTH } from './tiles.ts'
import { foldRange, Tree } from './tree.ts'

const BOUNDARIES = [0, 1, 2, 255, 256, 257, 511, 512, 65_535, 65_536, 65_537, 70_000]
const leaves = Array.from({ length: 70_000 }, (_, i) => leafHash(Buffer.from(String(i))))

/** Grows one tree through all sizes and stops at each. */
function* grow(): Generator<{ size: number; tree: Tree }> {
  const tree = new Tree()
  for (const size of BOUNDARIES) {
    for (const leaf of leaves.slice(tree.size, size)) tree.push(leaf)
    yield { size, tree }
  }
}

describe('tree', () => {
  it('has the RFC 6962 root at every boundary size', () => {
    for (const { size, tree } of grow()) {
      assert.equal(tree.size, size)
      assert.deepEqual(tree.root(), Buffer.from(referenceRoot(leaves.slice(0, size))), `size ${size}`)
    }
  })

  it('has exactly the tiles of the format at every boundary size, each with the right hashes', () => {
    for (const { size, tree } of grow()) {
      const { full, partial } = tree.snapshot()
      for (let level = 0; level < levelCount(size); level++) {
        const expected = Math.floor(levelWidth(size, level) / TILE_WIDTH)
        assert.equal(
          full.filter(({ tile }) => tile.level === level).length,
          expected,
          `size ${size}, level ${level}`,
        )
      }
      assert.deepEqual(
        partial.map(({ tile }) => tile),
        edgeTiles(size),
      )
      for (const { tile, hashes } of [...full, ...partial]) {
        assert.equal(hashes.length, tile.width * HASH_BYTES)
        if (tile.level === 'entries') assert.fail('a tree has no entry bundles')
        const span = TILE_WIDTH ** tile.level
        for (const place of [0, tile.width - 1]) {
          const first = (tile.index * TILE_WIDTH + place) * span
          const expected = referenceRoot(leaves.slice(first, first + span))
          assert.deepEqual(
            hashes.subarray(place * HASH_BYTES, (place + 1) * HASH_BYTES),
            Buffer.from(expected),
          )
        }
      }
    }
  })

  it('is the same after a restore from its edge tiles, and grows on alike', () => {
    for (const { size, tree } of grow()) {
      const restored = Tree.restore(
        size,
        (level) => tree.tile(level, Math.floor(levelWidth(size, level) / 256)) ?? Buffer.alloc(0),
      )
      assert.deepEqual(restored.root(), tree.root())
      assert.deepEqual(restored.snapshot().partial, tree.snapshot().partial)
      const straight = new Tree()
      for (const leaf of leaves.slice(0, Math.min(size, 600))) straight.push(leaf)
      if (size > 600) continue
      for (const leaf of leaves.slice(1000, 1300)) {
        restored.push(leaf)
        straight.push(leaf)
      }
      assert.deepEqual(restored.root(), straight.root())
    }
  })

  it('keeps a snapshot unchanged while it grows', () => {
    const tree = new Tree()
    for (const leaf of leaves.slice(0, 300)) tree.push(leaf)
    const before = tree.snapshot()
    const copy = Buffer.from(before.partial[0]?.hashes ?? [])
    for (const leaf of leaves.slice(300, 700)) tree.push(leaf)
    assert.deepEqual(before.partial[0]?.hashes, copy)
    assert.equal(before.full.length, 1)
  })

  it('gives full tiles from memory until they are released', () => {
    const tree = new Tree()
    for (const leaf of leaves.slice(0, 256)) tree.push(leaf)
    const tile = tree.tile(0, 0)
    assert.deepEqual(completeRoot(tile ?? Buffer.alloc(32)), tree.root())
    tree.release(tree.snapshot().full)
    assert.equal(tree.tile(0, 0), undefined)
    assert.deepEqual(tree.tile(1, 0), tree.root())
  })

  it('folds an empty range into the empty root', () => {
    assert.deepEqual(foldRange([]), emptyRoot())
  })
})
