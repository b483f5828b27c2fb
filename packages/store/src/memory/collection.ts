/**
 * A collection in memory: rows as a store on disk would keep them, so that what goes in and what comes out share
 * nothing.
 * @module
 */
import type { Collection } from '@safeconduct/engine'
import type { Stored } from '@safeconduct/protocol'
import { compareKeys, encodeKey } from '../key-text.ts'
import {
  conflict,
  fromRow,
  type IndexKind,
  notFound,
  type PageQuery,
  type Row,
  readIndex,
  readPage,
  toNewRow,
  toRow,
} from '../records.ts'
import { type Journal, joined, undoableMap } from './journal.ts'

/** Runs one operation when its turn has come. */
export type Turn = <T>(work: () => T) => Promise<T>

/** Built twice over the same rows, by the store with one turn and by a transaction with another. */
export type CollectionFactory = <T extends Stored, Index extends string>(turn: Turn) => Collection<T, Index>

export function memoryCollection(
  journal: Journal,
  indexes: Readonly<Record<string, IndexKind>>,
): CollectionFactory {
  const rows = undoableMap<Row>(journal)
  const unique = Object.keys(indexes).filter((name) => indexes[name] === 'unique')

  function select(tenant: string, matches: (row: Row) => boolean, page: PageQuery): Row[] {
    const { after, limit, newestFirst } = page
    const order = newestFirst ? (a: Row, b: Row) => compareKeys(b.id, a.id) : byId
    return [...rows.entries()]
      .map(([, row]) => row)
      .filter((row) => row.tenant === tenant && matches(row))
      .filter((row) => after === null || compareKeys(row.id, after) * (newestFirst ? -1 : 1) > 0)
      .sort(order)
      .slice(0, limit)
  }

  function refuseTaken(row: Row): void {
    for (const name of unique) {
      const value = row.indexed[name]
      for (const [, other] of rows.entries()) {
        const same = other.tenant === row.tenant && other.id !== row.id && other.indexed[name] === value
        if (same && value !== null) throw conflict()
      }
    }
  }

  return <T extends Stored, Index extends string>(turn: Turn): Collection<T, Index> => ({
    get: (tenant, id) =>
      turn(() => {
        const row = rows.get(joined(encodeKey(tenant), encodeKey(id)))
        return row === undefined ? null : fromRow<T>(row)
      }),
    list: (tenant, page) =>
      turn(() => select(encodeKey(tenant), () => true, readPage(page)).map((row) => fromRow<T>(row))),
    find: (tenant, index, value, page) =>
      turn(() => {
        const name = readIndex(indexes, index)
        const wanted = encodeKey(value)
        const found = select(encodeKey(tenant), (row) => row.indexed[name] === wanted, readPage(page))
        return found.map((row) => fromRow<T>(row))
      }),
    insert: (value) => {
      const take = () => toNewRow(value, indexes)
      return insertLater(turn, take, (row) => {
        const key = joined(row.tenant, row.id)
        if (rows.get(key) !== undefined) throw conflict()
        refuseTaken(row)
        rows.set(key, row)
      })
    },
    replace: (value) =>
      insertLater(
        turn,
        () => toRow(value, indexes),
        (row) => {
          const key = joined(row.tenant, row.id)
          const held = rows.get(key)
          if (held === undefined) throw notFound()
          if (held.version !== row.version - 1) throw conflict()
          refuseTaken(row)
          rows.set(key, row)
        },
      ),
    remove: (tenant, id) => turn(() => rows.delete(joined(encodeKey(tenant), encodeKey(id)))),
  })
}

/** The value is read when the call is made, not when its turn comes: the caller may change it meanwhile. */
async function insertLater(turn: Turn, read: () => Row, write: (row: Row) => void): Promise<void> {
  const row = read()
  await turn(() => write(row))
}

function byId(a: Row, b: Row): number {
  return compareKeys(a.id, b.id)
}
