/**
 * Which agents are awake. So many bodies are in memory (`settings.hotAgents`); the others, used longest ago, wait in the
 * store, sealed under the tenant's key, and are loaded before the turn that needs them.
 *
 * What must hold: nothing is evicted that changed since it was written, or has a call under way; a body that the latest
 * snapshot names stays in the store until there is a newer snapshot.
 * @module
 */
import type { JsonValue } from '@safeconduct/protocol'
import { SafeconductError } from '@safeconduct/protocol'
import { bodyOf, chill, warm } from '../cold.ts'
import type { Keyring, Store } from '../ports.ts'
import { parseSealed } from '../record/attachment.ts'
import { TENANT_SUBJECT } from '../record/pseudonyms.ts'
import type { AgentLive, EngineState, TenantState } from '../state.ts'
import type { Owner } from './owner.ts'

export interface Heat {
  /** Awake agents by tenant and id, the one used longest ago first. */
  readonly hot: Map<string, { readonly tenant: string; readonly agent: string }>
  /** Turns under way, by the same key. */
  readonly pins: Map<string, number>
  readonly waking: Map<string, Promise<void>>
  /** Bodies in the store that no head names any more. */
  freed: string[]
  /** Bodies written since the latest snapshot was begun: none names them. */
  readonly fresh: Set<string>
  evicting: Promise<void> | null
}

export function createHeat(): Heat {
  return { hot: new Map(), pins: new Map(), waking: new Map(), freed: [], fresh: new Set(), evicting: null }
}

/** Bodies written in one transaction: fewer syncs, and still no long turn. */
const TOGETHER = 16
/** Room made beyond the bound, as a share of it: one transaction for many newcomers instead of one for each. */
const ROOM = 1 / 8
/** Above this share of the bound a call waits until others are evicted. */
const CROWDED = 1.25

/** Runs a turn with these agents awake. */
export async function awake<T>(
  owner: Owner,
  tenant: string,
  agents: readonly string[],
  turn: () => Promise<T>,
): Promise<T> {
  const { heat } = owner
  const keys = agents.map((agent) => keyOf(tenant, agent))
  for (const key of keys) heat.pins.set(key, (heat.pins.get(key) ?? 0) + 1)
  try {
    if (heat.hot.size > owner.state.settings.hotAgents * CROWDED) await evict(owner)
    const live = owner.state.tenants.get(tenant)
    for (const [i, agent] of agents.entries()) {
      const key = keys[i] ?? ''
      if (live?.live.agents.get(agent)?.cold != null) await wake(owner, live, agent, key)
      heat.hot.delete(key)
      heat.hot.set(key, { tenant, agent })
    }
    return await turn()
  } finally {
    for (const key of keys) {
      const left = (heat.pins.get(key) ?? 1) - 1
      if (left > 0) heat.pins.set(key, left)
      else heat.pins.delete(key)
    }
  }
}

function wake(owner: Owner, tenant: TenantState, agent: string, key: string): Promise<void> {
  const { waking } = owner.heat
  let work = waking.get(key)
  if (work === undefined) {
    work = wakeNow(owner.ports, tenant, agent)
      .then((blob) => {
        if (blob !== null) owner.heat.freed.push(blob)
      })
      .finally(() => waking.delete(key))
    waking.set(key, work)
  }
  return work
}

/** @returns the name of the body that is no longer needed. @throws `internal` when it cannot be read: no turn without it */
export async function wakeNow(
  { store, keyring }: { readonly store: Pick<Store, 'blobs'>; readonly keyring: Keyring },
  tenant: TenantState,
  id: string,
): Promise<string | null> {
  const blob = tenant.live.agents.get(id)?.cold?.blob
  if (blob === undefined) return null
  const sealed = await store.blobs.get(blob)
  const opened = sealed === null ? null : await keyring.open(tenant.tenant, TENANT_SUBJECT, sealed)
  const body = opened === null ? null : (parseSealed(opened) as JsonValue)
  if (body === null) throw new SafeconductError('internal')
  const agent = tenant.live.agents.get(id)
  if (agent?.cold?.blob !== blob) return null
  tenant.capture?.touch(id)
  warm(agent, body)
  return blob
}

/** After calls: down to the bound and a little below, the longest unused first. One at a time. */
export function evict(owner: Owner): Promise<void> {
  const { heat } = owner
  if (heat.hot.size <= owner.state.settings.hotAgents) return Promise.resolve()
  heat.evicting ??= evictNow(owner).finally(() => {
    heat.evicting = null
  })
  return heat.evicting
}

