/**
 * @module Runs the outside suite, `@modelcontextprotocol/conformance`, as a child process on the Node that runs us (it
 * needs Node >= 22) and reads the result files it leaves. Nothing here judges a result.
 */
import { spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'
import * as shape from './shape.ts'

/** The suite's own five words for a check. Only FAILURE fails a scenario; WARNING is a missed SHOULD. */
export type CheckStatus = 'SUCCESS' | 'FAILURE' | 'WARNING' | 'SKIPPED' | 'INFO'

export interface Check {
  readonly scenario: string
  readonly check: string
  readonly status: CheckStatus
  readonly message?: string
}

export interface SuiteResult {
  readonly exitCode: number
  readonly checks: readonly Check[]
  /** The last 64 KiB the suite printed, both streams. */
  readonly output: string
}

export interface SuiteOptions {
  /** Called with everything printed so far each time the suite prints. */
  readonly onOutput?: (soFar: string) => void
  /** The child is killed after this many milliseconds; the run then rejects. */
  readonly limitMs?: number
  /** Aborting kills the child; the run then rejects with the abort reason as cause. */
  readonly signal?: AbortSignal
}

const OUTPUT_KEPT = 64 * 1024
const STATUSES: readonly CheckStatus[] = ['SUCCESS', 'FAILURE', 'WARNING', 'SKIPPED', 'INFO']

/**
 * Runs `conformance ARGS -o TEMPDIR` and collects the checks of every scenario that left a result.
 * @throws when the suite cannot be started, runs longer than `limitMs`, or leaves files of another shape.
 */
export async function runSuite(args: readonly string[], options: SuiteOptions = {}): Promise<SuiteResult> {
  const results = await mkdtemp(path.join(tmpdir(), 'safeconduct-conformance-'))
  try {
    const { exitCode, output } = await run([...args, '-o', results], options)
    return { exitCode, output, checks: await readChecks(results) }
  } finally {
    await rm(results, { recursive: true, force: true })
  }
}

/** What the suite prints for the given arguments; rejects when it exits with another code than 0. */
export async function askSuite(args: readonly string[]): Promise<string> {
  const { exitCode, output } = await run(args, {})
  if (exitCode !== 0) throw new Error(`conformance ${args.join(' ')} exited with ${exitCode}:\n${output}`)
  return output
}

async function run(
  args: readonly string[],
  options: SuiteOptions,
): Promise<{ exitCode: number; output: string }> {
  const manifest = createRequire(import.meta.url).resolve('@modelcontextprotocol/conformance/package.json')
  const program = path.join(path.dirname(manifest), 'dist', 'index.js')
  const limit = AbortSignal.timeout(options.limitMs ?? 300_000)
  const signal = options.signal === undefined ? limit : AbortSignal.any([limit, options.signal])
  const child = spawn(process.execPath, [program, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    signal,
    killSignal: 'SIGKILL',
  })
  let output = ''
  const take = (chunk: string) => {
    output = (output + chunk).slice(-OUTPUT_KEPT)
    options.onOutput?.(output)
  }
  child.stdout.setEncoding('utf8').on('data', take)
  child.stderr.setEncoding('utf8').on('data', take)
  let failure: unknown
  child.once('error', (error) => {
    failure = signal.aborted ? signal.reason : error
  })
  const exitCode = await new Promise<number>((resolve) => child.once('close', (code) => resolve(code ?? 1)))
  if (failure !== undefined)
    throw new Error(`conformance ${args.join(' ')} was cut short:\n${output.slice(-2000)}`, {
      cause: failure,
    })
  return { exitCode, output }
}

const RESULT_FOLDER = /^(?:server|authorization-server)-(.+)-\d{4}-\d\d-\d\dT[\d-]+Z$/

async function readChecks(results: string): Promise<readonly Check[]> {
  const folders = await readdir(results)
  const perScenario = await Promise.all(
    folders.sort().map(async (folder) => {
      const scenario = RESULT_FOLDER.exec(folder)?.[1]
      if (scenario === undefined) throw new Error(`unexpected result folder of the suite: ${folder}`)
      const file = path.join(results, folder, 'checks.json')
      const raw = await readFile(file, 'utf8').catch(() => '[]')
      return parseChecks(scenario, JSON.parse(raw))
    }),
  )
  return perScenario.flat()
}

/** The checks of one `checks.json`. @throws when it is not a list of {id, status}. */
export function parseChecks(scenario: string, json: unknown): readonly Check[] {
  return shape.list(json, `checks of ${scenario}`).map((entry) => {
    const check = shape.record(entry, `check of ${scenario}`)
    const status = STATUSES.find((known) => known === check.status)
    if (status === undefined)
      throw new Error(`check of ${scenario} has unknown status ${String(check.status)}`)
    const message = check.errorMessage
    return {
      scenario,
      check: shape.text(check.id, `id of a check of ${scenario}`),
      status,
      ...(typeof message === 'string' ? { message } : {}),
    }
  })
}
