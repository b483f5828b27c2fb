/**
 * Envelope encryption with one data key per tenant and subject. A data key is random, wrapped under a key of its
 * tenant (HKDF-SHA-256 of the root key) and kept as a blob; erasing the blob erases everything sealed under it.
 *
 * Blobs are named by a keyed hash of tenant and subject, so that no name tells who was here. An erasure leaves a
 * tombstone, the commitment of the erased key: only with it does `open` say "erased" and not "broken", so that
 * neither a lost key nor a changed byte can pass for an erasure.
 * @module
 */
import { createHmac, createSecretKey, randomBytes } from 'node:crypto'
import type { BlobStore, Keyring } from '@safeconduct/engine'
import {
  broken,
  commitmentOf,
  createNonces,
  deriveKey,
  KEY_BYTES,
  openBlob,
  type SealingKey,
  sealBlob,
  sealedWith,
  sealingKey,
  unambiguous,
  wipe,
} from './envelope.ts'

export interface KeyringOptions {
  /** 32 bytes; copied by derivation, the caller keeps and wipes its own. */
  readonly root: Uint8Array
  readonly blobs: BlobStore
  /**
   * Unwrapped data keys held in memory, default 10,000; the least recently used one is wiped when there are more.
   * Must be above the number of subjects between whose `ready` and `seal` there may be an await.
   */
  readonly capacity?: number
}

const DATA = 'safeconduct data v1'
const WRAP = 'safeconduct wrapped data key v1'

export function createKeyring({ root, blobs, capacity = 10_000 }: KeyringOptions): Keyring {
  if (!Number.isSafeInteger(capacity) || capacity < 1) throw new RangeError('capacity must be 1 or more')
  const naming = createSecretKey(deriveKey(root, ['safeconduct subject names v1']).bytes)
  // Asked several times a call; a name is public, so keeping it costs nothing but its room.
  const names = new Map<string, string>()
  const nextNonce = createNonces()
  const unwrapped = new Map<string, SealingKey>()
  const wrapping = new Map<string, SealingKey>()
  const busy = new Map<string, Promise<unknown>>()

  function placeOf(tenant: string, subject: string): Place {
    const asked = JSON.stringify([tenant, subject])
    let name = names.get(asked)
    if (name === undefined) {
      name = createHmac('sha256', naming)
        .update(unambiguous([tenant, subject]))
        .digest('hex')
      const [oldest] = names.keys()
      if (names.size >= capacity && oldest !== undefined) names.delete(oldest)
      names.set(asked, name)
    }
    return { tenant, subject, name }
  }

  function wrappingKey(tenant: string): SealingKey {
    const known = wrapping.get(tenant)
    if (known !== undefined) return known
    const key = deriveKey(root, ['safeconduct tenant key v1', tenant])
    remember(wrapping, tenant, key, capacity)
    return key
  }

  /** Reading, making and erasing the key of one subject never overlap. */
  async function exclusively<T>(name: string, work: () => Promise<T>): Promise<T> {
    const mine = (busy.get(name) ?? Promise.resolve()).then(work)
    const settled = mine.then(
      () => undefined,
      () => undefined,
    )
    busy.set(name, settled)
    try {
      return await mine
    } finally {
      if (busy.get(name) === settled) busy.delete(name)
    }
  }

  /**
   * Hands the subject's key to `work`, null when there is none. What must hold: between taking a key out of the map,
   * or putting it in, and using it there is no await, else another subject could push it out and wipe it.
   */
  async function withKey<T>(place: Place, work: (key: SealingKey | null) => T): Promise<T> {
    const held = recall(unwrapped, place.name)
    if (held !== undefined) return work(held)
    const wrapped = await blobs.get(keyBlob(place.name))
    if (wrapped === null) return work(null)
    const key = unwrap(place, wrapped)
    if (await isErased(place.name, key.commitment)) {
      // An erasure was cut off after its tombstone: it is finished here.
      await eraseKey(place.name, key)
      return work(null)
    }
    remember(unwrapped, place.name, key, capacity)
    return work(key)
  }

  function unwrap({ tenant, subject }: Place, wrapped: Uint8Array): SealingKey {
    return sealingKey(openBlob(wrappingKey(tenant), [WRAP, tenant, subject], wrapped))
  }

  async function make(place: Place): Promise<void> {
    const fresh = randomBytes(KEY_BYTES)
    const wrapped = sealBlob(wrappingKey(place.tenant), [WRAP, place.tenant, place.subject], fresh)
    fresh.fill(0)
    const stored = await blobs.putIfAbsent(keyBlob(place.name), wrapped)
    remember(unwrapped, place.name, unwrap(place, stored), capacity)
  }

  async function eraseKey(name: string, key: SealingKey): Promise<void> {
    unwrapped.delete(name)
    wipe(key)
    await blobs.put(tombstone(name, key.commitment), new Uint8Array(0))
    await blobs.erase(keyBlob(name))
  }

  async function isErased(name: string, commitment: Uint8Array): Promise<boolean> {
    return (await blobs.get(tombstone(name, commitment))) !== null
  }

  return {
    ready: async (tenant, subject) => {
      const place = placeOf(tenant, subject)
      if (!busy.has(place.name) && recall(unwrapped, place.name) !== undefined) return
      await exclusively(place.name, async () => {
        if (!(await withKey(place, (key) => key !== null))) await make(place)
      })
    },
    seal: (tenant, subject, plain) => {
      const key = recall(unwrapped, placeOf(tenant, subject).name)
      if (key === undefined) throw broken('the key of the subject is not ready')
      return sealBlob(key, [DATA, tenant, subject], plain, nextNonce())
    },
    open: (tenant, subject, sealed) => {
      const place = placeOf(tenant, subject)
      return exclusively(place.name, async () => {
        const commitment = commitmentOf(sealed)
        const opened = await withKey(place, (key) =>
          key !== null && sealedWith(key, sealed) ? openBlob(key, [DATA, tenant, subject], sealed) : null,
        )
        if (opened !== null || (await isErased(place.name, commitment))) return opened
        throw broken('it was sealed with another key, or its key is lost')
      })
    },
    erase: (tenant, subject) => {
      const place = placeOf(tenant, subject)
      return exclusively(place.name, async () => {
        const key = await withKey(place, (held) => held)
        if (key !== null) await eraseKey(place.name, key)
        // Again when there is none: the last attempt may have failed to empty the journal.
        else await blobs.erase(keyBlob(place.name))
      })
    },
  }
}

/** Where the key of a subject is kept. */
interface Place {
  readonly tenant: string
  readonly subject: string
  readonly name: string
}

function keyBlob(name: string): string {
  return `keyring/key/${name}`
}

function tombstone(name: string, commitment: Uint8Array): string {
  return `keyring/erased/${name}/${Buffer.from(commitment).toString('hex')}`
}

/** A map in order of use: the first entry is the one longest unused. */
function recall(keys: Map<string, SealingKey>, name: string): SealingKey | undefined {
  const key = keys.get(name)
  if (key !== undefined) {
    keys.delete(name)
    keys.set(name, key)
  }
  return key
}

function remember(keys: Map<string, SealingKey>, name: string, key: SealingKey, capacity: number): void {
  keys.set(name, key)
  for (const [oldest, old] of keys) {
    if (keys.size <= capacity) return
    keys.delete(oldest)
    wipe(old)
  }
}
