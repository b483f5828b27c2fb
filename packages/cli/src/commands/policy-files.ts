/**
 * Policies as people keep them: a folder with `agent.cedar` and `user.cedar`, a folder of either name with several files
 * in it, or one file of one layer. What a candidate does not say of a layer stays as the active version has it.
 * @module
 */
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { type JsonObject, SafeconductError } from '@safeconduct/protocol'
import type { ControlClient } from '../client/control-client.ts'
import { text } from '../context.ts'
import { readText } from '../files.ts'

export const LAYERS = ['agent', 'user'] as const
export type Layer = (typeof LAYERS)[number]

/** One file of a layer, and where it begins in the layer's text. */
export interface Part {
  readonly file: string
  /** Line, from 1. */
  readonly line: number
}

export interface Candidate {
  readonly texts: Readonly<Record<Layer, string>>
  /** Empty for a layer that was taken from the active version. */
  readonly parts: Readonly<Record<Layer, readonly Part[]>>
}

/** @throws `not_found` for a path that cannot be read, `invalid_request` for a folder that holds no policies */
export function readCandidate(target: string): Partial<Record<Layer, readonly string[]>> {
  if (!statOf(target).isDirectory()) return { [layerOf(target)]: [target] }
  const found: Partial<Record<Layer, readonly string[]>> = {}
  for (const layer of LAYERS) {
    const files = filesOf(target, layer)
    if (files.length > 0) found[layer] = files
  }
  if (found.agent === undefined && found.user === undefined) {
    const message = `${target} holds neither agent.cedar nor user.cedar, nor a folder agent/ or user/ with .cedar files.`
    throw new SafeconductError('invalid_request', { message })
  }
  return found
}

/** A file is about users when its name says so, else about agents. */
function layerOf(file: string): Layer {
  const name = path.basename(file)
  return name === 'user.cedar' || name.endsWith('.user.cedar') ? 'user' : 'agent'
}

function filesOf(folder: string, layer: Layer): string[] {
  const names = readdirSync(folder)
  const own = names.filter((name) => name === `${layer}.cedar` || name.endsWith(`.${layer}.cedar`)).sort()
  const files = own.map((name) => path.join(folder, name))
  const inner = path.join(folder, layer)
  if (!names.includes(layer) || !statOf(inner).isDirectory()) return files
  const more = readdirSync(inner).filter((name) => name.endsWith('.cedar'))
  return [...files, ...more.sort().map((name) => path.join(inner, name))]
}

function statOf(target: string) {
  try {
    return statSync(target)
  } catch (cause) {
    throw new SafeconductError('not_found', { message: `${target} cannot be read.`, cause })
  }
}

/** Files one after the other, each on lines of its own. */
export function join(files: readonly string[]): { readonly text: string; readonly parts: readonly Part[] } {
  const parts: Part[] = []
  let whole = ''
  let line = 1
  for (const file of files) {
    const read = readText(file)
    const ended = read.endsWith('\n') ? read : `${read}\n`
    parts.push({ file, line })
    whole += ended
    line += ended.split('\n').length - 1
  }
  return { text: whole, parts }
}

/**
 * A layer a file, in the form that `readCandidate` takes. What is there is not written over.
 * @returns the files
 * @throws `conflict` when one is there, `invalid_request` when it cannot be written
 */
export function writeLayers(folder: string, texts: Readonly<Record<Layer, string>>): string[] {
  const files = LAYERS.map((layer) => ({ file: path.join(folder, `${layer}.cedar`), text: texts[layer] }))
  for (const { file } of files)
    if (existsSync(file)) throw new SafeconductError('conflict', { message: `${file} is there already.` })
  try {
    if (!existsSync(folder)) mkdirSync(folder)
    for (const { file, text: written } of files) writeFileSync(file, written, { flag: 'wx' })
  } catch (cause) {
    throw new SafeconductError('invalid_request', { message: `${folder} cannot be written to.`, cause })
  }
  return files.map(({ file }) => file)
}

/** Where a line of a layer's text stands; the layer itself when it came from no file. */
export function placeOf({ parts }: Candidate, layer: string, line: number | null): string {
  const files = layer === 'agent' || layer === 'user' ? parts[layer] : []
  const part = files.findLast((one) => one.line <= (line ?? 1))
  if (part === undefined) return `${layer} policies${line === null ? '' : `:${line}`}`
  return line === null ? part.file : `${part.file}:${line - part.line + 1}`
}

export interface LayerFiles {
  readonly agentFile?: string
  readonly userFile?: string
}

/** @throws `invalid_request` when nothing is named, and what `readCandidate` throws */
export async function candidateOf(
  client: ControlClient,
  target: string | undefined,
  { agentFile, userFile }: LayerFiles = {},
): Promise<Candidate> {
  const named: Partial<Record<Layer, readonly string[]>> = {
    ...(target === undefined ? {} : readCandidate(target)),
    ...(agentFile === undefined ? {} : { agent: [agentFile] }),
    ...(userFile === undefined ? {} : { user: [userFile] }),
  }
  if (named.agent === undefined && named.user === undefined) {
    throw new SafeconductError('invalid_request', { message: 'Name a file or a folder of policies.' })
  }
  const whole = named.agent === undefined || named.user === undefined
  const active = whole ? ((await client.get('/api/v1/policy')).active as JsonObject | null) : null
  const layer = (name: Layer) => {
    const files = named[name]
    if (files !== undefined) return join(files)
    return { text: active === null ? '' : text(active, `${name}Policies`), parts: [] }
  }
  const [agent, user] = [layer('agent'), layer('user')]
  return { texts: { agent: agent.text, user: user.text }, parts: { agent: agent.parts, user: user.parts } }
}

/** A version's id, `active`, a file or a folder, as the daemon takes it. */
export async function referenceOf(client: ControlClient, named: string): Promise<object> {
  if (named === 'active' || /^pv_[\w-]+$/.test(named)) return { version: named }
  return (await candidateOf(client, named)).texts
}
