/**
 * Live state as JSON and back. Maps keep their order (bounded maps forget by it), numbers are doubles as JSON prints
 * them, so restored state decides bit for bit as the one it was taken from.
 *
 * A capture is the state of one turn, written out in pieces while later turns go on. What makes that possible: tasks,
 * counters, flows and open calls are replaced, never changed in place, so holding them is enough; agents are changed in
 * place, so `apply` asks for the one it is about to change to be written out first (`touch`).
 *
 * Encoding: a Map is `["~map", [key, value]…]`; an array that begins with a string beginning with `~` is
 * `["~array", …]`; everything else is itself. Only plain objects, arrays, Maps and scalars may occur.
 * @module
 */
import type { JsonValue } from '@safeconduct/protocol'
import { emptyLive, type Live, type TenantState } from './state.ts'

/** Of the pieces; a snapshot of another version is not guessed at. */
export const SNAPSHOT_VERSION = 3

const SECTIONS = ['agents', 'tasks', 'spent', 'flows', 'calls', 'peers', 'logged'] as const
type Section = (typeof SECTIONS)[number]

/** One member of one of the live maps, or (first) what stands beside them. */
export type Piece =
  | readonly ['head', { readonly seq: number; readonly sweptAt: number }]
  | readonly [Section, string, JsonValue]

export interface Capture {
  /** Every piece, each once; to be read to the end or returned from. */
  readonly pieces: Generator<Piece, void, void>
  /** The agent is about to change. */
  touch(agent: string): void
}

/** Takes hold of the live state as it is in this turn: one step a member, nothing is encoded yet. One at a time. */
export function capture(tenant: TenantState): Capture {
  const { seq, sweptAt, agents, ...others } = tenant.live
  const pending = new Map(agents)
  const early = new Map<string, JsonValue>()
  const held: [Section, [string, unknown][]][] = []
  for (const section of SECTIONS) if (section !== 'agents') held.push([section, [...others[section]]])

  function* walk(): Generator<Piece, void, void> {
    try {
      yield ['head', { seq, sweptAt }]
      for (const [id, agent] of pending) {
        const written = early.get(id) ?? encode(agent)
        early.delete(id)
        pending.delete(id)
        yield ['agents', id, written]
      }
      for (const [section, members] of held)
        for (const [key, value] of members) yield [section, key, encode(value)]
    } finally {
      if (tenant.capture === taken) tenant.capture = null
    }
  }

  const taken: Capture = {
    pieces: walk(),
    touch(id) {
      const agent = pending.get(id)
      // By way of text: what is encoded shares what is unchanged with the agent itself.
      if (agent !== undefined && !early.has(id)) early.set(id, JSON.parse(JSON.stringify(encode(agent))))
    },
  }
  tenant.capture = taken
  return taken
}

/** The live state that pieces tell of. @returns null when they are not whole: the first is no head */
export function restore(pieces: Iterable<JsonValue>): Live | null {
  const live = emptyLive()
  let seq: number | null = null
  for (const piece of pieces) {
    // Shape is ours: pieces are sealed under the tenant's key by this code at this version.
    const [section, key, value] = piece as unknown as readonly [string, JsonValue, JsonValue]
    if (section === 'head') {
      const head = key as { readonly seq: number; readonly sweptAt: number }
      seq = head.seq
      live.sweptAt = head.sweptAt
    } else {
      const members = live[section as Section] as Map<string, unknown>
      members.set(key as string, decode(value))
    }
  }
  if (seq === null) return null
  live.seq = seq
  return live
}

export function encode(value: unknown): JsonValue {
  if (value === null || typeof value !== 'object') return value as JsonValue
  if (value instanceof Map)
    return ['~map', ...[...value].map(([key, item]): JsonValue => [String(key), encode(item)])]
  return Array.isArray(value) ? encodeArray(value) : (mapMembers(value, encode) as JsonValue)
}

/** The value itself when nothing in it has to be written otherwise: most of a state is plain JSON already. */
function encodeArray(value: readonly unknown[]): JsonValue {
  const items = mapItems(value, encode)
  const tagged = typeof items[0] === 'string' && items[0].startsWith('~')
  return (tagged ? ['~array', ...items] : items) as JsonValue
}

export function decode(value: JsonValue): unknown {
  if (value === null || typeof value !== 'object') return value
  if (!Array.isArray(value)) return mapMembers(value, (item) => decode(item as JsonValue))
  const [tag, ...items] =
    typeof value[0] === 'string' && value[0].startsWith('~') ? (value as JsonValue[]) : []
  if (tag === '~map') return new Map(items.map((item) => entry(item)))
  return mapItems(tag === '~array' ? items : value, (item) => decode(item as JsonValue))
}

function entry(item: JsonValue): [string, unknown] {
  const [key, value] = Array.isArray(item) ? (item as JsonValue[]) : []
  return [String(key), decode(value ?? null)]
}

/** A copy only where an item changes. */
function mapItems(value: readonly unknown[], change: (item: unknown) => unknown): readonly unknown[] {
  let items: unknown[] | null = null
  for (let i = 0; i < value.length; i++) {
    const changed = change(value[i])
    if (changed === value[i]) continue
    items ??= [...value]
    items[i] = changed
  }
  return items ?? value
}

/** A copy only where a member changes, or is there without a value. */
function mapMembers(value: object, change: (item: unknown) => unknown): object {
  let members: Record<string, unknown> | null = null
  for (const [key, item] of Object.entries(value)) {
    const changed = change(item)
    if (changed === item && item !== undefined) continue
    members ??= { ...value }
    if (item === undefined) delete members[key]
    // Assignment could be diverted by the name.
    else
      Object.defineProperty(members, key, {
        value: changed,
        enumerable: true,
        configurable: true,
        writable: true,
      })
  }
  return members ?? value
}
