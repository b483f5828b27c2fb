/**
 * `bench/relations.ts` in a process of its own, because bytes per tuple need a heap that holds nothing else.
 * @module
 */
import { spawn } from 'node:child_process'
import path from 'node:path'
import { list, number } from '../results/read.ts'

const ROOT = path.resolve(import.meta.dirname, '../..')
const LIMIT_MS = 10 * 60_000

export interface RelationRow {
  readonly tuples: number
  readonly cpuMicrosPerCheck: number
  readonly cpuMicrosPerResult: number
  readonly resultsPerListing: number
  /** null when it was not measured. */
  readonly bytesPerTuple: number | null
  readonly loadCpuSeconds: number
}

/** @throws when it fails, with what it said last */
export async function measureRelations(): Promise<RelationRow[]> {
  const json: unknown = JSON.parse(await output())
  const rows = list(json, 'results').map(
    (each): RelationRow => ({
      tuples: number(each, 'tuples'),
      cpuMicrosPerCheck: number(each, 'cpuMicrosecondsPerCheck'),
      cpuMicrosPerResult: number(each, 'cpuMicrosecondsPerResult'),
      resultsPerListing: number(each, 'resultsPerListing'),
      bytesPerTuple: Number.isFinite(number(each, 'bytesPerTuple')) ? number(each, 'bytesPerTuple') : null,
      loadCpuSeconds: number(each, 'loadCpuSeconds'),
    }),
  )
  if (rows.length === 0) throw new Error('bench/relations.ts printed no results')
  return rows
}

function output(): Promise<string> {
  const args = ['--expose-gc', '--conditions=safeconduct-src', 'bench/relations.ts', '--json']
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 2], timeout: LIMIT_MS })
  let printed = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    printed += text
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => {
      if (code === 0) resolve(printed)
      else reject(new Error(`bench/relations.ts ended with ${code ?? 'a signal'}`))
    })
  })
}
