/**
 * A collection as one table: (tenant, id), version, index columns, JSON text.
 * @module
 */
import type { Collection, Page } from '@safeconduct/engine'
import type { Stored } from '@safeconduct/protocol'
import type { Kysely, SelectQueryBuilder } from 'kysely'
import { encodeKey } from '../key-text.ts'
import {
  type CollectionName,
  conflict,
  fromRow,
  type IndexKind,
  notFound,
  type PageQuery,
  readIndex,
  readPage,
  toNewRow,
  toRow,
} from '../records.ts'
import { toCount } from './codec.ts'
import type { Database, IndexColumn } from './schema.ts'
import type { Session } from './session.ts'

/** All record tables have one shape for the compiler, so one name stands for all of them. */
type AnyTable = 'decisions'

type Found = { tenant: string; id: string; version: bigint; body: string }

export function sqlCollection<T extends Stored, Index extends string>(
  session: Session,
  name: CollectionName,
  indexes: Readonly<Record<Index, IndexKind>>,
): Collection<T, Index> {
  const table = name as AnyTable
  const select = (db: Kysely<Database>, tenant: string) =>
    db.selectFrom(table).select(['tenant', 'id', 'version', 'body']).where('tenant', '=', encodeKey(tenant))
  const record = (row: Found): T => fromRow<T>({ ...row, version: toCount(row.version) })

  return {
    async get(tenant, id) {
      const row = await session.run((db) =>
        select(db, tenant).where('id', '=', encodeKey(id)).executeTakeFirst(),
      )
      return row === undefined ? null : record(row)
    },
    async list(tenant, page?: Page) {
      const query = readPage(page)
      const rows = await session.run((db) => paged(select(db, tenant), query).execute())
      return rows.map(record)
    },
    async find(tenant, index, value, page?: Page) {
      const column = readIndex(indexes, index) as IndexColumn
      const query = readPage(page)
      const rows = await session.run((db) =>
        paged(select(db, tenant).where(column, '=', encodeKey(value)), query).execute(),
      )
      return rows.map(record)
    },
    async insert(value) {
      const { indexed, ...row } = toNewRow(value, indexes)
      await session.run((db) =>
        db
          .insertInto(table)
          .values({
            ...row,
            version: BigInt(row.version),
            ...(indexed as Record<IndexColumn, string | null>),
          })
          .execute(),
      )
    },
    async replace(value) {
      const { indexed, tenant, id, version, body } = toRow(value, indexes)
      await session.run(async (db) => {
        const { numUpdatedRows } = await db
          .updateTable(table)
          .set({ version: BigInt(version), body, ...(indexed as Record<IndexColumn, string | null>) })
          .where('tenant', '=', tenant)
          .where('id', '=', id)
          .where('version', '=', BigInt(version - 1))
          .executeTakeFirst()
        if (numUpdatedRows === 1n) return
        const held = await select(db, value.tenant).where('id', '=', id).executeTakeFirst()
        throw held === undefined ? notFound() : conflict()
      })
    },
    async remove(tenant, id) {
      await session.run((db) =>
        db
          .deleteFrom(table)
          .where('tenant', '=', encodeKey(tenant))
          .where('id', '=', encodeKey(id))
          .execute(),
      )
    },
  }
}

function paged<O>(query: SelectQueryBuilder<Database, AnyTable, O>, page: PageQuery) {
  const from = page.after === null ? query : query.where('id', page.newestFirst ? '<' : '>', page.after)
  return from.orderBy('id', page.newestFirst ? 'desc' : 'asc').limit(page.limit)
}
