import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { LedgerError } from './errors.ts'
import {
  decodeBundle,
  edgeTiles,
  encodeBundle,
  levelCount,
  levelWidth,
  parseLogPath,
  tilePath,
} from './tiles.ts'

describe('tile paths', () => {
  it('follow the examples of tlog-tiles', () => {
    assert.equal(tilePath({ level: 0, index: 1_234_067, width: 256 }), 'tile/0/x001/x234/067')
    assert.equal(tilePath({ level: 'entries', index: 0, width: 5 }), 'tile/entries/000.p/5')
    assert.equal(tilePath({ level: 63, index: 1000, width: 255 }), 'tile/63/x001/000.p/255')
  })

  it('parse back to the tile they name', () => {
    const level = fc.oneof(fc.integer({ min: 0, max: 63 }), fc.constant('entries' as const))
    const index = fc.oneof(fc.nat(5000), fc.nat({ max: 999_999_999_999_999 }))
    fc.assert(
      fc.property(level, index, fc.integer({ min: 1, max: 256 }), (l, i, width) => {
        const tile = { level: l, index: i, width }
        const kind = l === 'entries' ? 'entries' : 'tile'
        assert.deepEqual(parseLogPath(tilePath(tile)), { kind, tile })
      }),
    )
    assert.deepEqual(parseLogPath('checkpoint'), { kind: 'checkpoint' })
  })

  it('are the only paths that parse', () => {
    const refused = [
      '',
      '/',
      'signing',
      'log.vkey',
      'journal/0000000000000000.seg',
      'checkpoint/',
      '/checkpoint',
      'checkpoint\n',
      'tile',
      'tile/',
      'tile/0',
      'tile/0/',
      'tile/00/000',
      'tile/64/000',
      'tile/-1/000',
      'tile/0/00',
      'tile/0/0000',
      'tile/0/x000/001',
      'tile/0/000/001',
      'tile/0/x001',
      'tile/0/000.p',
      'tile/0/000.p/',
      'tile/0/000.p/0',
      'tile/0/000.p/01',
      'tile/0/000.p/256',
      'tile/0/000.p/5/',
      'tile/0/000.p/5.tmp',
      'tile/0/000.tmp',
      'tile/data/000',
      'tile/entries/../../signing',
      'tile/0/..',
      'tile/0/../0/000',
      'tile//000',
      'tile/0/000\0',
      'TILE/0/000',
      'tile/0/x%30/000',
      `tile/0/${'x999/'.repeat(6)}999`,
      'tile/٠/000',
      'tile/0/٠٠٠',
    ]
    for (const path of refused) assert.equal(parseLogPath(path), undefined, JSON.stringify(path))
    fc.assert(fc.property(fc.string(), (path) => path === 'checkpoint' || parseLogPath(path) === undefined))
  })
})

describe('tile sets', () => {
  it('are those of the specification for 70,000 entries', () => {
    const widths = [0, 1, 2].map((level) => levelWidth(70_000, level))
    assert.deepEqual(widths, [70_000, 273, 1])
    assert.deepEqual(edgeTiles(70_000), [
      { level: 0, index: 273, width: 112 },
      { level: 1, index: 1, width: 17 },
      { level: 2, index: 0, width: 1 },
    ])
  })

  it('have no empty tiles at the boundaries', () => {
    assert.equal(levelCount(0), 0)
    assert.deepEqual(edgeTiles(255), [{ level: 0, index: 0, width: 255 }])
    assert.deepEqual(edgeTiles(256), [{ level: 1, index: 0, width: 1 }])
    assert.deepEqual(edgeTiles(65_536), [{ level: 2, index: 0, width: 1 }])
    assert.equal(levelCount(65_537), 3)
  })
})

describe('entry bundles', () => {
  it('decode to what was encoded', () => {
    const entries = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 256 })
    fc.assert(
      fc.property(entries, (list) => {
        assert.deepEqual(
          decodeBundle(encodeBundle(list)),
          list.map((entry) => Buffer.from(entry)),
        )
      }),
    )
  })

  it('refuse lengths that do not add up, and more than 256 entries', () => {
    const corrupt = (bytes: Buffer) =>
      assert.throws(
        () => decodeBundle(bytes),
        (error) => error instanceof LedgerError && error.code === 'corrupt_tile',
      )
    corrupt(Buffer.of(0))
    corrupt(Buffer.of(0, 2, 1))
    corrupt(encodeBundle(Array.from({ length: 257 }, () => Buffer.of(1))))
  })
})
