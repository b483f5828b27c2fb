/**
 * Epochs: revocation by counting.
 * @module
 */
import type { EpochStore } from '@safeconduct/engine'
import { decodeKey, encodeKey, writeKey } from '../key-text.ts'
import { notFound, readEpochKind } from '../records.ts'
import { toCount, toCountOrNull } from './codec.ts'
import type { Session } from './session.ts'

export function sqlEpochs(session: Session): EpochStore {
  return {
    async all() {
      const rows = await session.run((db) =>
        db.selectFrom('epochs').selectAll().orderBy('tenant').orderBy('kind').orderBy('id').execute(),
      )
      return rows.map((row) => ({
        tenant: decodeKey(row.tenant),
        ref: { kind: readEpochKind(row.kind), id: decodeKey(row.id), epoch: toCount(row.epoch) },
      }))
    },
    async ensure(tenant, kind, id) {
      const key = { tenant: writeKey('tenant', tenant), kind: readEpochKind(kind), id: writeKey('id', id) }
      return session.atomic(async (db) => {
        await db
          .insertInto('epochs')
          .values({ ...key, epoch: 1n, bumped_at: null })
          .onConflict((on) => on.columns(['tenant', 'kind', 'id']).doNothing())
          .execute()
        const { epoch } = await db
          .selectFrom('epochs')
          .select('epoch')
          .where('tenant', '=', key.tenant)
          .where('kind', '=', key.kind)
          .where('id', '=', key.id)
          .executeTakeFirstOrThrow()
        return toCount(epoch)
      })
    },
    async bump(tenant, kind, id) {
      const row = await session.run((db) =>
        db
          .updateTable('epochs')
          .set((column) => ({ epoch: column('epoch', '+', 1n), bumped_at: BigInt(session.now()) }))
          .where('tenant', '=', encodeKey(tenant))
          .where('kind', '=', readEpochKind(kind))
          .where('id', '=', encodeKey(id))
          .returning('epoch')
          .executeTakeFirst(),
      )
      if (row === undefined) throw notFound()
      return toCount(row.epoch)
    },
    async bumpedAt(tenant, kind, id) {
      const row = await session.run((db) =>
        db
          .selectFrom('epochs')
          .select('bumped_at')
          .where('tenant', '=', encodeKey(tenant))
          .where('kind', '=', readEpochKind(kind))
          .where('id', '=', encodeKey(id))
          .executeTakeFirst(),
      )
      return toCountOrNull(row?.bumped_at ?? null)
    },
  }
}
