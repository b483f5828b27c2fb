/**
 * What went wrong with credentials lately, counted: for an agent only what was genuine (a proof that came again, a token of
 * its own without its key), for an address how many different clients failed there. In memory, for some minutes, bounded;
 * whoever was counted longest ago is forgotten first.
 * @module
 */
import type { Clock } from '@safeconduct/engine'
import { type Attempts, isLoopbackAddress } from '@safeconduct/protocol'

export interface AttemptBook {
  replayed(agent: string): void
  unproven(agent: string): void
  /** @param client whoever it claimed to be, or what tells one from another */
  failed(ip: string | null, client: string): void
  /** What a call of this agent from this address should know; undefined when there is nothing. */
  around(agent: string, ip: string | null): Attempts | undefined
}

interface Trouble {
  replayed: number
  unproven: number
  since: number
  latest: number
}

interface Failures {
  readonly clients: Set<string>
  since: number
  latest: number
}

/** A count begins anew after so long. */
const WINDOW = 15 * 60_000
const KEPT = 4096
const CLIENTS = 64
const MAX_CLIENT = 64

export function createAttemptBook(clock: Clock): AttemptBook {
  const agents = new Map<string, Trouble>()
  const addresses = new Map<string, Failures>()

  const trouble = (agent: string): Trouble => {
    const now = clock.now()
    const kept = agents.get(agent)
    const found =
      kept !== undefined && now - kept.since < WINDOW
        ? kept
        : { replayed: 0, unproven: 0, since: now, latest: now }
    found.latest = now
    keep(agents, agent, found)
    return found
  }

  return {
    replayed(agent) {
      trouble(agent).replayed++
    },
    unproven(agent) {
      trouble(agent).unproven++
    },
    failed(ip, client) {
      // Whoever is on this machine, or comes by a proxy on it, is not told apart by address.
      if (ip === null || isLoopbackAddress(ip)) return
      const now = clock.now()
      const kept = addresses.get(ip)
      const found =
        kept !== undefined && now - kept.since < WINDOW
          ? kept
          : { clients: new Set<string>(), since: now, latest: now }
      found.latest = now
      if (found.clients.size < CLIENTS) found.clients.add(client.slice(0, MAX_CLIENT))
      keep(addresses, ip, found)
    },
    around(agent, ip) {
      const now = clock.now()
      const own = lately(agents.get(agent), now)
      const here = ip === null ? undefined : lately(addresses.get(ip), now)
      if (own === undefined && here === undefined) return undefined
      return {
        replayed: own?.replayed ?? 0,
        unproven: own?.unproven ?? 0,
        latest: own?.latest ?? 0,
        clientsHere: here?.clients.size ?? 0,
        latestHere: here?.latest ?? 0,
      }
    },
  }
}

function lately<T extends { readonly latest: number }>(found: T | undefined, now: number): T | undefined {
  return found !== undefined && now - found.latest < WINDOW ? found : undefined
}

function keep<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key)
  map.set(key, value)
  if (map.size <= KEPT) return
  const oldest = map.keys().next()
  if (oldest.done !== true) map.delete(oldest.value)
}
