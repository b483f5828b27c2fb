/**
 * A call as detectors may see it: numbers, digests and a tool's id, bounded; nothing of what the call says.
 * @module
 */
import { hash } from 'node:crypto'
import type { CallRequest } from '@safeconduct/protocol'
import type { Trace } from '../flow/index.ts'
import { scalars } from '../flow/json.ts'
import type { KnownTool } from '../integrity/catalogue.ts'
import type { Signal } from './detector.ts'
import { lookupOf } from './extraction/asked.ts'
import { looksOf } from './forms.ts'

const LIMITS = { depth: 8, leaves: 256 } as const
const MAX_NUMBERS = 16
const MAX_PARTIES = 16
/** Arguments that say where an effect goes weigh at least this much (`flow/roles.ts`). */
const PARTY_WEIGHT = 0.7

export function signalOf(request: CallRequest, tool: KnownTool | null, proofAge: number | null): Signal {
  const { operation, context } = request
  const numbers: [string, number][] = []
  const parties: [string, string][] = []
  if (tool?.write === true) {
    const more: [string, string][] = []
    for (const { path, value } of scalars(operation.args, LIMITS).leaves) {
      if (typeof value === 'number') {
        keepNumber(numbers, bare(path), value)
        continue
      }
      if (typeof value === 'boolean') continue
      const role = tool.roles.args[path.split(/[.[]/, 1)[0] ?? '']
      if (role?.sink !== true || role.weight < PARTY_WEIGHT) continue
      if (parties.length < MAX_PARTIES) parties.push([bare(path), digest(value)])
      else more.push([bare(path), value])
    }
    // Behind many that are known nobody hides another one: what finds no room is one value together.
    const [first] = more
    if (first !== undefined)
      parties[MAX_PARTIES - 1] = [first[0], digest(JSON.stringify([parties.at(-1), more]))]
  }
  return {
    at: request.at,
    tool: tool?.action ?? `${operation.server}/${operation.name ?? operation.method}`.slice(0, 256),
    write: tool?.write === true,
    numbers,
    parties,
    steered: false,
    steering: null,
    place: context.ip === null ? null : digest(context.ip),
    proofAge,
    ...(tool === null || operation.kind !== 'tool' ? {} : looksOf(tool, operation.args, saltOf(request))),
    ...(request.grant.via.length === 0 ? {} : { chain: digest(JSON.stringify(request.grant.via)) }),
    ...(context.attempts === undefined ? {} : { attempts: context.attempts }),
    ...(context.intelligence === undefined ? {} : { intelligence: context.intelligence }),
  }
}

/** Not told to whoever writes what the agent reads, and the same after every start. */
function saltOf({ grant }: CallRequest): string {
  return JSON.stringify([grant.tenant, grant.agent])
}

/** Every argument keeps a number while there is room for its name; of a long list the largest ones stay. */
function keepNumber(numbers: [string, number][], path: string, value: number): void {
  if (numbers.length < MAX_NUMBERS) {
    numbers.push([path, value])
    return
  }
  const times = new Map<string, number>()
  for (const [of] of numbers) times.set(of, (times.get(of) ?? 0) + 1)
  const mine = numbers.filter(([of]) => of === path)
  const crowd = mine.length > 0 ? mine : numbers.filter(([of]) => (times.get(of) ?? 0) > 1)
  const least = crowd.reduce<[string, number] | undefined>(
    (a, b) => (a === undefined || Math.abs(b[1]) < Math.abs(a[1]) ? b : a),
    undefined,
  )
  if (least === undefined || (mine.length > 0 && Math.abs(value) <= Math.abs(least[1]))) return
  numbers.splice(numbers.indexOf(least), 1)
  numbers.push([path, value])
}

/** What is strange about a value counts this much when the user or a trusted source gave it, or any other source. */
const STRANGENESS = { named: 0.25, read: 0.5 } as const

/**
 * With who gave the agent its values: what it did not make up itself is less strange, unless provenance doubts the
 * call. Every part of an argument has to come from somewhere.
 */
export function withSources(signal: Signal, { labels, doubt }: Pick<Trace, 'labels' | 'doubt'>): Signal {
  if (!signal.write || doubt !== 'none') return signal
  const counts = new Map<string, number>()
  for (const { path, label } of labels) {
    const named = label === 'user' || label === 'trusted'
    const own = named ? STRANGENESS.named : label === 'untrusted' ? STRANGENESS.read : 1
    counts.set(bare(path), Math.max(own, counts.get(bare(path)) ?? 0))
  }
  const sourced = [...counts].filter(([, share]) => share < 1).slice(0, MAX_NUMBERS + MAX_PARTIES)
  return sourced.length === 0 ? signal : { ...signal, sourced }
}

/** Of a call whose arguments are not known yet: that there are none says nothing. */
export function withoutLooks({ forms: _forms, targets: _targets, ...signal }: Signal): Signal {
  return signal
}

/** What is kept of it until its call comes back: no query in numbers. */
export function underWay({ asked, ...signal }: Signal): Signal {
  return asked === undefined ? signal : { ...signal, looked: lookupOf(asked) }
}

/** Items of one list are one argument. Agents name arguments, and reasons repeat the name: only plain letters stay. */
export function bare(path: string): string {
  return path
    .replace(/\[\d+\]/g, '')
    .replace(/[^\w.-]/g, '_')
    .slice(0, 64)
}

function digest(text: string): string {
  return hash('sha256', text, 'base64url').slice(0, 16)
}
