import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import fc from 'fast-check'
import { openCheckpoint } from './checkpoint.ts'
import type { Log } from './log.ts'
import { leafHash } from './merkle/hash.ts'
import { verifyConsistency, verifyInclusion } from './merkle/verify-proof.ts'
import { parseVkey } from './note.ts'
import { DIRECTORY, entryOf, newKey, ORIGIN, openMemoryLog, referenceRoot } from './testing/fixtures.ts'
import { MemoryFiles } from './testing/memory-files.ts'
import { verifyReceipt } from './verify.ts'

const key = newKey()
const refused = (work: Promise<unknown>, code: string) => assert.rejects(work, { name: 'LedgerError', code })

async function filled(size: number, files = new MemoryFiles()): Promise<Log> {
  const log = await openMemoryLog(files, key)
  await Promise.all(Array.from({ length: size }, (_, i) => log.append(entryOf(i))))
  return log
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const item of items) list.push(item)
  return list
}

describe('a new log', () => {
  it('is empty, signed and usable at once', async () => {
    const log = await openMemoryLog(new MemoryFiles(), key)
    assert.equal(log.size, 0)
    const { size, note } = log.checkpoint()
    assert.equal(size, 0)
    assert.equal(openCheckpoint(note, parseVkey(log.vkey), ORIGIN).size, 0)
    assert.deepEqual(await collect(log.entries()), [])
    assert.deepEqual(log.status(), {
      size: 0,
      publishedSize: 0,
      queued: 0,
      diskFull: false,
      poisoned: undefined,
      publishError: undefined,
      medium: 'disk',
    })
    await log.close()
  })

  it('is refused a second time in the same process, until closed', async () => {
    const files = new MemoryFiles()
    const log = await openMemoryLog(files, key)
    await refused(openMemoryLog(files, key), 'in_use')
    await refused(openMemoryLog(files, key, { directory: `${DIRECTORY}/../ledger/` }), 'in_use')
    await log.close()
    await (await openMemoryLog(files, key)).close()
  })
})

describe('reading', () => {
  it('gives entries and attachments by index and in order, from all segments', async () => {
    const log = await openMemoryLog(new MemoryFiles(), key)
    const sizes = [10, 60_000, 0, 30_000, 50_000, 5]
    for (const [i, size] of sizes.entries()) {
      await log.append(entryOf(i, size), i % 2 === 0 ? {} : { attachment: entryOf(i, 99) })
    }
    for (const [i, size] of sizes.entries()) {
      assert.deepEqual(Buffer.from(await log.entry(i)), entryOf(i, size))
      assert.deepEqual(await log.attachment(i), i % 2 === 0 ? undefined : entryOf(i, 99))
    }
    const all = await collect(log.entries())
    assert.deepEqual(
      all.map(({ index }) => index),
      [0, 1, 2, 3, 4, 5],
    )
    assert.deepEqual(await collect(log.entries(1, 4)), all.slice(1, 4))
    assert.deepEqual(await collect(log.entries(3, 3)), [])
    await log.close()
  })

  it('refuses what is not there', async () => {
    const log = await filled(3)
    for (const index of [-1, 3, 0.5, Number.NaN, 2 ** 60]) {
      await refused(log.entry(index), 'out_of_range')
      await refused(log.attachment(index), 'out_of_range')
      await refused(log.receipt(index), 'out_of_range')
    }
    await refused(collect(log.entries(0, 4)), 'out_of_range')
    await refused(collect(log.entries(2, 1)), 'out_of_range')
    await refused(log.inclusionProof(3, 3), 'out_of_range')
    await refused(log.inclusionProof(0, 4), 'out_of_range')
    await refused(log.consistencyProof(0, 3), 'out_of_range')
    await refused(log.consistencyProof(3, 2), 'out_of_range')
    await refused(log.receipts([]), 'invalid_argument')
    await refused(log.receipts(Array.from({ length: 257 }, () => 0)), 'invalid_argument')
    await log.close()
  })
})

describe('proofs', () => {
  const SIZE = 1200
  const leaves = Array.from({ length: SIZE }, (_, i) => leafHash(entryOf(i)))
  const root = (size: number) => referenceRoot(leaves.slice(0, size))
  let log: Log
  // Half of the tiles come from the disk, half from memory.
  before(async () => {
    const files = new MemoryFiles()
    const first = await filled(700, files)
    await first.close()
    log = await openMemoryLog(files.afterKill(), key)
    await Promise.all(leaves.slice(700).map((_, i) => log.append(entryOf(700 + i))))
  })

  it('verify between any two sizes and for any entry', async () => {
    const sizes = fc.tuple(fc.integer({ min: 1, max: SIZE }), fc.integer({ min: 1, max: SIZE }), fc.nat(SIZE))
    await fc.assert(
      fc.asyncProperty(sizes, async ([a, b, i]) => {
        const [old, size] = [Math.min(a, b), Math.max(a, b)]
        verifyConsistency(old, size, await log.consistencyProof(old, size), root(old), root(size))
        const index = i % size
        verifyInclusion(
          index,
          size,
          leaves[index] ?? root(0),
          await log.inclusionProof(index, size),
          root(size),
        )
      }),
      { numRuns: 150 },
    )
  })
})

