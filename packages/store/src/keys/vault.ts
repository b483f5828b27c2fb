/**
 * Named secrets of a tenant: signing keys, upstream credentials. Each is sealed to its tenant, its name and a
 * version that counts its changes, so that one stored in the place of another does not open.
 * @module
 */
import type { BlobStore } from '@safeconduct/engine'
import { SafeconductError } from '@safeconduct/protocol'
import { broken, deriveKey, openBlob, type SealingKey, sealBlob } from './envelope.ts'

export interface Secret {
  readonly value: Uint8Array
  /** 1 when first put, one more with each put. */
  readonly version: number
}

export interface Vault {
  /** null when there is none. @throws {SafeconductError} `internal` when what is stored does not open */
  get(tenant: string, name: string): Promise<Secret | null>
  /** Stores or replaces; returns the version. @throws {SafeconductError} `too_large` above 1 MiB */
  put(tenant: string, name: string, value: Uint8Array): Promise<number>
  /** The secret there is, or else the one made here: of many callers at once all get the same. */
  getOrCreate(tenant: string, name: string, make: () => Uint8Array): Promise<Secret>
  /** Leaves no copy behind. */
  erase(tenant: string, name: string): Promise<void>
  /** Names of a tenant's secrets, sorted. */
  names(tenant: string): Promise<string[]>
}

export interface VaultOptions {
  /** 32 bytes; copied by derivation, the caller keeps and wipes its own. */
  readonly root: Uint8Array
  readonly blobs: BlobStore
}

export const MAX_SECRET_BYTES = 1024 * 1024

/** Of a tenant or a secret, in UTF-16 units: both together, in base64url, are a legal blob name. */
const MAX_NAME = 255

const SECRET = 'safeconduct secret v1'
const VERSION_BYTES = 4

export function createVault({ root, blobs }: VaultOptions): Vault {
  let last: Promise<unknown> = Promise.resolve()

  /** Writes of one vault follow each other, so that no two puts take one version. */
  async function queued<T>(work: () => Promise<T>): Promise<T> {
    const mine = last.then(work)
    last = mine.catch(() => undefined)
    return mine
  }

  function keyOf(tenant: string): SealingKey {
    return deriveKey(root, ['safeconduct vault v1', tenant])
  }

  function seal(tenant: string, name: string, version: number, value: Uint8Array): Uint8Array {
    if (value.length > MAX_SECRET_BYTES) {
      throw new SafeconductError('too_large', {
        message: 'The secret is larger than the vault takes.',
        details: { limit: MAX_SECRET_BYTES },
      })
    }
    const head = Buffer.alloc(VERSION_BYTES)
    head.writeUInt32BE(version)
    return Buffer.concat([head, sealBlob(keyOf(tenant), [SECRET, tenant, name, String(version)], value)])
  }

  function open(tenant: string, name: string, stored: Uint8Array): Secret {
    if (stored.length < VERSION_BYTES) throw broken('the stored secret is cut off')
    const version = new DataView(stored.buffer, stored.byteOffset).getUint32(0)
    const parts = [SECRET, tenant, name, String(version)]
    return { version, value: openBlob(keyOf(tenant), parts, stored.subarray(VERSION_BYTES)) }
  }

  async function get(tenant: string, name: string): Promise<Secret | null> {
    const stored = await blobs.get(blobName(tenant, name))
    return stored === null ? null : open(tenant, name, stored)
  }

  return {
    get,
    put: (tenant, name, value) =>
      queued(async () => {
        const version = ((await get(tenant, name))?.version ?? 0) + 1
        await blobs.put(blobName(tenant, name), seal(tenant, name, version, value))
        return version
      }),
    getOrCreate: (tenant, name, make) =>
      queued(async () => {
        const held = await get(tenant, name)
        if (held !== null) return held
        const stored = await blobs.putIfAbsent(blobName(tenant, name), seal(tenant, name, 1, make()))
        return open(tenant, name, stored)
      }),
    erase: (tenant, name) => queued(async () => blobs.erase(blobName(tenant, name))),
    names: async (tenant) => {
      const prefix = prefixOf(tenant)
      const names = await blobs.names(prefix)
      return names.map((name) => Buffer.from(name.slice(prefix.length), 'base64url').toString('utf8')).sort()
    },
  }
}

/** Ill-formed text would lose its difference in UTF-8, and one secret be stored or erased in place of another. */
function checked(what: string, text: string): string {
  if (text.length > 0 && text.length <= MAX_NAME && text.isWellFormed()) return text
  throw new SafeconductError('invalid_request', {
    message: `The ${what} of a secret must be valid Unicode of 1 to ${MAX_NAME} characters.`,
  })
}

/** base64url holds no slash, so no tenant's names are a prefix of another's. */
function blobName(tenant: string, name: string): string {
  return prefixOf(tenant) + base64url(checked('name', name))
}

function prefixOf(tenant: string): string {
  return `vault/${base64url(checked('tenant', tenant))}/`
}

function base64url(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64url')
}
