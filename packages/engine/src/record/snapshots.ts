/**
 * Snapshots of live states in the store: sealed chunks of pieces, and a head that names them. The head is written last,
 * so a crash leaves the snapshot before. Written between turns, a little at a time: no turn waits for more than one chunk.
 * @module
 */
import type { JsonValue } from '@safeconduct/protocol'
import type { Keyring, Store } from '../ports.ts'
import { type Capture, restore, SNAPSHOT_VERSION } from '../snapshot.ts'
import type { Live } from '../state.ts'
import { parseSealed } from './attachment.ts'
import { TENANT_SUBJECT } from './pseudonyms.ts'

export interface SnapshotPorts {
  readonly store: Pick<Store, 'blobs' | 'tx'>
  readonly keyring: Keyring
}

interface Head {
  readonly version: number
  /** Ledger index from which the tenant has to be replayed. */
  readonly from: number
  /** Chunks lie under it; another one for each snapshot. */
  readonly generation: number
  readonly chunks: number
}

/** Characters of one chunk, and of what is encoded before other work gets its turn. */
const CHUNK = 128 * 1024
const SLICE = 32 * 1024
/** Erasing empties the store's journal, which costs much more than one chunk. */
const ERASED_TOGETHER = 32

export interface Snapshot {
  readonly live: Live
  readonly from: number
}

/** null when there is none, or none that can be read whole: the state is then rebuilt from the ledger. */
export async function readSnapshot(ports: SnapshotPorts, tenant: string): Promise<Snapshot | null> {
  const head = await readHead(ports, tenant)
  if (head === null) return null
  const pieces: JsonValue[] = []
  for (let i = 0; i < head.chunks; i++) {
    const chunk = await open(ports, tenant, chunkName(tenant, head.generation, i))
    if (!Array.isArray(chunk)) return null
    for (const piece of chunk) pieces.push(piece)
  }
  const live = restore(pieces)
  return live === null ? null : { live, from: head.from }
}

/**
 * The tenant's key must be ready. Not to be called twice at a time for one tenant.
 * @param from index of the first ledger entry that the captured state, or the lists in the store, may not hold
 */
export async function writeSnapshot(
  ports: SnapshotPorts,
  tenant: string,
  from: number,
  { pieces }: Pick<Capture, 'pieces'>,
): Promise<void> {
  const { blobs } = ports.store
  const seal = (value: string): Uint8Array => ports.keyring.seal(tenant, TENANT_SUBJECT, Buffer.from(value))
  const before = await readHead(ports, tenant)
  const generation = (before?.generation ?? 0) + 1
  let chunks = 0
  let texts: string[] = []
  let length = 0
  let slice = 0
  const flush = async (): Promise<void> => {
    const chunk = seal(`[${texts.join(',')}]`)
    texts = []
    length = 0
    await blobs.put(chunkName(tenant, generation, chunks++), chunk)
  }
  for (const piece of pieces) {
    const text = JSON.stringify(piece)
    texts.push(text)
    length += text.length
    slice += text.length
    if (length >= CHUNK) await flush()
    if (slice < SLICE) continue
    slice = 0
    await new Promise<void>((resolve) => setImmediate(resolve))
  }
  if (length > 0) await flush()
  const head: Head = { version: SNAPSHOT_VERSION, from, generation, chunks }
  await blobs.put(headName(tenant), seal(JSON.stringify(head)))
  await eraseOthers(ports.store, tenant, head)
}

/** What an older state held of people must not stay behind, nor what a crash left half written. */
async function eraseOthers(
  store: SnapshotPorts['store'],
  tenant: string,
  { generation, chunks }: Head,
): Promise<void> {
  const current = new Set(Array.from({ length: chunks }, (_, i) => chunkName(tenant, generation, i)))
  const others = (await store.blobs.names(`${headName(tenant)}/`)).filter((name) => !current.has(name))
  for (let i = 0; i < others.length; i += ERASED_TOGETHER) {
    await store.tx(async (t) => {
      for (const name of others.slice(i, i + ERASED_TOGETHER)) await t.blobs.erase(name)
    })
  }
}

async function readHead(ports: SnapshotPorts, tenant: string): Promise<Head | null> {
  // Shape is ours once the version is.
  const head = (await open(ports, tenant, headName(tenant))) as Head | null
  return head?.version === SNAPSHOT_VERSION ? head : null
}

async function open({ store, keyring }: SnapshotPorts, tenant: string, name: string): Promise<unknown> {
  const sealed = await store.blobs.get(name)
  const opened = sealed === null ? null : await keyring.open(tenant, TENANT_SUBJECT, sealed)
  return opened === null ? null : parseSealed(opened)
}

function headName(tenant: string): string {
  return `engine/snapshot/${encodeURIComponent(tenant)}`
}

function chunkName(tenant: string, generation: number, chunk: number): string {
  return `${headName(tenant)}/${generation}/${chunk}`
}
