/**
 * Tuples and their changes as rows. A write reads nothing first: the unique index finds a tuple that is there, a
 * count of deleted rows one that is not.
 * @module
 */
import type { RelationChange, RelationLog, RelationPlace } from '@safeconduct/engine'
import type { Kysely } from 'kysely'
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
import { toCount, toCountOrNull } from './codec.ts'
import type { Database, RelationChangeTable } from './schema.ts'
import type { Session } from './session.ts'

/** Rows of one `insert`: few statements, and far from the number of parameters an engine takes. */
const INSERT = 200

type Db = Kysely<Database>

interface ChangeRow extends Omit<RelationChangeTable, 'seq' | 'place'> {
  readonly seq: bigint
}

export function sqlRelations(session: Session): RelationLog {
  return {
    async write(place, { writes, deletes, at }) {
      const rows = writes.map(writeTuple)
      const keys = deletes.map(writeTupleKey)
      const when = BigInt(readInteger('time', at))
      return session.atomic(async (db) => {
        const number = await numberOf(db, place)
        const gone = await deleteAll(db, number, keys)
        await insertAll(db, number, when, rows)
        return insertChanges(db, number, when, gone, rows)
      })
    },
    async tuples(after, limit) {
      const rows = await session.run((db) =>
        db
          .selectFrom('relationTuples')
          .innerJoin('relationPlaces', 'relationPlaces.place', 'relationTuples.place')
          .select(['row', 'tenant', 'space', 'object', 'relation', 'user', 'condition', 'expires_at'])
          .where('row', '>', BigInt(readInteger('row', after)))
          .orderBy('row')
          .limit(readRelationLimit(limit))
          .execute(),
      )
      return rows.map((row) => ({
        tenant: decodeKey(row.tenant),
        space: decodeKey(row.space),
        row: toCount(row.row),
        tuple: tupleOf(row),
      }))
    },
    async writtenAt(place, keys) {
      readRelationLimit(Math.max(keys.length, 1))
      return session.run(async (db) => {
        const number = await findNumber(db, place)
        const found: (number | null)[] = []
        for (const { object, relation, user } of keys) {
          const row =
            number === null
              ? undefined
              : await db
                  .selectFrom('relationTuples')
                  .select('at')
                  .where('place', '=', number)
                  .where('object', '=', encodeKey(object))
                  .where('relation', '=', encodeKey(relation))
                  .where('user', '=', encodeKey(user))
                  .executeTakeFirst()
          found.push(row === undefined ? null : toCount(row.at))
        }
        return found
      })
    },
    async changes(place, { after, limit, type, since }) {
      const from = BigInt(readInteger('seq', after))
      const most = readRelationLimit(limit)
      const rows = await session.run(async (db) => {
        const number = await findNumber(db, place)
        if (number === null) return []
        let query = db
          .selectFrom('relationChanges')
          .select(['seq', 'at', 'deleted', 'object', 'relation', 'user', 'condition', 'expires_at'])
          .where('place', '=', number)
          .where('seq', '>', from)
        if (since !== undefined) query = query.where('at', '>=', BigInt(readInteger('time', since)))
        if (type !== undefined) {
          const prefix = typePrefix(type)
          // `;` comes after `:`, so nothing but this type lies in between.
          query = query.where('object', '>=', prefix).where('object', '<', `${prefix.slice(0, -1)};`)
        }
        return query.orderBy('seq').limit(most).execute()
      })
      return rows.map(changeOf)
    },
    async allChanges(after, limit) {
      const rows = await session.run((db) =>
        db
          .selectFrom('relationChanges')
          .innerJoin('relationPlaces', 'relationPlaces.place', 'relationChanges.place')
          .select(['seq', 'at', 'deleted', 'tenant', 'space', 'object', 'relation', 'user', 'condition'])
          .select('expires_at')
          .where('seq', '>', BigInt(readInteger('seq', after)))
          .orderBy('seq')
          .limit(readRelationLimit(limit))
          .execute(),
      )
      return rows.map((row) => ({
        tenant: decodeKey(row.tenant),
        space: decodeKey(row.space),
        ...changeOf(row),
      }))
    },
    async last(place) {
      const row = await session.run(async (db) => {
        const number = await findNumber(db, place)
        if (number === null) return undefined
        return db
          .selectFrom('relationChanges')
          .select('seq')
          .where('place', '=', number)
          .orderBy('seq', 'desc')
          .limit(1)
          .executeTakeFirst()
      })
      return row === undefined ? 0 : toCount(row.seq)
    },
    async remove(place) {
      await session.atomic(async (db) => {
        const number = await findNumber(db, place)
        if (number === null) return
        await db.deleteFrom('relationTuples').where('place', '=', number).execute()
        await db.deleteFrom('relationChanges').where('place', '=', number).execute()
        await db.deleteFrom('relationPlaces').where('place', '=', number).execute()
      })
    },
  }
}

