/**
 * Tuples and their changes in memory.
 * @module
 */
import type { RelationLog, RelationPlace } from '@safeconduct/engine'
import { decodeKey, encodeKey, writeKey } from '../key-text.ts'
import { conflict, readInteger } from '../records.ts'
import {
  readRelationLimit,
  readTuple,
  type TupleKey,
  type TupleRow,
  typePrefix,
  writeTuple,
  writeTupleKey,
} from '../relation-rows.ts'
import type { Turn } from './collection.ts'
import { type Journal, joined, undoableMap } from './journal.ts'

interface Placed {
  readonly place: string
  readonly tenant: string
  readonly space: string
  readonly number: number
}
interface KeptTuple extends Placed {
  readonly row: TupleRow
  readonly at: number
}
interface KeptChange extends KeptTuple {
  readonly operation: 'write' | 'delete'
}

export function memoryRelations(journal: Journal): (turn: Turn) => RelationLog {
  const tuples = undoableMap<KeptTuple>(journal)
  const changes = undoableMap<KeptChange>(journal)
  const counters = undoableMap<number>(journal)
  const count = (what: string): number => {
    const next = (counters.get(what) ?? 0) + 1
    counters.set(what, next)
    return next
  }
  const placeOf = ({ tenant, space }: RelationPlace) => joined(encodeKey(tenant), encodeKey(space))
  const keyOf = (place: string, { object, relation, user }: TupleKey) => joined(place, object, relation, user)
  const ordered = <T extends Placed>(rows: Iterable<[string, T]>, after: number): T[] =>
    [...rows]
      .map(([, row]) => row)
      .filter(({ number }) => number > after)
      .sort((a, b) => a.number - b.number)
  const changeOf = ({ number, at, operation, row }: KeptChange) => ({
    seq: number,
    at,
    operation,
    tuple: readTuple(row),
  })
  const placed = ({ tenant, space }: Placed) => ({ tenant: decodeKey(tenant), space: decodeKey(space) })

  return (turn) => ({
    write: async (asked, change) => {
      const named = { tenant: writeKey('tenant', asked.tenant), space: writeKey('space', asked.space) }
      const place = placeOf(asked)
      const rows = change.writes.map(writeTuple)
      const keys = change.deletes.map(writeTupleKey)
      const at = readInteger('time', change.at)
      return turn(() => {
        const gone: TupleRow[] = []
        const here = new Map<string, boolean>()
        const there = (key: string) => here.get(key) ?? tuples.get(key) !== undefined
        // Everything is looked at before anything is changed: outside a transaction nobody takes changes back.
        for (const key of keys) {
          const name = keyOf(place, key)
          const held = tuples.get(name)
          if (!there(name) || held === undefined) throw conflict()
          here.set(name, false)
          gone.push(held.row)
        }
        for (const row of rows) {
          const name = keyOf(place, row)
          if (there(name)) throw conflict()
          here.set(name, true)
        }
        const log = (operation: 'write' | 'delete', row: TupleRow) => {
          const seq = count('seq')
          changes.set(String(seq), { place, ...named, number: seq, at, operation, row })
          counters.set(joined('last', place), seq)
        }
        for (const row of gone) {
          tuples.delete(keyOf(place, row))
          log('delete', row)
        }
        for (const row of rows) {
          tuples.set(keyOf(place, row), { place, ...named, number: count('row'), at, row })
          log('write', row)
        }
        return counters.get(joined('last', place)) ?? 0
      })
    },
    tuples: async (after, limit) => {
      const most = readRelationLimit(limit)
      return turn(() =>
        ordered(tuples.entries(), after)
          .slice(0, most)
          .map((kept) => ({ ...placed(kept), row: kept.number, tuple: readTuple(kept.row) })),
      )
    },
    writtenAt: async (asked, keys) => {
      readRelationLimit(Math.max(keys.length, 1))
      const place = placeOf(asked)
      const encoded = keys.map(({ object, relation, user }) => ({
        object: encodeKey(object),
        relation: encodeKey(relation),
        user: encodeKey(user),
      }))
      return turn(() => encoded.map((key) => tuples.get(keyOf(place, key))?.at ?? null))
    },
    changes: async (asked, { after, limit, type, since }) => {
      const most = readRelationLimit(limit)
      const place = placeOf(asked)
      return turn(() =>
        ordered(changes.entries(), after)
          .filter((change) => change.place === place)
          .filter(({ at }) => since === undefined || at >= since)
          .filter(({ row }) => type === undefined || row.object.startsWith(typePrefix(type)))
          .slice(0, most)
          .map(changeOf),
      )
    },
    allChanges: async (after, limit) => {
      const most = readRelationLimit(limit)
      return turn(() =>
        ordered(changes.entries(), after)
          .slice(0, most)
          .map((change) => ({ ...placed(change), ...changeOf(change) })),
      )
    },
    last: async (asked) => turn(() => counters.get(joined('last', placeOf(asked))) ?? 0),
    remove: async (asked) => {
      const place = placeOf(asked)
      await turn(() => {
        for (const rows of [tuples, changes])
          for (const [key, row] of [...rows.entries()]) if (row.place === place) rows.delete(key)
        counters.delete(joined('last', place))
      })
    },
  })
}