describe('publishing', () => {
  it('shares one publication among callers and covers what was durable when asked', async () => {
    const files = new MemoryFiles()
    const log = await filled(10, files)
    let checkpoints = 0
    files.fault = ({ kind, file }) => {
      if (kind === 'rename' && file.endsWith('/checkpoint')) checkpoints++
      return undefined
    }
    const first = [log.publish(), log.publish()]
    await log.append(entryOf(10))
    const later = [log.publish(), log.publish(), log.publish()]
    assert.deepEqual(
      (await Promise.all(first)).map(({ size }) => size),
      [10, 10],
    )
    assert.deepEqual(
      (await Promise.all(later)).map(({ size }) => size),
      [11, 11, 11],
    )
    assert.equal((await log.publish()).size, 11)
    assert.equal(checkpoints, 2)
    await log.close()
  })

  it('happens by itself a while after an entry, and tries again after a failure', async () => {
    const files = new MemoryFiles()
    const log = await openMemoryLog(files, key, { publishEveryMs: 1 })
    const until = async (done: () => boolean) => {
      while (!done()) await new Promise((resolve) => setTimeout(resolve, 1))
    }
    await log.append(entryOf(0))
    await until(() => log.checkpoint().size === 1)
    files.fault = ({ kind, file }) => (kind === 'rename' && file.endsWith('/checkpoint') ? 'lost' : undefined)
    await log.append(entryOf(1))
    await until(() => log.status().publishError !== undefined)
    assert.equal(log.status().publishError?.code, 'io_error')
    files.fault = undefined
    await until(() => log.checkpoint().size === 2)
    assert.equal(log.status().publishError, undefined)
    await log.close()
  })

  it('leaves exactly the files of the format behind, with partials only where nothing is full', async () => {
    const files = new MemoryFiles()
    const log = await filled(0, files)
    for (const size of [5, 255, 256, 257, 512]) {
      await Promise.all(Array.from({ length: size - log.size }, () => log.append(entryOf(log.size))))
      await log.publish()
    }
    await log.close()
    const published = files.files().filter((file) => file.includes('/tile/'))
    assert.deepEqual(published.map((file) => file.slice(`${DIRECTORY}/tile/`.length)).sort(), [
      '0/000',
      '0/001',
      '1/000.p/1',
      '1/000.p/2',
      'entries/000',
      'entries/001',
    ])
  })

  it('fails with a full disk in words, signs nothing, and works again with room', async () => {
    const files = new MemoryFiles()
    const log = await filled(5, files)
    files.capacity = 0
    await refused(log.publish(), 'disk_full')
    assert.equal(log.checkpoint().size, 0)
    files.capacity = Number.POSITIVE_INFINITY
    assert.equal((await log.publish()).size, 5)
    await log.close()
  })
})

describe('receipts', () => {
  it('carry several entries under one checkpoint, published when needed', async () => {
    const log = await filled(300)
    await log.publish()
    const covered = await log.receipt(7)
    assert.equal(covered.checkpoint, log.checkpoint().note)
    const { index } = await log.append(entryOf(300))
    const receipt = await log.receipts([7, index])
    assert.equal(log.checkpoint().size, 301)
    const result = verifyReceipt(JSON.parse(JSON.stringify(receipt)), { vkey: log.vkey })
    assert.ok(result.ok)
    assert.deepEqual(
      result.entries,
      [7, 300].map((i) => ({ index: i, entry: entryOf(i) })),
    )
    await log.close()
  })

  it('are not given out when the journal holds another entry than the tree', async () => {
    const files = new MemoryFiles()
    const forged = new MemoryFiles()
    const log = await filled(3, files)
    const other = await openMemoryLog(forged, key)
    for (const i of [0, 9, 2]) await other.append(entryOf(i))
    await log.publish()
    const segment = `${DIRECTORY}/journal/0000000000000000.seg`
    files.tamper(segment, () => forged.content(segment))
    // The salt of the segment differs, so the very frame is refused.
    await refused(log.receipt(1), 'corrupt_journal')
    await log.close()
    await other.close()
  })
})

describe('serving', () => {
  it('gives public files with their kind and nothing else of the directory', async () => {
    const log = await filled(300)
    const { note } = await log.publish()
    const kinds = async (name: string) => {
      const file = await log.readPublic(name)
      return file && [file.kind, file.contentType, file.immutable, file.body.length]
    }
    assert.deepEqual(await kinds('checkpoint'), [
      'checkpoint',
      'text/plain; charset=utf-8',
      false,
      note.length + 2,
    ])
    assert.deepEqual(await kinds('tile/0/000'), ['tile', 'application/octet-stream', true, 8192])
    assert.deepEqual(await kinds('tile/0/001.p/44'), ['tile', 'application/octet-stream', true, 44 * 32])
    assert.deepEqual(await kinds('tile/entries/001.p/44'), [
      'entries',
      'application/octet-stream',
      true,
      44 * 42,
    ])
    for (const name of [
      'signing',
      'log.vkey',
      'journal/reserve',
      '../secret',
      'tile/0/002',
      'tile/0/001.p/43',
      '',
    ]) {
      assert.equal(await kinds(name), undefined, name)
    }
    await log.close()
  })
})

describe('closing', () => {
  it('makes the queue durable, publishes, refuses what comes after, and is idempotent', async () => {
    const files = new MemoryFiles()
    const log = await filled(2, files)
    const queued = log.append(entryOf(2))
    const closing = log.close()
    assert.equal(log.close(), closing)
    await refused(log.append(entryOf(3)), 'closed')
    await refused(log.publish(), 'closed')
    await refused(log.entry(0), 'closed')
    await closing
    assert.deepEqual(await queued, { index: 2 })
    const again = await openMemoryLog(files, key)
    assert.equal(again.checkpoint().size, 3)
    await again.close()
  })

  it('frees the directory even when the last publication fails', async () => {
    const files = new MemoryFiles()
    const log = await filled(2, files)
    files.fault = ({ kind }) => (kind === 'rename' ? 'lost' : undefined)
    await refused(log.close(), 'io_error')
    files.fault = undefined
    const again = await openMemoryLog(files, key)
    assert.equal(again.size, 2)
    await again.close()
  })
})