async function findNumber(db: Db, { tenant, space }: RelationPlace): Promise<bigint | null> {
  const row = await db
    .selectFrom('relationPlaces')
    .select('place')
    .where('tenant', '=', encodeKey(tenant))
    .where('space', '=', encodeKey(space))
    .executeTakeFirst()
  return row?.place ?? null
}

async function numberOf(db: Db, place: RelationPlace): Promise<bigint> {
  const row = { tenant: writeKey('tenant', place.tenant), space: writeKey('space', place.space) }
  await db
    .insertInto('relationPlaces')
    .values(row)
    .onConflict((on) => on.columns(['tenant', 'space']).doNothing())
    .execute()
  const number = await findNumber(db, place)
  if (number === null) throw conflict()
  return number
}

/** Resolves to what was there. @throws {SafeconductError} `conflict` */
async function deleteAll(db: Db, place: bigint, keys: readonly TupleKey[]): Promise<TupleRow[]> {
  const gone: TupleRow[] = []
  for (const { object, relation, user } of keys) {
    const row = await db
      .deleteFrom('relationTuples')
      .where('place', '=', place)
      .where('object', '=', object)
      .where('relation', '=', relation)
      .where('user', '=', user)
      .returning(['condition', 'expires_at'])
      .executeTakeFirst()
    if (row === undefined) throw conflict()
    gone.push({
      object,
      relation,
      user,
      condition: row.condition,
      expiresAt: toCountOrNull(row.expires_at),
    })
  }
  return gone
}

async function insertAll(db: Db, place: bigint, at: bigint, rows: readonly TupleRow[]): Promise<void> {
  for (let from = 0; from < rows.length; from += INSERT) {
    const part = rows.slice(from, from + INSERT)
    await db
      .insertInto('relationTuples')
      .values(part.map((row) => ({ place, at, ...columns(row) })))
      .execute()
  }
}

async function insertChanges(
  db: Db,
  place: bigint,
  at: bigint,
  gone: readonly TupleRow[],
  written: readonly TupleRow[],
): Promise<number> {
  const rows = [
    ...gone.map((row) => ({ place, at, deleted: 1n, ...columns(row) })),
    ...written.map((row) => ({ place, at, deleted: 0n, ...columns(row) })),
  ]
  for (let from = 0; from < rows.length; from += INSERT)
    await db
      .insertInto('relationChanges')
      .values(rows.slice(from, from + INSERT))
      .execute()
  const { seq } = await db
    .selectFrom('relationChanges')
    .select((of) => of.fn.coalesce(of.fn.max('seq'), of.val(0n)).as('seq'))
    .where('place', '=', place)
    .executeTakeFirstOrThrow()
  return toCount(seq)
}

/** Member by member: a spread of a row costs more than everything else of it, and there are millions. */
const tupleOf = (row: Pick<ChangeRow, 'object' | 'relation' | 'user' | 'condition' | 'expires_at'>) =>
  readTuple({
    object: row.object,
    relation: row.relation,
    user: row.user,
    condition: row.condition,
    expiresAt: toCountOrNull(row.expires_at),
  })

const columns = ({ object, relation, user, condition, expiresAt }: TupleRow) => ({
  object,
  relation,
  user,
  condition,
  expires_at: expiresAt === null ? null : BigInt(expiresAt),
})

const changeOf = (row: ChangeRow): RelationChange => ({
  seq: toCount(row.seq),
  at: toCount(row.at),
  operation: row.deleted === 0n ? 'write' : 'delete',
  tuple: tupleOf(row),
})
