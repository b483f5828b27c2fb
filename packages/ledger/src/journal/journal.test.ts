import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Log } from '../log.ts'
import { DIRECTORY, entryOf, newKey, openMemoryLog, SMALL } from '../testing/fixtures.ts'
import { MemoryFiles } from '../testing/memory-files.ts'

const key = newKey()
const JOURNAL = `${DIRECTORY}/journal`
const refused = (work: Promise<unknown>, code: string) => assert.rejects(work, { name: 'LedgerError', code })

/** A disk whose journal syncs wait until they are let go. */
function gatedDisk() {
  const files = new MemoryFiles()
  const waiting: (() => void)[] = []
  const open = files.open.bind(files)
  let gated = false
  let syncs = 0
  files.open = async (file, mode) => {
    const handle = await open(file, mode)
    if (mode !== 'durable') return handle
    const write = async (bytes: Uint8Array, position: number) => {
      if (gated) await new Promise<void>((resolve) => waiting.push(resolve))
      syncs++
      return handle.write(bytes, position)
    }
    return { ...handle, write }
  }
  return {
    files,
    close: () => {
      gated = true
    },
    /** Lets one sync through and waits until its waiters ran. */
    letOne: async () => {
      while (waiting.length === 0) await new Promise((resolve) => setImmediate(resolve))
      waiting.shift()?.()
      for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve))
    },
    open: () => {
      gated = false
      for (const go of waiting.splice(0)) go()
    },
    syncs: () => syncs,
  }
}

describe('group commit', () => {
  it('acknowledges only after the sync, and gathers the next batch meanwhile', async () => {
    const disk = gatedDisk()
    const log = await openMemoryLog(disk.files, key)
    disk.close()
    const before = disk.syncs()
    const acknowledged: number[] = []
    const append = (i: number) => log.append(entryOf(i)).then(({ index }) => acknowledged.push(index))
    const first = append(0)
    for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve))
    const others = Promise.all([append(1), append(2), append(3)])
    for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual(acknowledged, [])
    assert.equal(log.size, 0, 'the tree must not advance before the bytes are durable')
    assert.equal(log.status().queued, 4)
    await disk.letOne()
    assert.deepEqual(acknowledged, [0])
    await disk.letOne()
    assert.deepEqual(acknowledged, [0, 1, 2, 3])
    assert.equal(disk.syncs() - before, 2)
    await Promise.all([first, others])
    disk.open()
    await log.close()
  })

  it('bounds what waits, by entries and by bytes', async () => {
    for (const limit of [{ maxQueueEntries: 3 }, { maxQueueBytes: 300 }]) {
      const log = await openMemoryLog(new MemoryFiles(), key, limit)
      const accepted = [0, 1, 2].map((i) => log.append(entryOf(i)))
      await refused(log.append(entryOf(3, 200)), 'queue_full')
      assert.deepEqual(await Promise.all(accepted), [{ index: 0 }, { index: 1 }, { index: 2 }])
      assert.deepEqual(await log.append(entryOf(3, 200)), { index: 3 })
      await log.close()
    }
  })

  it('splits what was submitted at once into frames of bounded size', async () => {
    const log = await openMemoryLog(new MemoryFiles(), key, { maxBatchBytes: 500 })
    const acks = await Promise.all(Array.from({ length: 40 }, (_, i) => log.append(entryOf(i, 100))))
    assert.deepEqual(
      acks.map(({ index }) => index),
      Array.from({ length: 40 }, (_, i) => i),
    )
    assert.deepEqual(Buffer.from(await log.entry(39)), entryOf(39, 100))
    await log.close()
  })

  it('copies at the call, so the caller may reuse its buffers', async () => {
    const log = await openMemoryLog(new MemoryFiles(), key)
    const entry = Buffer.from('before')
    const attachment = Buffer.from('sealed')
    const ack = log.append(entry, { attachment })
    entry.fill(0)
    attachment.fill(0)
    const { index } = await ack
    assert.equal(Buffer.from(await log.entry(index)).toString(), 'before')
    assert.equal(Buffer.from((await log.attachment(index)) ?? []).toString(), 'sealed')
    await log.close()
  })

  it('takes the largest record and refuses a larger one', async () => {
    const log = await openMemoryLog(new MemoryFiles(), key)
    for (let i = 0; i < 3; i++) {
      assert.deepEqual(await log.append(entryOf(i, 65_535), { attachment: entryOf(i, 1024) }), { index: i })
    }
    await refused(log.append(entryOf(0, 65_536)), 'too_large')
    await refused(log.append(entryOf(0), { attachment: entryOf(0, 1025) }), 'too_large')
    assert.deepEqual(Buffer.from(await log.entry(2)), entryOf(2, 65_535))
    await log.close()
  })
})

