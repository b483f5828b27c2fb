/**
 * Epochs, authorization-server records, replay claims, blobs and the outbox in memory.
 * @module
 */
import type { BlobStore, EpochStore, OAuthStore, Outbox, ReplayStore } from '@safeconduct/engine'
import type { EpochKind, JsonObject } from '@safeconduct/protocol'
import { compareKeys, decodeKey, encodeKey, writeKey } from '../key-text.ts'
import { type OAuthKeys, oauthKeys, oauthPayload } from '../oauth-rows.ts'
import {
  checkBytes,
  conflict,
  fromJson,
  notFound,
  REPLAY_GRACE,
  REPLAY_SWEEP,
  readEpochKind,
  readInteger,
  readLimit,
  toJson,
} from '../records.ts'
import type { Turn } from './collection.ts'
import { type Journal, joined, undoableMap } from './journal.ts'

interface EpochRow {
  readonly tenant: string
  readonly kind: EpochKind
  readonly id: string
  readonly epoch: number
  readonly bumpedAt: number | null
}

export function memoryEpochs(journal: Journal, now: () => number): (turn: Turn) => EpochStore {
  const rows = undoableMap<EpochRow>(journal)
  return (turn) => ({
    all: () =>
      turn(() =>
        [...rows.entries()]
          .sort(([a], [b]) => compareKeys(a, b))
          .map(([, { tenant, kind, id, epoch }]) => ({
            tenant: decodeKey(tenant),
            ref: { kind, id: decodeKey(id), epoch },
          })),
      ),
    ensure: async (tenant, kind, id) => {
      const row = {
        tenant: writeKey('tenant', tenant),
        kind: readEpochKind(kind),
        id: writeKey('id', id),
        epoch: 1,
        bumpedAt: null,
      }
      const key = joined(row.tenant, row.kind, row.id)
      return turn(() => {
        const held = rows.get(key)
        if (held === undefined) rows.set(key, row)
        return held?.epoch ?? 1
      })
    },
    bump: async (tenant, kind, id) => {
      const key = joined(encodeKey(tenant), readEpochKind(kind), encodeKey(id))
      return turn(() => {
        const held = rows.get(key)
        if (held === undefined) throw notFound()
        rows.set(key, { ...held, epoch: held.epoch + 1, bumpedAt: now() })
        return held.epoch + 1
      })
    },
    bumpedAt: async (tenant, kind, id) => {
      const key = joined(encodeKey(tenant), readEpochKind(kind), encodeKey(id))
      return turn(() => rows.get(key)?.bumpedAt ?? null)
    },
  })
}

interface OAuthRow {
  readonly model: string
  readonly id: string
  readonly payload: string
  readonly keys: OAuthKeys
  readonly expiresAt: number | null
  readonly consumedAt: number | null
}

export function memoryOAuth(journal: Journal, now: () => number): (turn: Turn) => OAuthStore {
  const rows = undoableMap<OAuthRow>(journal)

  function findBy(model: string, matches: (row: OAuthRow) => boolean): JsonObject | null {
    const wanted = encodeKey(model)
    const found = [...rows.entries()]
      .map(([, row]) => row)
      .filter((row) => row.model === wanted && matches(row))
      .sort((a, b) => compareKeys(a.id, b.id))
    for (const row of found) {
      const payload = oauthPayload(row, now())
      if (payload !== null) return payload
    }
    return null
  }

  return (turn) => ({
    upsert: async (model, id, payload, expiresAt) => {
      const row: OAuthRow = {
        model: writeKey('model', model),
        id: writeKey('id', id),
        payload: toJson(payload),
        keys: oauthKeys(payload),
        expiresAt: expiresAt === null ? null : readInteger('expiresAt', expiresAt),
        consumedAt: null,
      }
      await turn(() => {
        for (const [key, { expiresAt: end }] of rows.entries()) {
          if (end !== null && end <= now()) rows.delete(key)
        }
        rows.set(joined(row.model, row.id), row)
      })
    },
    find: (model, id) => turn(() => findBy(model, (row) => row.id === encodeKey(id))),
    findByUid: (model, uid) => turn(() => findBy(model, (row) => row.keys.uid === encodeKey(uid))),
    findByUserCode: (model, userCode) =>
      turn(() => findBy(model, (row) => row.keys.userCode === encodeKey(userCode))),
    consume: async (model, id, at) => {
      const consumedAt = readInteger('at', at)
      await turn(() => {
        const key = joined(encodeKey(model), encodeKey(id))
        const held = rows.get(key)
        if (held !== undefined && held.consumedAt === null) rows.set(key, { ...held, consumedAt })
      })
    },
    destroy: (model, id) => turn(() => rows.delete(joined(encodeKey(model), encodeKey(id)))),
    revokeByGrantId: (model, grantId) =>
      turn(() => {
        for (const [key, row] of [...rows.entries()]) {
          if (row.model === encodeKey(model) && row.keys.grantId === encodeKey(grantId)) rows.delete(key)
        }
      }),
  })
}

