/**
 * Names of subjects in ledger entries: a keyed function per subject, whose key is sealed under the subject's own data
 * key. Erasing the subject erases the pseudonym's key with it, and nothing links its entries any more.
 *
 * Keys are made on first use and kept in memory, the least recently used going first.
 * @module
 */
import { createHmac, createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
import { SafeconductError } from '@safeconduct/protocol'
import { touch } from '../bounded.ts'
import type { BlobStore, Keyring } from '../ports.ts'

export interface Pseudonyms {
  /** Loads or makes the keys of names; afterwards the others are synchronous. Sealing needs the keyring's. */
  ready(tenant: string, subjects: readonly string[]): Promise<void>
  /** 22 characters. @throws `internal` when not ready */
  of(tenant: string, subject: string): string
  forget(tenant: string, subject: string): void
}

/** The subject under whose keys tenant-wide records are sealed. */
export const TENANT_SUBJECT = 'tenant'

export function userSubject(id: string): string {
  return `user:${id}`
}

export function agentSubject(id: string): string {
  return `agent:${id}`
}

const KEPT = 20_000

/** A key as `KeyObject` (bytes would be imported anew for every use), and the name it gives, which every record needs. */
interface Held {
  readonly key: KeyObject
  readonly name: string
}

function hold(subject: string, bytes: Uint8Array): Held {
  const key = createSecretKey(bytes)
  return { key, name: mac(key, `name:${subject}`).subarray(0, 16).toString('base64url') }
}

export function createPseudonyms(ports: {
  readonly blobs: BlobStore
  readonly keyring: Keyring
}): Pseudonyms {
  const keys = new Map<string, Held>()
  const loading = new Map<string, Promise<void>>()

  async function load(tenant: string, subject: string): Promise<void> {
    const name = slot(tenant, subject)
    const held = keys.get(name)
    if (held !== undefined) return touch(keys, name, held, KEPT)
    const busy = loading.get(name) ?? fetchKey(tenant, subject).finally(() => loading.delete(name))
    loading.set(name, busy)
    await busy
  }

  async function fetchKey(tenant: string, subject: string): Promise<void> {
    if (subject !== TENANT_SUBJECT) await load(tenant, TENANT_SUBJECT)
    const blob = blobName(tenant, subject)
    const stored = await ports.blobs.get(blob)
    const held = stored === null ? null : await ports.keyring.open(tenant, subject, stored)
    if (held !== null) return touch(keys, slot(tenant, subject), hold(subject, held), KEPT)
    // None yet, or sealed under a key that was erased: whoever comes back under the same id is somebody new.
    if (stored !== null) await ports.blobs.erase(blob)
    await ports.keyring.ready(tenant, subject)
    const sealed = ports.keyring.seal(tenant, subject, randomBytes(32))
    const kept = await ports.keyring.open(tenant, subject, await ports.blobs.putIfAbsent(blob, sealed))
    if (kept === null) throw notReady()
    touch(keys, slot(tenant, subject), hold(subject, kept), KEPT)
  }

  function blobName(tenant: string, subject: string): string {
    if (subject === TENANT_SUBJECT) return `pseudonym/tenant/${tenant}`
    return `pseudonym/${mac(heldFor(tenant, TENANT_SUBJECT).key, `blob:${subject}`).toString('base64url')}`
  }

  function heldFor(tenant: string, subject: string): Held {
    const held = keys.get(slot(tenant, subject))
    if (held === undefined) throw notReady()
    return held
  }

  return {
    ready: async (tenant, subjects) => {
      for (const subject of [TENANT_SUBJECT, ...subjects]) await load(tenant, subject)
    },
    of: (tenant, subject) => heldFor(tenant, subject).name,
    forget: (tenant, subject) => {
      keys.delete(slot(tenant, subject))
    },
  }
}

function slot(tenant: string, subject: string): string {
  return JSON.stringify([tenant, subject])
}

function mac(key: KeyObject, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}

function notReady(): SafeconductError {
  return new SafeconductError('internal', { cause: new Error('the pseudonym of a subject is not ready') })
}
