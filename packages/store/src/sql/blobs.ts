/**
 * Small opaque values. An erased one leaves the file and its journal before `erase` resolves.
 * @module
 */
import type { BlobStore } from '@safeconduct/engine'
import type { Kysely } from 'kysely'
import { decodeKey, encodeKey, writeKey } from '../key-text.ts'
import { checkBytes } from '../records.ts'
import type { Database } from './schema.ts'
import type { Session } from './session.ts'

export function sqlBlobs(session: Session): BlobStore {
  const read = (db: Kysely<Database>, name: string) =>
    db.selectFrom('blobs').select('value').where('name', '=', name)
  return {
    async get(name) {
      const row = await session.run((db) => read(db, encodeKey(name)).executeTakeFirst())
      return row?.value ?? null
    },
    async put(name, value) {
      const row = { name: writeKey('name', name), value: checkBytes(value) }
      await session.run((db) =>
        db
          .insertInto('blobs')
          .values(row)
          .onConflict((on) => on.column('name').doUpdateSet({ value: row.value }))
          .execute(),
      )
    },
    async putIfAbsent(name, value) {
      const row = { name: writeKey('name', name), value: checkBytes(value) }
      return session.atomic(async (db) => {
        await db
          .insertInto('blobs')
          .values(row)
          .onConflict((on) => on.column('name').doNothing())
          .execute()
        return (await read(db, row.name).executeTakeFirstOrThrow()).value
      })
    },
    async erase(name) {
      await session.atomic(async (db) => {
        await db.deleteFrom('blobs').where('name', '=', encodeKey(name)).execute()
        session.erased()
      })
    },
    async names(prefix) {
      const from = encodeKey(prefix)
      const rows = await session.run((db) => {
        const all = db.selectFrom('blobs').select('name').where('name', '>=', from).orderBy('name')
        const end = afterPrefix(from)
        return (end === null ? all : all.where('name', '<', end)).execute()
      })
      return rows.map(({ name }) => decodeKey(name))
    },
  }
}

/** The least text that sorts after everything that starts with `prefix`; null = there is none. */
function afterPrefix(prefix: string): string | null {
  const points = [...prefix]
  for (let last = points.pop(); last !== undefined; last = points.pop()) {
    const point = last.codePointAt(0) ?? 0
    if (point === 0x10ffff) continue
    // The surrogates between U+D7FF and U+E000 are no text.
    return points.join('') + String.fromCodePoint(point === 0xd7ff ? 0xe000 : point + 1)
  }
  return null
}
