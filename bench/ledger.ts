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
import * as os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import {
  DEFAULT_PUBLISH_EVERY_MS,
  type FileHandle,
  type Files,
  type LogOptions,
  leafHash,
  nodeFiles,
  nodeHash,
  openLog,
} from '@safeconduct/ledger'

const ENTRY_BYTES = 486
const ROUNDS = 3
const RUN_MS = 900
const CALIBRATE_MS = 250
const RECORD_BYTES = ENTRY_BYTES + 13
const FRAME_BYTES = 36

const { values: flags } = parseArgs({ options: { json: { type: 'boolean' }, dir: { type: 'string' } } })
const parent = flags.dir ?? path.join(import.meta.dirname, '..')
const directory = fs.mkdtempSync(path.join(parent, '.bench-ledger-'))
const { privateKey: key } = generateKeyPairSync('ed25519')
const entry = Buffer.alloc(ENTRY_BYTES, 'x')

const perSecond = (count: number, ms: number) => (count / ms) * 1000
const median = (list: number[]) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)] ?? Number.NaN
const quantile = (sorted: number[], q: number) => sorted[Math.floor((sorted.length - 1) * q)] ?? Number.NaN

/** Syncs a second, and the median time of one, when each writes `bytes` into a preallocated file. */
function calibrateDisk(bytes: number): { rate: number; p50: number } {
  const file = path.join(directory, 'calibration')
  const fd = fs.openSync(file, 'w')
  const room = 16 << 20
  fs.writeSync(fd, Buffer.alloc(room), 0, room, 0)
  fs.fsyncSync(fd)
  const block = Buffer.alloc(bytes, 'x')
  const times: number[] = []
  const started = performance.now()
  for (let at = 0; performance.now() - started < CALIBRATE_MS; at = at + 2 * bytes > room ? 0 : at + bytes) {
    const before = performance.now()
    fs.writeSync(fd, block, 0, bytes, at)
    fs.fdatasyncSync(fd)
    times.push(performance.now() - before)
  }
  const rate = perSecond(times.length, performance.now() - started)
  fs.closeSync(fd)
  return {
    rate,
    p50: quantile(
      times.toSorted((a, b) => a - b),
      0.5,
    ),
  }
}

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

/** The real disk, counting the syncs of journal segments: one each batch. */
function countingFiles(): { files: Files; batches: () => number } {
  let count = 0
  const open = async (file: string, mode: 'read' | 'write' | 'create'): Promise<FileHandle> => {
    const handle = await nodeFiles.open(file, mode)
    if (mode !== 'write') return handle
    return {
      read: (into, at) => handle.read(into, at),
      write: (bytes, at) => handle.write(bytes, at),
      datasync: () => {
        count++
        return handle.datasync()
      },
      size: () => handle.size(),
      close: () => handle.close(),
    }
  }
  return { files: { ...nodeFiles, open }, batches: () => count }
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
  const { files, batches } = countingFiles()
  const where = path.join(directory, `log-${fs.readdirSync(directory).length}`)
  const log = await openLog({ directory: where, origin: 'bench.example/ledger', key, files, ...options })
  const hashRate = calibrateHashing()
  const times: number[] = []
  const before = batches()
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
  const batch = times.length / (batches() - before)
  await log.close()
  fs.rmSync(where, { recursive: true })
  const disk = calibrateDisk(Math.round(batch * RECORD_BYTES) + FRAME_BYTES)
  times.sort((a, b) => a - b)
  return {
    rate,
    batch,
    p50: quantile(times, 0.5),
    p99: quantile(times, 0.99),
    diskRate: disk.rate,
    diskP50: disk.p50,
    hashRate,
    limit: 1 / (1 / (batch * disk.rate) + 1 / hashRate),
    overlapped: Math.min(batch * disk.rate, hashRate),
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
  const cpus = os.cpus()
  const machine = {
    cpu: cpus[0]?.model.trim() ?? 'unknown',
    cores: cpus.length,
    load: os.loadavg().map((load) => Number(load.toFixed(2))),
    node: process.version,
    platform: `${os.platform()} ${os.release()}`,
    medium: await nodeFiles.medium(directory),
  }
  if (flags.json === true)
    console.log(JSON.stringify({ machine, entryBytes: ENTRY_BYTES, rounds: ROUNDS, rows }))
  else {
    console.log(
      `${machine.cpu}, ${machine.cores} cores, load ${machine.load.join(' ')}, Node ${machine.node}, ${machine.medium}`,
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
