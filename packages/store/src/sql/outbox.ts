/**
 * Ledger events waiting to be drained, in the order in which their changes were committed.
 * @module
 */
import type { Outbox } from '@safeconduct/engine'
import { decodeKey, writeKey } from '../key-text.ts'
import { fromJson, readInteger, readLimit, toJson } from '../records.ts'
import { toCount } from './codec.ts'
import type { Session } from './session.ts'

export function sqlOutbox(session: Session): Outbox {
  return {
    async add(tenant, id, event) {
      const row = { tenant: writeKey('tenant', tenant), id: writeKey('id', id), event: toJson(event) }
      await session.run((db) => db.insertInto('outbox').values(row).execute())
    },
    async take(limit) {
      const rows = await session.run((db) =>
        db.selectFrom('outbox').selectAll().orderBy('seq').limit(readLimit(limit)).execute(),
      )
      return rows.map((row) => ({
        seq: toCount(row.seq),
        tenant: decodeKey(row.tenant),
        id: decodeKey(row.id),
        event: fromJson(row.event),
      }))
    },
    async done(throughSeq) {
      const through = BigInt(readInteger('sequence number', throughSeq))
      await session.run((db) => db.deleteFrom('outbox').where('seq', '<=', through).execute())
    },
  }
}
