/**
 * Every operation of append and publish fails once, in both ways, before both kinds of crash; whatever happens, the log
 * opens again, holds every acknowledged entry, and never signs a second root for a size.
 */
import assert from 'node:assert/strict'
import type { KeyObject } from 'node:crypto'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { LedgerError } from './errors.ts'
import type { Log } from './log.ts'
import { entryOf, newKey, openMemoryLog, SignedRoots } from './testing/fixtures.ts'
import { type FaultMode, MemoryFiles, type Operation, type OperationKind } from './testing/memory-files.ts'
import { verifyReceipt } from './verify.ts'

const EXPECTED = new Set(['unknown_outcome', 'poisoned', 'io_error', 'disk_full'])

interface Run {
  files: MemoryFiles
  signed: SignedRoots
  acknowledged: Map<number, Buffer>
  operations: Operation[]
  /** True when the fault hit. */
  failed: boolean
}

/** Accepts only the errors that a failing disk may cause. */
async function tolerate(work: Promise<unknown>): Promise<void> {
  try {
    await work
  } catch (error) {
    assert.ok(error instanceof LedgerError && EXPECTED.has(error.code), String(error))
  }
}

/** Appends in three batches, one of which needs a new segment, and publishes between them. */
async function script(run: Run, log: Log): Promise<void> {
  const start = log.size
  const append = async (index: number, size: number) => {
    const entry = entryOf(start + index, size)
    const attachment = entryOf(index, 100)
    await tolerate(log.append(entry, { attachment }).then((ack) => run.acknowledged.set(ack.index, entry)))
  }
  await Promise.all([append(0, 40), append(1, 40), append(2, 4000)])
  await tolerate(log.publish())
  await Promise.all([append(3, 60_000), append(4, 40)])
  await Promise.all([append(5, 40), tolerate(log.publish())])
  const last = [...run.acknowledged.keys()].slice(-2)
  if (last.length > 0) await tolerate(log.receipts(last))
  await tolerate(log.close())
}

async function runWith(key: KeyObject, at: number | undefined, mode: FaultMode): Promise<Run> {
  const files = new MemoryFiles()
  const run: Run = {
    files,
    signed: new SignedRoots(),
    acknowledged: new Map(),
    operations: [],
    failed: false,
  }
  files.fault = (operation) => {
    run.operations.push(operation)
    const isCheckpoint = operation.kind === 'write' && operation.file.endsWith('/checkpoint.tmp')
    if (isCheckpoint && operation.bytes !== undefined) run.signed.note(operation.bytes)
    if (run.operations.length - 1 !== at) return undefined
    run.failed = true
    return mode
  }
  let log: Log
  try {
    log = await openMemoryLog(files, key)
  } catch (error) {
    assert.ok(error instanceof LedgerError && EXPECTED.has(error.code), String(error))
    return run
  }
  await script(run, log)
  return run
}

/** Opens what the crash left, checks it, and lets it work on. */
async function checkSurvivor(key: KeyObject, run: Run, disk: MemoryFiles): Promise<SignedRoots> {
  const signed = run.signed.copy()
  disk.fault = (operation) => {
    const isCheckpoint = operation.kind === 'write' && operation.file.endsWith('/checkpoint.tmp')
    if (isCheckpoint && operation.bytes !== undefined) signed.note(operation.bytes)
    return undefined
  }
  const log = await openMemoryLog(disk, key, { check: 'full' })
  for (const [index, entry] of run.acknowledged) assert.deepEqual(Buffer.from(await log.entry(index)), entry)
  await signed.check(log)
  const { index } = await log.append(entryOf(1000))
  const receipt = await log.receipts([0, index])
  assert.equal(verifyReceipt(JSON.stringify(receipt), { vkey: log.vkey }).ok, true)
  await signed.check(log)
  await log.close()
  return signed
}

/** What was signed after a kill must survive a power cut that comes later. */
async function checkSurvivors(key: KeyObject, run: Run, disk: MemoryFiles): Promise<void> {
  const signed = await checkSurvivor(key, run, disk)
  await checkSurvivor(
    key,
    { ...run, signed },
    disk.afterCrash(() => false),
  )
}

const kinds: OperationKind[] = ['create', 'write', 'datasync', 'rename', 'makeDirectory', 'syncDirectory']

describe('sequence errors', () => {
  for (const mode of ['lost', 'done'] as const) {
    it(`keeps every invariant when any one operation is ${mode}`, async () => {
      const key = newKey()
      const clean = await runWith(key, undefined, mode)
      assert.equal(clean.acknowledged.size, 6)
      assert.deepEqual(
        kinds.filter((kind) => !clean.operations.some((operation) => operation.kind === kind)),
        [],
        'the script must use every kind of operation',
      )
      for (let at = 0; at < clean.operations.length; at++) {
        const run = await runWith(key, at, mode)
        const { kind, file } = run.operations[at] ?? {}
        assert.ok(run.failed, `operation ${at} did not happen`)
        const what = `${mode} ${kind} of ${file} (${at})`
        for (const [crash, disk] of [
          ['power cut', run.files.afterCrash(() => false)],
          ['kill', run.files.afterKill()],
        ] as const) {
          await checkSurvivors(key, run, disk).catch((error: unknown) => {
            throw new Error(`${what}, then ${crash}`, { cause: error })
          })
        }
      }
    })
  }

  it('survives a power cut at any moment with any subset of unsynced blocks', async () => {
    const key = newKey()
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: 250 }), fc.infiniteStream(fc.boolean()), async (at, bits) => {
        const run = await runWith(key, undefined, 'lost')
        const survives = () => bits.next().value === true
        let crashed: MemoryFiles | undefined
        let acknowledged = new Map<number, Buffer>()
        const files = new MemoryFiles()
        const again: Run = {
          ...run,
          files,
          signed: new SignedRoots(),
          acknowledged: new Map(),
          operations: [],
        }
        files.fault = (operation) => {
          again.operations.push(operation)
          if (crashed !== undefined) return undefined
          const isCheckpoint = operation.kind === 'write' && operation.file.endsWith('/checkpoint.tmp')
          if (isCheckpoint && operation.bytes !== undefined) again.signed.note(operation.bytes)
          if (again.operations.length === at + 1) {
            crashed = files.afterCrash(survives)
            acknowledged = new Map(again.acknowledged)
          }
          return undefined
        }
        await script(again, await openMemoryLog(files, key))
        const disk = crashed ?? files.afterCrash(survives)
        await checkSurvivor(
          key,
          { ...again, acknowledged: crashed ? acknowledged : again.acknowledged },
          disk,
        )
      }),
      { numRuns: 60 },
    )
  })
})
