/**
 * Live state as JSON and back. Maps keep their order (bounded maps forget by it), numbers are doubles as JSON prints
 * them, so restored state decides bit for bit as the one it was taken from.
 *
 * A capture is the state of one turn, written out in pieces while later turns go on. What makes that possible: tasks,
 * counters, flows and open calls are replaced, never changed in place, so holding them is enough; agents are changed in
 * place, so `apply` asks for the one it is about to change to be written out first (`touch`).
 * @module
 */
import type { JsonValue } from '@safeconduct/protocol'
import { shareNothing } from './cold.ts'
import { decode, encode } from './plain.ts'
import { type AgentLive, emptyLive, type Live, type TenantState } from './state.ts'

/** Of the pieces; a snapshot of another version is not guessed at. */
export const SNAPSHOT_VERSION = 11

const SECTIONS = [
  'agents',
  'tasks',
  'spent',
  'flows',
  'calls',
  'peers',
  'queries',
  'arrivals',
  'kinds',
  'forms',
  'breadths',
  'streams',
  'logged',
  'stains',
] as const
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
      const member = decode(value)
      members.set(key as string, section === 'agents' ? shareNothing(member as AgentLive) : member)
    }
  }
  if (seq === null) return null
  live.seq = seq
  return live
}
