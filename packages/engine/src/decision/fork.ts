/**
 * A state as it would be: shares everything with the real one, takes changes of its own and never touches it. For
 * questions about what would happen; lives no longer than the turn in which it is made.
 * @module
 */
import { SafeconductError } from '@safeconduct/protocol'
import { apply } from '../apply.ts'
import type { EngineEvent } from '../events.ts'
import type { AgentLive, Directory, EngineState, Live, TenantState } from '../state.ts'

/** Reads through to another map; what is set or deleted here stays here. */
class Overlay<K, V> extends Map<K, V> {
  readonly #base: ReadonlyMap<K, V>
  readonly #copy: ((value: V) => V) | null
  readonly #gone = new Set<K>()

  /** @param copy makes a value that may be changed in place; called once for each that is read while it is `owned` */
  constructor(base: ReadonlyMap<K, V>, copy: ((value: V) => V) | null = null) {
    super()
    this.#base = base
    this.#copy = copy
  }

  /** Set = values are copied when they are read. Most questions change none, and a copy costs more than they do. */
  owned = false

  override get(key: K): V | undefined {
    if (super.has(key)) return super.get(key)
    const value = this.#gone.has(key) ? undefined : this.#base.get(key)
    if (value === undefined || this.#copy === null || !this.owned) return value
    const own = this.#copy(value)
    super.set(key, own)
    return own
  }

  override has(key: K): boolean {
    return super.has(key) || (!this.#gone.has(key) && this.#base.has(key))
  }

  override delete(key: K): boolean {
    const had = this.has(key)
    super.delete(key)
    this.#gone.add(key)
    return had
  }

  override get size(): number {
    let size = this.#base.size
    for (const key of super.keys()) if (!this.#base.has(key)) size++
    for (const key of this.#gone) if (this.#base.has(key) && !super.has(key)) size--
    return size
  }

  override *entries(): MapIterator<[K, V]> {
    for (const key of this.#base.keys()) {
      const value = super.has(key) || this.#gone.has(key) ? undefined : this.get(key)
      if (value !== undefined) yield [key, value]
    }
    yield* super.entries()
  }

  override *keys(): MapIterator<K> {
    for (const [key] of this.entries()) yield key
  }

  override *values(): MapIterator<V> {
    for (const [, value] of this.entries()) yield value
  }

  override [Symbol.iterator](): MapIterator<[K, V]> {
    return this.entries()
  }
}

/** The tenant's part of a state that may be changed; other tenants are as they are. */
export function fork(state: EngineState, name: string): { state: EngineState; tenant: TenantState } | null {
  const real = state.tenants.get(name)
  if (real === undefined) return null
  const tenant: TenantState = {
    ...real,
    directory: forkDirectory(real.directory),
    live: forkLive(real.live),
    capture: null,
  }
  return { state: { ...state, tenants: new Map([[name, tenant]]) }, tenant }
}

/** Applies an event to a fork. */
export function happens(tenant: TenantState, event: EngineEvent): void {
  const { agents } = tenant.live
  if (!(agents instanceof Overlay)) throw new SafeconductError('internal')
  agents.owned = true
  apply(tenant, event)
}

function forkDirectory(directory: Directory): Directory {
  return {
    ...directory,
    agents: new Overlay(directory.agents),
    servers: new Overlay(directory.servers),
    tools: new Overlay(directory.tools),
    tasks: new Overlay(directory.tasks),
    delegations: new Overlay(directory.delegations),
    approvals: new Overlay(directory.approvals),
    users: new Overlay(directory.users),
    heard: new Overlay(directory.heard),
    elevations: new Overlay(directory.elevations, (held) => new Map(held)),
  }
}

function forkLive(live: Live): Live {
  return {
    ...live,
    // Agents are the one thing that is changed in place (`happens`).
    agents: new Overlay(live.agents, (agent: AgentLive) => structuredClone(agent)),
    tasks: new Overlay(live.tasks),
    spent: new Overlay(live.spent),
    flows: new Overlay(live.flows),
    calls: new Overlay(live.calls),
    peers: new Overlay(live.peers),
    queries: new Overlay(live.queries),
    arrivals: new Overlay(live.arrivals),
    kinds: new Overlay(live.kinds),
    forms: new Overlay(live.forms),
    breadths: new Overlay(live.breadths),
    streams: new Overlay(live.streams),
    logged: new Overlay(live.logged),
    stains: new Overlay(live.stains),
  }
}
