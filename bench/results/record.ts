/**
 * One run of one bench, kept in `bench/out/results/` as it was printed: `RESULTS.md` is made of these and of nothing else.
 * @module
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { load, type Machine, machine } from '../lib/machine.ts'

export interface Bench {
  readonly name: string
  readonly title: string
  /** Path from the root of the repository, and arguments; `--json` is added. */
  readonly program: string
  readonly args: readonly string[]
  readonly maxMinutes: number
}

export interface BenchRecord {
  readonly name: string
  /** ISO 8601. */
  readonly startedAt: string
  readonly seconds: number
  readonly commit: string
  readonly machine: Machine
  readonly loadBefore: readonly number[]
  readonly loadAfter: readonly number[]
  /** What it printed; null when it failed. */
  readonly json: unknown
  readonly error: string | null
}

const ROOT = path.resolve(import.meta.dirname, '../..')
const KEPT = path.join(ROOT, 'bench/out/results')
/** Of what a failed bench said, the end. */
const ERROR_CHARACTERS = 600
const OUTPUT_BYTES = 64 * 1024 * 1024

export async function runBench(bench: Bench): Promise<BenchRecord> {
  const startedAt = new Date()
  const loadBefore = load()
  const at = commit()
  const outcome = await output(bench)
  const record: BenchRecord = {
    name: bench.name,
    startedAt: startedAt.toISOString(),
    seconds: Math.round((Date.now() - startedAt.getTime()) / 1000),
    commit: at,
    machine: machine(),
    loadBefore,
    loadAfter: load(),
    ...outcome,
  }
  mkdirSync(KEPT, { recursive: true })
  writeFileSync(path.join(KEPT, `${bench.name}.json`), JSON.stringify(record))
  return record
}

/** The last run of a bench; null when there was none. */
export function lastRecord(name: string): BenchRecord | null {
  const file = path.join(KEPT, `${name}.json`)
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as BenchRecord) : null
}

async function output({ program, args, maxMinutes }: Bench): Promise<Pick<BenchRecord, 'json' | 'error'>> {
  if (!existsSync(path.join(ROOT, program))) return { json: null, error: `${program} is not there` }
  const child = spawn(process.execPath, [...process.execArgv, program, ...args, '--json'], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  let late = false
  const timer = setTimeout(() => {
    late = true
    kill()
  }, maxMinutes * 60_000)
  try {
    const { code, printed, complaint } = await finished(child)
    if (late) return { json: null, error: `not done after ${maxMinutes} minutes` }
    const json = parsed(printed)
    if (code === 0 && json !== null) return { json, error: null }
    const said = complaint.trim().slice(-ERROR_CHARACTERS)
    return { json: null, error: `exit code ${code}: ${said === '' ? 'it printed no JSON' : said}` }
  } catch (error) {
    return { json: null, error: error instanceof Error ? error.message : String(error) }
  } finally {
    clearTimeout(timer)
    process.off('exit', kill)
  }
}

function finished(child: ChildProcess): Promise<{ code: number | null; printed: string; complaint: string }> {
  let printed = ''
  let complaint = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    printed += text
    if (printed.length > OUTPUT_BYTES) child.kill('SIGKILL')
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    process.stderr.write(text)
    complaint = (complaint + text).slice(-4 * ERROR_CHARACTERS)
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, printed, complaint }))
  })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/** Short hash, with `+` when files differ from it; `unknown` outside a clone. */
function commit(): string {
  const git = (...args: string[]) =>
    execFileSync('git', args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  try {
    const changed = git(
      'status',
      '--porcelain',
      '--untracked-files=no',
      '--',
      'packages',
      'bench',
      'examples',
    )
    return `${git('rev-parse', '--short', 'HEAD')}${changed === '' ? '' : '+'}`
  } catch {
    return 'unknown'
  }
}