export function memoryReplay(journal: Journal): (turn: Turn) => ReplayStore {
  const claims = undoableMap<number>(journal)
  let count = 0
  return (turn) => ({
    claim: async (key, expiresAt, now) => {
      const name = writeKey('key', key)
      if (readInteger('expiresAt', expiresAt) <= readInteger('now', now)) return false
      return turn(() => {
        if (++count % REPLAY_SWEEP === 0) {
          for (const [old, end] of [...claims.entries()]) if (end <= now - REPLAY_GRACE) claims.delete(old)
        }
        const held = claims.get(name)
        if (held !== undefined && held > now) return false
        claims.set(name, expiresAt)
        return true
      })
    },
  })
}

export function memoryBlobs(journal: Journal): (turn: Turn) => BlobStore {
  const blobs = undoableMap<Uint8Array>(journal)
  const copy = (value: Uint8Array) => new Uint8Array(value)
  return (turn) => ({
    get: (name) =>
      turn(() => {
        const held = blobs.get(encodeKey(name))
        return held === undefined ? null : copy(held)
      }),
    put: async (name, value) => {
      const key = writeKey('name', name)
      const kept = copy(checkBytes(value))
      await turn(() => blobs.set(key, kept))
    },
    putIfAbsent: async (name, value) => {
      const key = writeKey('name', name)
      const kept = copy(checkBytes(value))
      return turn(() => {
        const held = blobs.get(key)
        if (held === undefined) blobs.set(key, kept)
        return copy(held ?? kept)
      })
    },
    erase: (name) => turn(() => blobs.delete(encodeKey(name))),
    names: (prefix) =>
      turn(() =>
        [...blobs.entries()]
          .map(([name]) => name)
          .filter((name) => name.startsWith(encodeKey(prefix)))
          .sort(compareKeys)
          .map(decodeKey),
      ),
  })
}

export function memoryOutbox(journal: Journal): (turn: Turn) => Outbox {
  const events = undoableMap<{ seq: number; tenant: string; id: string; event: string }>(journal)
  const counter = undoableMap<number>(journal)
  const inOrder = () => [...events.entries()].sort(([, a], [, b]) => a.seq - b.seq)
  return (turn) => ({
    add: async (tenant, id, event) => {
      const row = { tenant: writeKey('tenant', tenant), id: writeKey('id', id), event: toJson(event) }
      const key = joined(row.tenant, row.id)
      await turn(() => {
        if (events.get(key) !== undefined) throw conflict()
        const seq = (counter.get('seq') ?? 0) + 1
        counter.set('seq', seq)
        events.set(key, { ...row, seq })
      })
    },
    take: (limit) =>
      turn(() =>
        inOrder()
          .slice(0, readLimit(limit))
          .map(([, { seq, tenant, id, event }]) => ({
            seq,
            tenant: decodeKey(tenant),
            id: decodeKey(id),
            event: fromJson(event),
          })),
      ),
    done: async (throughSeq) => {
      const through = readInteger('sequence number', throughSeq)
      await turn(() => {
        for (const [key, { seq }] of inOrder()) if (seq <= through) events.delete(key)
      })
    },
  })
}