describe('one batch durable, the next on its way', () => {
  it('acknowledges nothing before its sync, and what is durable whatever becomes of the next', async () => {
    const files = new MemoryFiles()
    const log = await openMemoryLog(files, key)
    const acknowledged: number[] = []
    const append = (id: number) => log.append(entryOf(id)).then(({ index }) => acknowledged.push(index))
    const seen: number[][] = []
    files.fault = (operation) => {
      if (operation.kind !== 'datasync' || !operation.file.startsWith(JOURNAL)) return undefined
      seen.push([...acknowledged])
      return seen.length === 3 ? 'lost' : undefined
    }
    const first = append(0)
    await new Promise((resolve) => setImmediate(resolve))
    const second = append(1)
    await first
    // Until the second is on its way, the third would join it.
    await new Promise((resolve) => setImmediate(resolve))
    const third = append(2)
    await second
    await refused(third, 'unknown_outcome')
    assert.deepEqual(seen, [[], [0], [0, 1]])
    assert.deepEqual(acknowledged, [0, 1])
    assert.equal(log.size, 2)
    await log.close()
  })

  for (const overlapping of [true, false])
    it(`loses nothing that was acknowledged, wherever the power goes while many submit (${overlapping})`, () =>
      losesNothing(() => overlapping))

  async function losesNothing(overlaps: () => boolean) {
    for (let at = 1; at <= 9; at += 2) {
      const files = new MemoryFiles()
      const log = await openMemoryLog(files, key, { overlaps })
      const acknowledged = new Map<number, number>()
      let syncs = 0
      let left: { disk: MemoryFiles; acknowledged: Map<number, number> } | undefined
      files.fault = (operation) => {
        if (operation.kind === 'datasync' && operation.file.startsWith(JOURNAL) && ++syncs === at)
          left = { disk: files.afterCrash(() => false), acknowledged: new Map(acknowledged) }
        return undefined
      }
      const submit = async (_: unknown, who: number) => {
        for (let turn = 0; turn < 12; turn++) {
          const id = who * 100 + turn
          acknowledged.set((await log.append(entryOf(id))).index, id)
        }
      }
      await Promise.all(Array.from({ length: 100 }, submit))
      await log.close()
      assert.equal(acknowledged.size, 1200, 'each has an index of its own')
      assert.ok(left !== undefined && (at === 1) === (left.acknowledged.size === 0))
      const again = await openMemoryLog(left.disk, key)
      for (const [index, id] of left.acknowledged)
        assert.deepEqual(Buffer.from(await again.entry(index)), entryOf(id))
      await again.close()
    }
  }

  it('tells half while the next is on its way, and the rest whatever becomes of that', async () => {
    const files = new MemoryFiles()
    const log = await openMemoryLog(files, key, { overlaps: () => true })
    const told: number[] = []
    const lost: number[] = []
    let syncs = 0
    const seen: number[] = []
    files.fault = (operation) => {
      if (operation.kind !== 'datasync' || !operation.file.startsWith(JOURNAL)) return undefined
      seen.push(told.length)
      return ++syncs === 4 ? 'lost' : undefined
    }
    const submit = async (_: unknown, who: number) => {
      for (let turn = 0; turn < 4; turn++) {
        const appended = await log.append(entryOf(who * 10 + turn)).catch(() => null)
        if (appended === null) {
          lost.push(who)
          return
        }
        told.push(appended.index)
      }
    }
    await Promise.all(Array.from({ length: 100 }, submit))
    // When a batch reaches the disk, everybody before it was told: first all at once, from then on half by half.
    assert.deepEqual(seen, [0, 100, 200, 250])
    assert.deepEqual(
      told,
      [...told].sort((a, b) => a - b),
    )
    assert.equal(told.length, log.size)
    assert.equal(lost.length, 100)
    await log.close()
    const again = await openMemoryLog(
      files.afterCrash(() => false),
      key,
    )
    assert.ok(again.size >= told.length, 'what was told is there')
    await again.close()
  })

  it('leaves nobody waiting who submits some turns after an acknowledgement', async () => {
    const log = await openMemoryLog(new MemoryFiles(), key)
    for (let turns = 0; turns < 12; turns++) {
      await log.append(entryOf(turns))
      for (let turn = 0; turn < turns; turn++) await undefined
      await log.append(entryOf(turns))
    }
    assert.equal(log.size, 24)
    await log.close()
  })
})

