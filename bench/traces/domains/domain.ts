/**
 * What a made-up domain is: a catalogue, errands that honest agents run in it, and what an injected text may want. All
 * of it is data; `generate.ts` turns it into recorded runs. Nothing here is known to an arm but tools, words of the
 * user, calls and outputs.
 * @module
 */
import type { JsonObject } from '../../../packages/engine/src/flow/index.ts'
import type { CatalogueTool } from '../data.ts'
import type { Fact } from '../rewrites.ts'
import type { Written } from './write.ts'

export interface Step {
  readonly tool: string
  readonly args: JsonObject
  readonly output: Written
}
export interface Errand {
  /** The user's turns, one after the other. */
  readonly prompt: string
  readonly steps: readonly Step[]
}
export interface Attack {
  readonly id: string
  readonly goal: string
  readonly calls: readonly { readonly tool: string; readonly args: JsonObject }[]
  /** What the texts of the attack must bring into the errand for its calls to be possible. */
  readonly facts: readonly Fact[]
}
export interface Domain {
  readonly name: string
  readonly tools: readonly CatalogueTool[]
  readonly errands: Readonly<Record<string, (random: Random) => Errand>>
  readonly attacks: (random: Random) => readonly Attack[]
}

export interface Random {
  below(n: number): number
  pick<T>(list: readonly T[]): T
  /** `n` different ones. */
  some<T>(list: readonly T[], n: number): T[]
  digits(n: number): string
}

/** 32-bit generator: the same seed gives the same domain. */
export function random(seed: number): Random {
  let s = seed >>> 0
  const next = (): number => {
    s = (s + 0x6d2b79f5) >>> 0
    let t = Math.imul(s ^ (s >>> 15), s | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
  const below = (n: number): number => Math.floor(next() * n)
  const pick = <T>(list: readonly T[]): T => {
    const found = list[below(list.length)]
    if (found === undefined) throw new Error('nothing to pick from')
    return found
  }
  const some = <T>(list: readonly T[], n: number): T[] => {
    const rest = [...list]
    return Array.from({ length: Math.min(n, rest.length) }, () => rest.splice(below(rest.length), 1)).flat()
  }
  const digits = (n: number): string => Array.from({ length: n }, () => String(below(10))).join('')
  return { below, pick, some, digits }
}

const TYPES: Readonly<Record<string, JsonObject>> = {
  s: { type: 'string' },
  n: { type: 'number' },
  i: { type: 'integer' },
  b: { type: 'boolean' },
  l: { type: 'array', items: { type: 'string' } },
}

/** `tool('share_file', 'Shares a file.', 'file_id:s the file|email:s? with whom')`; `?` = optional. */
export function tool(name: string, description: string, args = ''): CatalogueTool {
  const properties: Record<string, JsonObject> = {}
  const required: string[] = []
  for (const arg of args === '' ? [] : args.split('|')) {
    const [, key = '', type = 's', optional = '', told = ''] = /^(\w+):(\w)(\?)?\s?(.*)$/.exec(arg) ?? []
    properties[key] = { ...TYPES[type], ...(told === '' ? {} : { description: told }) }
    if (optional === '') required.push(key)
  }
  return { name, description, input_schema: { type: 'object', properties, required } }
}
