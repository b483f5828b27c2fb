/** One row for each invariant that opening checks: how it is broken, and how it is refused. */
import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { formatCheckpoint, parseCheckpoint, signCheckpoint } from './checkpoint.ts'
import { LedgerError, type LedgerErrorCode } from './errors.ts'
import { segmentFile } from './journal/scan.ts'
import { leafHash } from './merkle/hash.ts'
import { noteSigner, parseNote, signNote } from './note.ts'
import { DIRECTORY, entryOf, newKey, ORIGIN, openMemoryLog } from './testing/fixtures.ts'
import { MemoryFiles } from './testing/memory-files.ts'
import { encodeBundle } from './tiles.ts'

const key = newKey()
const signer = noteSigner(ORIGIN, key)
const at = (name: string) => `${DIRECTORY}/${name}`
const text = (change: (content: string) => string) => (content: Buffer) =>
  Buffer.from(change(content.toString()))
const flip = (offset: number) => (content: Buffer) => {
  content.writeUInt8(content.readUInt8(offset) ^ 1, offset)
  return content
}
const gone = () => undefined

const SIZE = 600
let whole: MemoryFiles
/** The same log when it had 300 entries: an old backup. */
let old: MemoryFiles

before(async () => {
  whole = new MemoryFiles()
  const log = await openMemoryLog(whole, key)
  await Promise.all(Array.from({ length: 300 }, (_, i) => log.append(entryOf(i))))
  await log.publish()
  old = whole.afterKill()
  await Promise.all(Array.from({ length: SIZE - 300 }, (_, i) => log.append(entryOf(300 + i))))
  await log.close()
})

interface Row {
  broken: string
  tamper: (disk: MemoryFiles) => void
  code: LedgerErrorCode
  /** What the message must name. */
  names: RegExp
}

/** Signs another checkpoint over what is there. */
const resign = (
  change: (checkpoint: ReturnType<typeof parseCheckpoint>) => ReturnType<typeof parseCheckpoint>,
) => text((note) => signCheckpoint(change(parseCheckpoint(parseNote(note).text)), signer))

const signingState = (change: Record<string, unknown>) =>
  text((json) => JSON.stringify({ ...JSON.parse(json), ...change }))