async function evictNow(owner: Owner): Promise<void> {
  const { heat, state } = owner
  const { hotAgents } = state.settings
  const least = hotAgents - Math.min(TOGETHER, Math.floor(hotAgents * ROOM))
  for (;;) {
    const over = heat.hot.size - least
    if (over <= 0) return
    const chosen = choose(owner, Math.min(TOGETHER, over))
    if (chosen.length === 0) return
    await write(owner, chosen)
    for (const one of chosen) {
      const tenant = state.tenants.get(one.tenant)
      const agent = tenant?.live.agents.get(one.agent)
      const idle = tenant !== undefined && !heat.pins.has(one.key) && !calling(tenant).has(one.agent)
      if (idle && agent === one.live && JSON.stringify(bodyOf(agent)) === one.text) {
        tenant.capture?.touch(one.agent)
        chill(agent, one.blob)
        heat.hot.delete(one.key)
      } else heat.freed.push(one.blob)
    }
    await eraseFresh(owner)
  }
}

interface Chosen {
  readonly key: string
  readonly tenant: string
  readonly agent: string
  readonly live: AgentLive
  readonly text: string
  readonly blob: string
}

function choose({ heat, state, ports }: Owner, count: number): Chosen[] {
  const chosen: Chosen[] = []
  const busy = new Map<string, ReadonlySet<string>>()
  for (const [key, { tenant, agent }] of heat.hot) {
    if (chosen.length >= count) break
    const held = state.tenants.get(tenant)
    const live = held?.live.agents.get(agent)
    if (held === undefined || live === undefined || live.cold !== null) {
      heat.hot.delete(key)
      continue
    }
    const calls = busy.get(tenant) ?? calling(held)
    busy.set(tenant, calls)
    if (heat.pins.has(key) || calls.has(agent)) continue
    const blob = `${coldNames(tenant)}${encodeURIComponent(agent)}/${ports.ids.next()}`
    chosen.push({ key, tenant, agent, live, text: JSON.stringify(bodyOf(live)), blob })
  }
  return chosen
}

/**
 * Bodies that came and went between two snapshots go at once: agents that take turns in memory would fill the disk. Many
 * together, because erasing is dear.
 */
async function eraseFresh({ heat, ports }: Owner): Promise<void> {
  const gone = heat.freed.filter((name) => heat.fresh.has(name))
  if (gone.length < TOGETHER) return
  const erased = new Set(gone)
  heat.freed = heat.freed.filter((name) => !erased.has(name))
  try {
    await eraseBodies(ports.store, gone)
    for (const name of gone) heat.fresh.delete(name)
  } catch (error) {
    heat.freed.push(...gone)
    throw error
  }
}

async function write({ heat, ports }: Owner, chosen: readonly Chosen[]): Promise<void> {
  for (const tenant of new Set(chosen.map((one) => one.tenant)))
    await ports.keyring.ready(tenant, TENANT_SUBJECT)
  await ports.store.tx(async (t) => {
    for (const { tenant, text, blob } of chosen)
      await t.blobs.put(blob, ports.keyring.seal(tenant, TENANT_SUBJECT, Buffer.from(text)))
  })
  for (const { blob } of chosen) heat.fresh.add(blob)
}

function calling({ live }: TenantState): ReadonlySet<string> {
  return new Set([...live.calls.values()].map(({ agent }) => agent))
}

/** At start: who is awake, and which bodies nobody names. */
export async function takeStock(
  heat: Heat,
  state: EngineState,
  { blobs }: Pick<Store, 'blobs'>,
): Promise<void> {
  for (const { tenant, live } of state.tenants.values()) {
    const named = new Set<string>()
    const warmOnes: [string, number][] = []
    for (const [id, { cold, lastAt }] of live.agents) {
      if (cold === null) warmOnes.push([id, lastAt])
      else named.add(cold.blob)
    }
    for (const [agent] of warmOnes.sort((a, b) => a[1] - b[1]))
      heat.hot.set(keyOf(tenant, agent), { tenant, agent })
    for (const name of await blobs.names(coldNames(tenant))) if (!named.has(name)) heat.freed.push(name)
  }
}

/** Bodies that a snapshot begun now will not name; to be erased once it is written, or given back. */
export function takeFreed(heat: Heat, tenant: string): string[] {
  const prefix = coldNames(tenant)
  const taken = heat.freed.filter((name) => name.startsWith(prefix))
  heat.freed = heat.freed.filter((name) => !name.startsWith(prefix))
  for (const name of heat.fresh) if (name.startsWith(prefix)) heat.fresh.delete(name)
  return taken
}

const ERASED_TOGETHER = 64

export async function eraseBodies({ tx }: Pick<Store, 'tx'>, names: readonly string[]): Promise<void> {
  for (let i = 0; i < names.length; i += ERASED_TOGETHER) {
    await tx(async (t) => {
      for (const name of names.slice(i, i + ERASED_TOGETHER)) await t.blobs.erase(name)
    })
  }
}

function keyOf(tenant: string, agent: string): string {
  return JSON.stringify([tenant, agent])
}

function coldNames(tenant: string): string {
  return `engine/cold/${encodeURIComponent(tenant)}/`
}
