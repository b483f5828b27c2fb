/**
 * Ports in memory for tests of the engine: deterministic, with failures on demand. The real ones are in `store` and
 * `ledger`, which the engine may not import.
 * @module
 */
import { hash } from 'node:crypto'
import { type JsonObject, SafeconductError, type Stored } from '@safeconduct/protocol'
import type {
  Bus,
  BusMessage,
  Clock,
  Collection,
  EpochStore,
  Ids,
  Keyring,
  LedgerPort,
  Repositories,
  Store,
} from '../ports.ts'

export interface FakeClock extends Clock {
  set(at: number): void
  advance(ms: number): void
}

export function fakeClock(start = Date.UTC(2026, 0, 5, 10)): FakeClock {
  let at = start
  return {
    now: () => at,
    set: (to) => {
      at = to
    },
    advance: (ms) => {
      at += ms
    },
  }
}

export function fakeIds(prefix = 'id'): Ids {
  let count = 0
  return { next: () => `${prefix}-${String(++count).padStart(8, '0')}` }
}

export interface FakeBus extends Bus {
  readonly messages: BusMessage[]
}

export function fakeBus(): FakeBus {
  const messages: BusMessage[] = []
  const listeners = new Set<(message: BusMessage) => void>()
  return {
    messages,
    publish: (message) => {
      messages.push(message)
      for (const listener of listeners) listener(message)
    },
    subscribe: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

// ── Ledger ───────────────────────────────────────────────────────────────────────────────────────────────────

/** `lost`: the entry is not there. `reported-lost`: it is, and the caller is told that it is not. */
export type LedgerFault = 'lost' | 'reported-lost' | null

export interface FakeLedger extends LedgerPort {
  readonly rows: { entry: Uint8Array; attachment: Uint8Array | null; class: string }[]
  /** Asked at every append. */
  fault: (entry: Uint8Array, nth: number) => LedgerFault
  /** Appends wait while this is pending. */
  gate: Promise<void>
}

export function fakeLedger(): FakeLedger {
  const rows: FakeLedger['rows'] = []
  let count = 0
  const ledger: FakeLedger = {
    rows,
    fault: () => null,
    gate: Promise.resolve(),
    async append(entry, options = {}) {
      const fault = ledger.fault(entry, count++)
      const index = fault === 'lost' ? -1 : rows.length
      if (fault !== 'lost') {
        rows.push({ entry, attachment: options.attachment ?? null, class: options.class ?? 'ordinary' })
      }
      await ledger.gate
      if (fault !== null) throw new SafeconductError('ledger_unavailable')
      return { index }
    },
    get size() {
      return rows.length
    },
    async *entries(from, to) {
      for (let index = from; index < Math.min(to, rows.length); index++) {
        const row = rows[index]
        if (row !== undefined) yield { index, entry: row.entry, attachment: row.attachment }
      }
    },
    receipt: async (indexes) => ({ indexes: [...indexes] }),
  }
  return ledger
}

// ── Keyring ──────────────────────────────────────────────────────────────────────────────────────────────────

/** Seals by XOR with a digest of the subject: no secret, but bytes of another subject do not open. */
export function fakeKeyring(): Keyring {
  const ready = new Set<string>()
  const erased = new Set<string>()
  const slot = (tenant: string, subject: string): string => JSON.stringify([tenant, subject])
  const mask = (name: string, bytes: Uint8Array): Uint8Array => {
    const key = Buffer.from(hash('sha256', name), 'hex')
    const masked = new Uint8Array(bytes)
    for (let i = 0; i < masked.length; i++) masked[i] = (masked[i] ?? 0) ^ (key[i % key.length] ?? 0)
    return masked
  }
  const tag = (name: string): Buffer => Buffer.from(hash('sha256', `tag:${name}`), 'hex').subarray(0, 8)
  return {
    ready: async (tenant, subject) => {
      ready.add(slot(tenant, subject))
    },
    seal: (tenant, subject, plain) => {
      const name = slot(tenant, subject)
      if (!ready.has(name)) throw new SafeconductError('internal')
      return Buffer.concat([tag(name), mask(name, plain)])
    },
    open: async (tenant, subject, sealed) => {
      const name = slot(tenant, subject)
      if (erased.has(name)) return null
      if (!tag(name).equals(Buffer.from(sealed.subarray(0, 8)))) throw new SafeconductError('internal')
      return mask(name, sealed.subarray(8))
    },
    erase: async (tenant, subject) => {
      erased.add(slot(tenant, subject))
      ready.delete(slot(tenant, subject))
    },
  }
}

// ── Store ────────────────────────────────────────────────────────────────────────────────────────────────────

export interface FakeStore extends Store {
  /** Set to make the next call of the named method of a collection fail, for example `approvals.insert`. */
  failing: Set<string>
}

export function fakeStore(): FakeStore {
  const failing = new Set<string>()
  const collection = <T extends Stored, I extends string>(name: string): Collection<T, I> =>
    fakeCollection<T, I>((method) => {
      if (failing.delete(`${name}.${method}`)) throw new SafeconductError('internal')
    })
  const blobs = new Map<string, Uint8Array>()
  const queue: { seq: number; tenant: string; id: string; event: JsonObject }[] = []
  let seq = 0
  const repositories: Repositories = {
    users: collection('users'),
    agents: collection('agents'),
    servers: collection('servers'),
    tools: collection('tools'),
    tasks: collection('tasks'),
    delegations: collection('delegations'),
    approvals: collection('approvals'),
    policies: collection('policies'),
    elevations: collection('elevations'),
    ownerRequests: collection('ownerRequests'),
    enforcers: collection('enforcers'),
    policyStores: collection('policyStores'),
    decisions: collection('decisions'),
    relationSpaces: collection('relationSpaces'),
    relationModels: collection('relationModels'),
    relations: NO_RELATIONS,
    epochs: fakeEpochs(),
    oauth: NO_OAUTH,
    replay: { claim: async () => true },
    blobs: {
      get: async (name) => blobs.get(name) ?? null,
      put: async (name, value) => {
        blobs.set(name, value)
      },
      putIfAbsent: async (name, value) => {
        const kept = blobs.get(name) ?? value
        blobs.set(name, kept)
        return kept
      },
      erase: async (name) => {
        blobs.delete(name)
      },
      names: async (prefix) => [...blobs.keys()].filter((name) => name.startsWith(prefix)),
    },
    outbox: {
      add: async (tenant, id, event) => {
        queue.push({ seq: ++seq, tenant, id, event })
      },
      take: async (limit) => queue.slice(0, limit),
      done: async (through) => {
        while ((queue[0]?.seq ?? Number.POSITIVE_INFINITY) <= through) queue.shift()
      },
    },
  }
  return { ...repositories, failing, tx: (work) => work(repositories), close: async () => undefined }
}

/** No test of the engine stores tuples: facts come to it as control events. */
const NO_RELATIONS: Repositories['relations'] = {
  write: async () => 0,
  tuples: async () => [],
  writtenAt: async () => [],
  changes: async () => [],
  allChanges: async () => [],
  last: async () => 0,
  remove: async () => undefined,
}

/** No test of the engine goes through the authorization server's records. */
const NO_OAUTH: Repositories['oauth'] = {
  upsert: async () => undefined,
  find: async () => null,
  findByUid: async () => null,
  findByUserCode: async () => null,
  consume: async () => undefined,
  destroy: async () => undefined,
  revokeByGrantId: async () => undefined,
}

function fakeEpochs(): EpochStore {
  const epochs = new Map<string, { tenant: string; ref: { kind: 'agent'; id: string; epoch: number } }>()
  const keyOf = (tenant: string, kind: string, id: string): string => JSON.stringify([tenant, kind, id])
  const set = (tenant: string, kind: string, id: string, epoch: number): number => {
    epochs.set(keyOf(tenant, kind, id), { tenant, ref: { kind: kind as 'agent', id, epoch } })
    return epoch
  }
  return {
    all: async () => structuredClone([...epochs.values()]),
    ensure: async (tenant, kind, id) => {
      const known = epochs.get(keyOf(tenant, kind, id))
      return known?.ref.epoch ?? set(tenant, kind, id, 1)
    },
    bump: async (tenant, kind, id) => {
      const known = epochs.get(keyOf(tenant, kind, id))
      if (known === undefined) throw new SafeconductError('not_found')
      return set(tenant, kind, id, known.ref.epoch + 1)
    },
    bumpedAt: async (tenant, kind, id) =>
      (epochs.get(keyOf(tenant, kind, id))?.ref.epoch ?? 1) > 1 ? Number.MAX_SAFE_INTEGER : null,
  }
}

function fakeCollection<T extends Stored, I extends string>(
  before: (method: string) => void,
): Collection<T, I> {
  const rows = new Map<string, T>()
  const keyOf = (tenant: string, id: string): string => JSON.stringify([tenant, id])
  const page = (
    values: T[],
    {
      after,
      limit = 100,
      newestFirst = false,
    }: { after?: string; limit?: number; newestFirst?: boolean } = {},
  ): T[] => {
    const sorted = values.sort((a, b) => (a.id < b.id ? -1 : 1))
    if (newestFirst) sorted.reverse()
    const beyond = (id: string): boolean => after === undefined || (newestFirst ? id < after : id > after)
    return structuredClone(sorted.filter(({ id }) => beyond(id)).slice(0, limit))
  }
  return {
    get: async (tenant, id) => structuredClone(rows.get(keyOf(tenant, id)) ?? null),
    list: async (tenant, asked) =>
      page(
        [...rows.values()].filter((row) => row.tenant === tenant),
        asked,
      ),
    find: async (tenant, index, value, asked) =>
      page(
        [...rows.values()].filter((row) => row.tenant === tenant && Reflect.get(row, index) === value),
        asked,
      ),
    insert: async (value) => {
      before('insert')
      const key = keyOf(value.tenant, value.id)
      if (rows.has(key)) throw new SafeconductError('conflict')
      rows.set(key, structuredClone(value))
    },
    replace: async (value) => {
      before('replace')
      const key = keyOf(value.tenant, value.id)
      const held = rows.get(key)
      if (held === undefined) throw new SafeconductError('not_found')
      if (held.version !== value.version - 1) throw new SafeconductError('conflict')
      rows.set(key, structuredClone(value))
    },
    remove: async (tenant, id) => {
      before('remove')
      rows.delete(keyOf(tenant, id))
    },
  }
}
