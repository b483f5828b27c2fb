/**
 * The files of a trace benchmark, read as streams: runs, outputs by hash, catalogues, labels. `.gz` is unpacked.
 * @module
 */
import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { createGunzip, gunzipSync } from 'node:zlib'
import type { JsonObject } from '../../packages/engine/src/flow/index.ts'

/** One recorded call: tool, arguments, hash of the output, error text when it failed. */
export interface RecordedCall {
  readonly t: string
  readonly a: JsonObject
  readonly o?: string
  readonly e?: string
}
export interface RecordedRun {
  readonly id: string
  readonly suite: string
  readonly pipe: string
  readonly task: string
  readonly prompt: string
  readonly calls: readonly RecordedCall[]
}
export interface RunLabels {
  readonly id: string
  readonly attack: string
  readonly it: string | null
  readonly utility: boolean
  readonly security: boolean | null
  readonly lab: string
  readonly sneed?: readonly number[]
  readonly uneed?: readonly number[]
}
export interface CatalogueTool {
  readonly name: string
  readonly description?: string
  readonly input_schema?: JsonObject
  readonly annotations?: Readonly<Record<string, boolean>>
}
export interface InjectionTask {
  readonly goal: string
  readonly ground_truth: readonly { readonly tool: string; readonly args: JsonObject }[]
}
export interface Suite {
  readonly tools: readonly CatalogueTool[]
  readonly injection_tasks?: Readonly<Record<string, InjectionTask>>
}

/** JSON values of a file with one a line. */
export async function* jsonLines<T>(path: string): AsyncGenerator<T> {
  const file = createReadStream(path)
  const input = path.endsWith('.gz') ? file.pipe(createGunzip()) : file
  // A stream that fails before its first line must fail the reader, not end it early.
  file.on('error', (error) => input.destroy(error))
  for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY }))
    if (line.trim() !== '') yield JSON.parse(line) as T
}

export async function collect<T>(path: string): Promise<T[]> {
  const all: T[] = []
  for await (const item of jsonLines<T>(path)) all.push(item)
  return all
}

export async function readOutputs(path: string): Promise<ReadonlyMap<string, string>> {
  return new Map(await collect<[string, string]>(path))
}

export async function readSuites(path: string): Promise<Readonly<Record<string, Suite>>> {
  const bytes = await readFile(path)
  return JSON.parse((path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8')) as Record<
    string,
    Suite
  >
}