const rows: Row[] = [
  {
    broken: 'the journal is an old backup',
    tamper: (disk) =>
      disk.tamper(segmentFile(at('journal'), 0), () => old.content(segmentFile(at('journal'), 0))),
    code: 'truncated',
    names: /ends at entry 300, but size 600/,
  },
  {
    broken: 'the journal is missing',
    tamper: (disk) => disk.tamper(segmentFile(at('journal'), 0), gone),
    code: 'truncated',
    names: /journal is missing/,
  },
  {
    broken: 'the signing state is missing',
    tamper: (disk) => disk.tamper(at('signing'), gone),
    code: 'corrupt_state',
    names: /no signing state/,
  },
  {
    broken: 'signing state and checkpoint are missing',
    tamper: (disk) => {
      disk.tamper(at('signing'), gone)
      disk.tamper(at('checkpoint'), gone)
    },
    code: 'corrupt_state',
    names: /600 entries but no signing state/,
  },
  {
    broken: 'the signing state is not JSON',
    tamper: (disk) => disk.tamper(at('signing'), () => Buffer.from('{')),
    code: 'corrupt_state',
    names: /signing/,
  },
  {
    broken: 'the signing state has a size that is no size',
    tamper: (disk) => disk.tamper(at('signing'), signingState({ size: -1 })),
    code: 'corrupt_state',
    names: /signing/,
  },
  {
    broken: 'the signing state is behind the checkpoint',
    tamper: (disk) => disk.tamper(at('signing'), () => old.content(at('signing'))),
    code: 'corrupt_state',
    names: /size 600 was signed but only 300/,
  },
  {
    broken: 'the signing state has another root for the same size',
    tamper: (disk) => disk.tamper(at('signing'), signingState({ root: Buffer.alloc(32).toString('base64') })),
    code: 'root_mismatch',
    names: /two roots for size 600/,
  },
  {
    broken: 'the signing state is of another log',
    tamper: (disk) => disk.tamper(at('signing'), signingState({ origin: 'other.example' })),
    code: 'wrong_origin',
    names: /other\.example/,
  },
  {
    broken: 'the checkpoint is missing',
    tamper: (disk) => disk.tamper(at('checkpoint'), gone),
    code: 'bad_checkpoint',
    names: /no checkpoint/,
  },
  {
    broken: 'the checkpoint has a flipped byte',
    tamper: (disk) => disk.tamper(at('checkpoint'), flip(ORIGIN.length + 2)),
    code: 'bad_signature',
    names: /does not verify/,
  },
  {
    broken: 'the checkpoint is signed by another key',
    tamper: (disk) =>
      disk.tamper(
        at('checkpoint'),
        text((note) => signNote(parseNote(note).text, noteSigner(ORIGIN, newKey()))),
      ),
    code: 'bad_signature',
    names: /no known key/,
  },
  {
    broken: 'the checkpoint is of another origin, though by our key',
    tamper: (disk) =>
      disk.tamper(
        at('checkpoint'),
        text((note) => {
          const checkpoint = { ...parseCheckpoint(parseNote(note).text), origin: 'other.example' }
          return signNote(formatCheckpoint(checkpoint), signer)
        }),
      ),
    code: 'wrong_origin',
    names: /other\.example/,
  },
  {
    broken: 'the checkpoint is not a checkpoint',
    tamper: (disk) => disk.tamper(at('checkpoint'), () => Buffer.from(signNote('hello\n', signer))),
    code: 'bad_checkpoint',
    names: /checkpoint/,
  },
  {
    broken: 'the checkpoint signs a root that the tiles do not give',
    tamper: (disk) => {
      const root = Buffer.alloc(32, 9)
      disk.tamper(
        at('checkpoint'),
        resign((checkpoint) => ({ ...checkpoint, root })),
      )
      disk.tamper(at('signing'), signingState({ root: root.toString('base64') }))
    },
    code: 'corrupt_tile',
    names: /root of size 600/,
  },
  {
    broken: 'an edge tile is missing',
    tamper: (disk) => disk.tamper(at('tile/0/002.p/88'), gone),
    code: 'corrupt_tile',
    names: /tile\/0\/002\.p\/88 is missing/,
  },
  {
    broken: 'an edge tile is cut short',
    tamper: (disk) => disk.tamper(at('tile/0/002.p/88'), (content) => content.subarray(32)),
    code: 'corrupt_tile',
    names: /2784 bytes instead of 2816/,
  },
  {
    broken: 'the last full tile has a flipped bit',
    tamper: (disk) => disk.tamper(at('tile/0/001'), flip(5000)),
    code: 'corrupt_tile',
    names: /tile\/0\/001 does not hash/,
  },
  {
    broken: 'the last bundle has a flipped bit',
    tamper: (disk) => disk.tamper(at('tile/entries/002.p/88'), flip(42 * 3 + 10)),
    code: 'corrupt_tile',
    names: /entry 515 is not the one that was signed/,
  },
  {
    broken: 'the last bundle is missing',
    tamper: (disk) => disk.tamper(at('tile/entries/002.p/88'), gone),
    code: 'corrupt_tile',
    names: /002\.p\/88: entry 512/,
  },
  {
    broken: 'the last bundle has an entry too many',
    tamper: (disk) =>
      disk.tamper(at('tile/entries/002.p/88'), (content) =>
        Buffer.concat([content, encodeBundle([entryOf(1)])]),
      ),
    code: 'corrupt_tile',
    names: /002\.p\/88/,
  },
]

