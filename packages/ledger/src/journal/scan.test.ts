/**
 * The journal under damage: cut anywhere or flipped anywhere, it opens with everything acknowledged or refuses.
 */
import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import fc from 'fast-check'
import { LedgerError } from '../errors.ts'
import { DIRECTORY, entryOf, newKey, openMemoryLog } from '../testing/fixtures.ts'
import { MemoryFiles } from '../testing/memory-files.ts'
import { FRAME_HEADER_BYTES, SEGMENT_HEADER_BYTES } from './format.ts'
import { scanJournal, segmentFile, usedEnd } from './scan.ts'

const key = newKey()
const JOURNAL = `${DIRECTORY}/journal`
const FIRST = segmentFile(JOURNAL, 0)

interface Fixture {
  disk: MemoryFiles
  size: number
  /** Entries before the last batch. */
  settled: number
  lastFile: string
  /** Offset of the last batch in the last file. */
  lastFrame: number
  end: number
}

const sizeOf = (index: number) => [40, 40, 40, 65_000, 5000][index] ?? 300

/** Four batches, the last of them after the last checkpoint. `close` publishes it too. */
async function build(close: boolean): Promise<Fixture> {
  const files = new MemoryFiles()
  const log = await openMemoryLog(files, key)
  await Promise.all([0, 1, 2].map((i) => log.append(entryOf(i), { attachment: entryOf(i, 30) })))
  await log.append(entryOf(3, sizeOf(3)))
  await log.append(entryOf(4, sizeOf(4)))
  await log.publish()
  const settled = log.size
  await Promise.all([5, 6].map((i) => log.append(entryOf(i, sizeOf(i)))))
  if (close) await log.close()
  const disk = files.afterKill()
  const { lastFrame, positions, size } = await scanJournal(disk, JOURNAL, log.origin, () => undefined)
  const { offset = 0, bytes = Buffer.alloc(0), file = '' } = lastFrame ?? {}
  assert.equal(positions.segments.length, 2, 'the fixture must rotate')
  return { disk, size, settled, lastFile: file, lastFrame: offset, end: offset + bytes.length }
}

/** Opens a damaged copy: the number of entries that are there, or the code of the refusal. */
async function opened(
  fixture: Fixture,
  file: string,
  change: (content: Buffer) => Buffer,
): Promise<number | string> {
  const disk = fixture.disk.afterKill()
  disk.tamper(file, change)
  try {
    const log = await openMemoryLog(disk, key)
    const { size } = log
    for await (const { index, entry } of log.entries()) {
      assert.deepEqual(Buffer.from(entry), entryOf(index, sizeOf(index)))
    }
    await log.close()
    return size
  } catch (error) {
    assert.ok(error instanceof LedgerError, String(error))
    assert.ok(
      error.message.includes(file) || error.message.includes(DIRECTORY),
      `no file in: ${error.message}`,
    )
    return error.code
  }
}

const flip = (at: number, bit: number) => (content: Buffer) => {
  content.writeUInt8(content.readUInt8(at) ^ (1 << bit), at)
  return content
}

