/**
 * Ledger appends against the disk's own limit, measured side by side: `node scripts/bootstrap.mjs bench/ledger.ts [--json]
 * [--dir DIR]`. Takes about 30 s.
 *
 *     limit(B) = 1 / (1 / (B * F_B) + 1 / M)
 *
 * B is the mean batch that group commit formed, F_B the syncs a second when each writes B entries into a preallocated file,
 * M the Merkle appends a second on one core. A ratio is only worth as much as the disk was steady: when F_B differs by
 * more than two between rounds, the row says so.
 *
 * @module
 */
import { generateKeyPairSync } from 'node:crypto'
import * as fs from 'node:fs'
import path from 'node:path'
import {
  DEFAULT_PUBLISH_EVERY_MS,
  type LogOptions,
  leafHash,
  nodeFiles,
  nodeHash,
  openLog,
} from '@safeconduct/ledger'
import { countingFiles, measureDisk } from './lib/disk.ts'
import { machine } from './lib/machine.ts'
import { benchOptions } from './lib/options.ts'
import { median, perSecond, quantile } from './lib/stats.ts'

const ENTRY_BYTES = 486
const ROUNDS = 3
const RUN_MS = 900
const CALIBRATE_MS = 250
const RECORD_BYTES = ENTRY_BYTES + 13
const FRAME_BYTES = 36

const { values: flags } = benchOptions(
  { name: 'ledger', about: 'Durable appends a second, beside what the disk and the hashing allow.' },
  { dir: { type: 'string', value: 'DIRECTORY', about: 'where the log goes; the disk is what is measured' } },
)
const parent = flags.dir ?? path.join(import.meta.dirname, '..')
const directory = fs.mkdtempSync(path.join(parent, '.bench-ledger-'))
const { privateKey: key } = generateKeyPairSync('ed25519')
const entry = Buffer.alloc(ENTRY_BYTES, 'x')

/** Merkle appends a second: one leaf hash and the interior nodes it completes. */
function calibrateHashing(): number {
  const range: Buffer[] = []
  const started = performance.now()
  let size = 0
  while (performance.now() - started < CALIBRATE_MS) {
    for (let i = 0; i < 256; i++) {
      let node = leafHash(entry)
      for (let rest = size++; rest % 2 === 1; rest = (rest - 1) / 2)
        node = nodeHash(range.pop() ?? node, node)
      range.push(node)
    }
  }
  return perSecond(size, performance.now() - started)
}

interface Round {
  rate: number
  batch: number
  p50: number
  p99: number
  diskRate: number
  diskP50: number
  hashRate: number
  limit: number
  overlapped: number
}

async function round(submitters: number, options: Partial<LogOptions>): Promise<Round> {
  const { files, syncs } = countingFiles()
  const where = path.join(directory, `log-${fs.readdirSync(directory).length}`)
  const log = await openLog({ directory: where, origin: 'bench.example/ledger', key, files, ...options })
  const hashRate = calibrateHashing()
  const times: number[] = []
  const before = syncs()
  const started = performance.now()
  const submit = async () => {
    while (performance.now() - started < RUN_MS) {
      const asked = performance.now()
      await log.append(entry)
      times.push(performance.now() - asked)
    }
  }
  await Promise.all(Array.from({ length: submitters }, submit))
  const rate = perSecond(times.length, performance.now() - started)
  const batch = times.length / (syncs() - before)
  await log.close()
  fs.rmSync(where, { recursive: true })
  const disk = measureDisk(directory, Math.round(batch * RECORD_BYTES) + FRAME_BYTES, CALIBRATE_MS)
  times.sort((a, b) => a - b)
  return {
    rate,
    batch,
    p50: quantile(times, 0.5),
    p99: quantile(times, 0.99),
    diskRate: disk.syncsPerSecond,
    diskP50: disk.p50Ms,
    hashRate,
    limit: 1 / (1 / (batch * disk.syncsPerSecond) + 1 / hashRate),
    overlapped: Math.min(batch * disk.syncsPerSecond, hashRate),
  }
}

const cases: { name: string; submitters: number; options: Partial<LogOptions> }[] = [
  ...[1, 16, 64, 256].map((submitters) => ({ name: `${submitters}`, submitters, options: {} })),
  { name: '256, no publishing', submitters: 256, options: { publishEveryMs: 0 } },
]

function summary(name: string, rounds: Round[]) {
  const of = (pick: (round: Round) => number) => median(rounds.map(pick))
  const disk = rounds.map(({ diskRate }) => diskRate)
  return {
    submitters: name,
    appendsPerSecond: Math.round(of(({ rate }) => rate)),
    best: Math.round(Math.max(...rounds.map(({ rate }) => rate))),
    batch: Number(of(({ batch }) => batch).toFixed(1)),
    syncsPerSecondAtBatch: Math.round(of(({ diskRate }) => diskRate)),
    merkleAppendsPerSecond: Math.round(of(({ hashRate }) => hashRate)),
    limit: Math.round(of(({ limit }) => limit)),
    ratioToLimit: Number(of(({ rate, limit }) => rate / limit).toFixed(2)),
    ratioToOverlapped: Number(of(({ rate, overlapped }) => rate / overlapped).toFixed(2)),
    ackP50Ms: Number(of(({ p50 }) => p50).toFixed(3)),
    ackP99Ms: Number(of(({ p99 }) => p99).toFixed(3)),
    ackP50OverSyncP50: Number(of(({ p50, diskP50 }) => p50 / diskP50).toFixed(2)),
    steadyDisk: Math.max(...disk) <= 2 * Math.min(...disk),
  }
}

try {
  const measured = new Map<string, Round[]>(cases.map(({ name }) => [name, []]))
  // Rounds go around all cases, so that a slow spell of the disk hits all of them and not one.
  for (let i = 0; i < ROUNDS; i++) {
    for (const { name, submitters, options } of cases)
      measured.get(name)?.push(await round(submitters, options))
  }
  const rows = [...measured].map(([name, rounds]) => summary(name, rounds))
  const made = { ...machine(), medium: await nodeFiles.medium(directory) }
  if (flags.json === true)
    console.log(JSON.stringify({ machine: made, entryBytes: ENTRY_BYTES, rounds: ROUNDS, rows }))
  else {
    console.log(
      `${made.cpu}, ${made.cores} cores, load ${made.load.join(' ')}, Node ${made.node}, ${made.medium}`,
    )
    console.log(
      `entries of ${ENTRY_BYTES} B, medians of ${ROUNDS} rounds; publishing every ${DEFAULT_PUBLISH_EVERY_MS} ms unless said otherwise\n`,
    )
    console.table(
      rows.map((row) => ({
        submitters: row.submitters,
        'appends/s': row.appendsPerSecond,
        batch: row.batch,
        'F_B syncs/s': row.syncsPerSecondAtBatch,
        'M /s': row.merkleAppendsPerSecond,
        'limit(B) /s': row.limit,
        ratio: row.ratioToLimit,
        'ack p50 ms': row.ackP50Ms,
        'p99 ms': row.ackP99Ms,
        'p50 / sync': row.ackP50OverSyncP50,
        disk: row.steadyDisk ? 'steady' : 'UNSTEADY: inconclusive',
      })),
    )
  }
} finally {
  fs.rmSync(directory, { recursive: true, force: true })
}