describe('opening', () => {
  for (const { broken, tamper, code, names } of rows) {
    it(`refuses when ${broken}`, async () => {
      const disk = whole.afterKill()
      tamper(disk)
      await assert.rejects(openMemoryLog(disk, key), (error) => {
        assert.ok(error instanceof LedgerError, String(error))
        assert.equal(error.code, code, error.message)
        assert.match(error.message, names)
        return true
      })
      // The refusal released the directory.
      await assert.rejects(openMemoryLog(disk, key), { code })
    })
  }

  it('refuses a replay that does not give the root to be signed, and never signs over it', async () => {
    const files = new MemoryFiles()
    const log = await openMemoryLog(files, key)
    await log.append(entryOf(0))
    await log.publish()
    await log.append(entryOf(1))
    const disk = files.afterKill()
    disk.tamper(at('signing'), signingState({ size: 2, root: leafHash(entryOf(1)).toString('base64') }))
    await assert.rejects(openMemoryLog(disk, key), { code: 'root_mismatch' })
    assert.deepEqual(disk.content(at('checkpoint')), files.content(at('checkpoint')))
  })

  it('refuses entries before the checkpoint that were changed with their checksums', async () => {
    // The same log with one other entry, under the tiles and the checkpoint of the first.
    const forged = new MemoryFiles()
    const log = await openMemoryLog(forged, key)
    await Promise.all(Array.from({ length: SIZE }, (_, i) => log.append(entryOf(i === 550 ? 9999 : i))))
    await log.close()
    const disk = whole.afterKill()
    const segment = segmentFile(at('journal'), 0)
    disk.tamper(segment, () => forged.content(segment))
    await assert.rejects(openMemoryLog(disk, key), { code: 'root_mismatch', message: /entry 550/ })
    const early = new MemoryFiles()
    const other = await openMemoryLog(early, key)
    await Promise.all(Array.from({ length: SIZE }, (_, i) => other.append(entryOf(i === 7 ? 9999 : i))))
    await other.close()
    disk.tamper(segment, () => early.content(segment))
    await assert.rejects(openMemoryLog(disk, key, { check: 'full' }), { code: 'root_mismatch' })
  })

  it('goes on with entries that were durable and not yet published', async () => {
    const files = new MemoryFiles()
    const log = await openMemoryLog(files, key)
    await Promise.all(Array.from({ length: 300 }, (_, i) => log.append(entryOf(i))))
    const again = await openMemoryLog(files.afterKill(), key)
    assert.equal(again.size, 300)
    assert.equal(again.checkpoint().size, 0)
    assert.equal((await again.publish()).size, 300)
    await again.close()
  })

  it('gives the same log with every check, and after the tiles were made again', async () => {
    for (const options of [{}, { check: 'full' }, { rebuildTiles: true }] as const) {
      const log = await openMemoryLog(whole.afterKill(), key, options)
      assert.equal(log.checkpoint().note, whole.content(at('checkpoint'))?.toString())
      await log.append(entryOf(SIZE))
      await log.receipts([0, 255, 256, SIZE])
      await log.close()
    }
  })

  it('makes damaged tiles again only when told to', async () => {
    const disk = whole.afterKill()
    for (const name of disk.files().filter((file) => file.includes('/tile/'))) disk.tamper(name, gone)
    await assert.rejects(openMemoryLog(disk, key), { code: 'corrupt_tile' })
    await (await openMemoryLog(disk, key, { rebuildTiles: true })).close()
    for (const name of [
      'tile/0/000',
      'tile/0/001',
      'tile/0/002.p/88',
      'tile/1/000.p/2',
      'tile/entries/001',
    ]) {
      assert.deepEqual(disk.content(at(name)), whole.content(at(name)), name)
    }
  })

  it('refuses another key or origin than the log was made with', async () => {
    await assert.rejects(openMemoryLog(whole.afterKill(), newKey()), { code: 'bad_signature' })
    await assert.rejects(openMemoryLog(whole.afterKill(), key, { origin: 'other.example' }), LedgerError)
  })

  it('refuses options that make no sense', async () => {
    const bad = [
      { origin: '' },
      { origin: 'a b' },
      { origin: 'a+b' },
      { origin: 'a'.repeat(1025) },
      { segmentBytes: 1000 },
      { maxAttachmentBytes: -1 },
      { publishEveryMs: 0.5 },
      { maxQueueEntries: 0 },
    ]
    for (const options of bad) {
      await assert.rejects(openMemoryLog(new MemoryFiles(), key, options), { code: 'invalid_argument' })
    }
    await assert.rejects(openMemoryLog(new MemoryFiles(), noteSigner('a', newKey()).publicKey), {
      code: 'bad_key',
    })
  })
})