describe('a damaged journal', () => {
  let crashed: Fixture
  let closed: Fixture
  before(async () => {
    crashed = await build(false)
    closed = await build(true)
  })

  it('is refused when a byte of anything signed is flipped', async () => {
    const files = [
      ...Array.from({ length: closed.end }, (_, at) => ({ file: closed.lastFile, at })),
      ...Array.from({ length: 600 }, (_, at) => ({ file: FIRST, at: SEGMENT_HEADER_BYTES - 300 + at })),
    ]
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...files), fc.nat(7), async ({ file, at }, bit) => {
        assert.equal(await opened(closed, file, flip(at, bit)), 'corrupt_journal')
      }),
      { numRuns: 150 },
    )
  })

  it('names file and index of the first bad entry', async () => {
    const disk = closed.disk.afterKill()
    const third = SEGMENT_HEADER_BYTES + FRAME_HEADER_BYTES + 2 * (13 + 40 + 30) + 20
    disk.tamper(FIRST, flip(third, 0))
    await assert.rejects(openMemoryLog(disk, key), (error) => {
      assert.ok(error instanceof LedgerError)
      assert.equal(error.code, 'corrupt_journal')
      assert.match(error.message, /0000000000000000\.seg.*entry 2$/)
      return true
    })
  })

  it('loses at most the last unsigned batch to a flip after a crash', async () => {
    const range = fc.integer({ min: crashed.lastFrame, max: crashed.end - 1 })
    await fc.assert(
      fc.asyncProperty(range, fc.nat(7), async (at, bit) => {
        assert.equal(await opened(crashed, crashed.lastFile, flip(at, bit)), crashed.settled)
      }),
      { numRuns: 80 },
    )
  })

  it('is refused when bytes follow a damaged batch, which no unsynced batch can have written', async () => {
    const both = (content: Buffer) => flip(crashed.end + 9, 1)(flip(crashed.end - 5, 0)(content))
    assert.equal(await opened(crashed, crashed.lastFile, both), 'corrupt_journal')
  })

  it('sets a stray byte after the end aside and keeps every entry', async () => {
    const disk = closed.disk.afterKill()
    disk.tamper(closed.lastFile, flip(closed.end + 700, 3))
    const log = await openMemoryLog(disk, key)
    assert.equal(log.size, closed.size)
    assert.equal(log.recovered?.index, closed.size)
    assert.deepEqual(
      disk.content(log.recovered?.file ?? ''),
      Buffer.concat([Buffer.alloc(700), Buffer.of(8)]),
    )
    assert.equal(usedEnd(disk.content(closed.lastFile) ?? Buffer.alloc(0), 0), closed.end)
    await log.append(entryOf(6))
    await log.close()
    const again = await openMemoryLog(disk, key)
    assert.equal(again.size, closed.size + 1)
    await again.close()
  })

  it('is cut back when truncated in the last unsigned batch, refused when in anything signed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(crashed.end + 2000), async (length) => {
        const result = await opened(crashed, crashed.lastFile, (content) => content.subarray(0, length))
        if (length >= crashed.end) assert.equal(result, crashed.size)
        else if (length >= crashed.lastFrame) assert.equal(result, crashed.settled)
        else assert.ok(result === 'truncated' || result === 'corrupt_journal', `length ${length}: ${result}`)
      }),
      { numRuns: 150 },
    )
  })

  it('is refused when a whole segment is missing, swapped or from another log', async () => {
    const gone = closed.disk.afterKill()
    gone.tamper(closed.lastFile, () => undefined)
    await assert.rejects(openMemoryLog(gone, key), { code: 'truncated' })
    const first = closed.disk.afterKill()
    first.tamper(FIRST, () => undefined)
    await assert.rejects(openMemoryLog(first, key), { code: 'corrupt_journal' })
    const twice = closed.disk.content(FIRST) ?? Buffer.alloc(0)
    const swapped = closed.disk.afterKill()
    swapped.tamper(closed.lastFile, () => twice)
    await assert.rejects(openMemoryLog(swapped, key), { code: 'corrupt_journal' })
    await assert.rejects(
      scanJournal(closed.disk, JOURNAL, 'other.example', () => undefined),
      { code: 'wrong_origin' },
    )
  })

  it('survives random bytes in place of the last segment without any other error', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.nat(closed.end), async (noise, at) => {
        const result = await opened(closed, closed.lastFile, (content) => {
          content.set(noise, at)
          return content
        })
        assert.ok(result === closed.size || result === 'corrupt_journal', String(result))
      }),
      { numRuns: 80 },
    )
  })
})

describe('usedEnd', () => {
  it('finds the last byte that is not zero', () => {
    const bytes = Buffer.alloc(200_000)
    assert.equal(usedEnd(bytes, 10), 10)
    for (const at of [0, 9, 10, 65_535, 65_536, 131_072, 199_999]) {
      const marked = Buffer.from(bytes)
      marked[at] = 1
      assert.equal(usedEnd(marked, 10), Math.max(10, at + 1))
    }
  })
})
