/**
 * Records of the authorization-server library. An expired record is never returned and is deleted in passing.
 * @module
 */
import type { OAuthStore } from '@safeconduct/engine'
import type { JsonObject } from '@safeconduct/protocol'
import type { Kysely } from 'kysely'
import { encodeKey, writeKey } from '../key-text.ts'
import { oauthKeys, oauthPayload } from '../oauth-rows.ts'
import { readInteger, toJson } from '../records.ts'
import { toCountOrNull } from './codec.ts'
import type { Database } from './schema.ts'
import type { Session } from './session.ts'

/** Expired records deleted with each upsert: more than one, so that the table shrinks to what lives. */
const SWEEP = 8

export function sqlOAuth(session: Session): OAuthStore {
  async function findBy(
    model: string,
    column: 'id' | 'uid' | 'user_code',
    value: string,
  ): Promise<JsonObject | null> {
    const row = await session.run((db) =>
      db
        .selectFrom('oauth')
        .select(['payload', 'expires_at', 'consumed_at'])
        .where('model', '=', encodeKey(model))
        .where(column, '=', encodeKey(value))
        .where((is) => is.or([is('expires_at', 'is', null), is('expires_at', '>', BigInt(session.now()))]))
        .orderBy('id')
        .executeTakeFirst(),
    )
    if (row === undefined) return null
    const expiresAt = toCountOrNull(row.expires_at)
    const consumedAt = toCountOrNull(row.consumed_at)
    return oauthPayload({ payload: row.payload, expiresAt, consumedAt }, session.now())
  }

  return {
    async upsert(model, id, payload, expiresAt) {
      const keys = oauthKeys(payload)
      const values = {
        payload: toJson(payload),
        uid: keys.uid,
        user_code: keys.userCode,
        grant_id: keys.grantId,
        expires_at: expiresAt === null ? null : BigInt(readInteger('expiresAt', expiresAt)),
        consumed_at: null,
      }
      const row = { model: writeKey('model', model), id: writeKey('id', id), ...values }
      await session.atomic(async (db) => {
        await sweep(db, BigInt(session.now()))
        await db
          .insertInto('oauth')
          .values(row)
          .onConflict((on) => on.columns(['model', 'id']).doUpdateSet(values))
          .execute()
      })
    },
    find: (model, id) => findBy(model, 'id', id),
    findByUid: (model, uid) => findBy(model, 'uid', uid),
    findByUserCode: (model, userCode) => findBy(model, 'user_code', userCode),
    async consume(model, id, at) {
      await session.run((db) =>
        db
          .updateTable('oauth')
          .set({ consumed_at: BigInt(readInteger('at', at)) })
          .where('model', '=', encodeKey(model))
          .where('id', '=', encodeKey(id))
          .where('consumed_at', 'is', null)
          .execute(),
      )
    },
    async destroy(model, id) {
      await session.run((db) =>
        db
          .deleteFrom('oauth')
          .where('model', '=', encodeKey(model))
          .where('id', '=', encodeKey(id))
          .execute(),
      )
    },
    async revokeByGrantId(model, grantId) {
      await session.run((db) =>
        db
          .deleteFrom('oauth')
          .where('model', '=', encodeKey(model))
          .where('grant_id', '=', encodeKey(grantId))
          .execute(),
      )
    },
  }
}

async function sweep(db: Kysely<Database>, now: bigint): Promise<void> {
  const expired = await db
    .selectFrom('oauth')
    .select(['model', 'id'])
    .where('expires_at', '<=', now)
    .orderBy('expires_at')
    .limit(SWEEP)
    .execute()
  for (const { model, id } of expired) {
    await db.deleteFrom('oauth').where('model', '=', model).where('id', '=', id).execute()
  }
}