describe('a failed write or sync', () => {
  for (const kind of ['write', 'datasync'] as const) {
    it(`poisons the log (${kind}): waiters learn that the outcome is unknown, nothing is retried`, async () => {
      const files = new MemoryFiles()
      const log = await openMemoryLog(files, key)
      await log.append(entryOf(0))
      let failures = 0
      files.fault = (operation) => {
        if (operation.kind !== kind || !operation.file.startsWith(JOURNAL)) return undefined
        failures++
        return 'lost'
      }
      const waiting = [log.append(entryOf(1)), log.append(entryOf(2))]
      await new Promise((resolve) => setImmediate(resolve))
      waiting.push(log.append(entryOf(3)))
      for (const waiter of waiting) await refused(waiter, 'unknown_outcome')
      assert.equal(failures, 1)
      await refused(log.append(entryOf(4)), 'poisoned')
      assert.equal(failures, 1, 'no second attempt on the same descriptor')
      assert.equal(log.status().poisoned?.code, 'poisoned')
      assert.equal(log.size, 1)
      files.fault = undefined
      assert.deepEqual(Buffer.from(await log.entry(0)), entryOf(0), 'what was durable stays readable')
      assert.equal((await log.receipt(0)).entries.length, 1)
      await log.close()
      const again = await openMemoryLog(files.afterKill(), key)
      assert.ok(again.size >= 1)
      await again.append(entryOf(4))
      await again.close()
    })
  }
})

describe('a full disk', () => {
  /** Appends until refused; returns how many got in. */
  async function fill(log: Log, kind: 'ordinary' | 'essential'): Promise<number> {
    for (let count = 0; count < 1000; count++) {
      try {
        await log.append(entryOf(count, 4000), { class: kind })
      } catch (error) {
        assert.deepEqual(error instanceof Error && 'code' in error && error.code, 'disk_full')
        return count
      }
    }
    return assert.fail('the disk never filled')
  }

  it('refuses ordinary entries first, keeps a reserve for essential ones, and recovers by itself', async () => {
    let now = 0
    const files = new MemoryFiles()
    const log = await openMemoryLog(files, key, { clock: () => now })
    await log.append(entryOf(0))
    // Room for what exists, and a little for checkpoints and tiles, but for no segment.
    const used = files.files().reduce((sum, file) => sum + (files.content(file)?.length ?? 0), 0)
    files.capacity = used + SMALL.segmentBytes / 2
    const ordinary = await fill(log, 'ordinary')
    assert.ok(ordinary > 0 && log.status().diskFull)
    assert.equal(log.status().poisoned, undefined)
    const essential = await fill(log, 'essential')
    assert.ok(essential >= 10, `only ${essential} essential entries fitted`)
    await refused(log.append(entryOf(1, 4000)), 'disk_full')
    assert.equal(log.size, 1 + ordinary + essential)

    files.capacity = Number.POSITIVE_INFINITY
    await refused(log.append(entryOf(1, 4000)), 'disk_full')
    now += 1000
    await refused(log.append(entryOf(1, 4000)), 'disk_full')
    while (log.status().diskFull) await new Promise((resolve) => setImmediate(resolve))
    await log.append(entryOf(1, 4000))
    assert.ok((await files.list(JOURNAL)).includes('reserve'), 'the reserve is filled up again')
    const { size } = log
    await log.close()
    assert.equal((await openMemoryLog(files.afterKill(), key, { check: 'full' })).size, size)
  })

  it('sorts a mixed batch that was accepted before the disk was known to be full', async () => {
    const files = new MemoryFiles()
    const log = await openMemoryLog(files, key)
    await log.append(entryOf(0, 65_000))
    // The spare made after the next rotation waits, and then finds no room.
    let go = () => undefined as unknown
    const gate = new Promise<void>((resolve) => {
      go = resolve
    })
    const open = files.open.bind(files)
    files.open = async (file, mode) => {
      if (file.endsWith('/next.new')) await gate
      return open(file, mode)
    }
    files.capacity = 0
    await log.append(entryOf(1, 65_000))
    const mixed = [
      log.append(entryOf(2, 30_000)),
      log.append(entryOf(3, 30_000), { class: 'essential' }),
      log.append(entryOf(4, 30_000)),
    ]
    go()
    const outcomes = await Promise.allSettled(mixed)
    assert.deepEqual(
      outcomes.map((outcome) => (outcome.status === 'rejected' ? outcome.reason.code : outcome.value)),
      ['disk_full', { index: 2 }, 'disk_full'],
    )
    assert.equal(log.status().queued, 0)
    files.capacity = Number.POSITIVE_INFINITY
    await log.close()
    const again = await openMemoryLog(files.afterKill(), key, { check: 'full' })
    assert.deepEqual(Buffer.from(await again.entry(2)), entryOf(3, 30_000))
    assert.equal(again.size, 3)
    await again.close()
  })

  it('refuses to start a log that has no room for its first segment', async () => {
    const files = new MemoryFiles()
    files.capacity = 1000
    await refused(openMemoryLog(files, key), 'disk_full')
  })
})
