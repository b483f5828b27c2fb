/**
 * Replay claims. The insert itself decides, so that of many claims at once exactly one wins.
 * @module
 */
import type { ReplayStore } from '@safeconduct/engine'
import { writeKey } from '../key-text.ts'
import { REPLAY_GRACE, REPLAY_SWEEP, readInteger } from '../records.ts'
import type { Session } from './session.ts'

export function sqlReplay(session: Session): ReplayStore {
  let claims = 0
  return {
    async claim(key, expiresAt, now) {
      const row = { key: writeKey('key', key), expires_at: BigInt(readInteger('expiresAt', expiresAt)) }
      if (expiresAt <= readInteger('now', now)) return false
      if (++claims % REPLAY_SWEEP === 0) await sweep(session, now)
      const won = await session.run((db) =>
        db
          .insertInto('replay')
          .values(row)
          .onConflict((on) =>
            on
              .column('key')
              .doUpdateSet({ expires_at: row.expires_at })
              .where('replay.expires_at', '<=', BigInt(now)),
          )
          .returning('key')
          .execute(),
      )
      return won.length === 1
    },
  }
}

/** Bounded work: as many rows again as may have been claimed since the last time, and some more. */
async function sweep(session: Session, now: number): Promise<void> {
  await session.run((db) =>
    db
      .deleteFrom('replay')
      .where('key', 'in', (from) =>
        from
          .selectFrom('replay')
          .select('key')
          .where('expires_at', '<=', BigInt(now - REPLAY_GRACE))
          .orderBy('expires_at')
          .limit(4 * REPLAY_SWEEP),
      )
      .execute(),
  )
}
