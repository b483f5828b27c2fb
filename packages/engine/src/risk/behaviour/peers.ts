/**
 * What principals of one tenant commonly do: the background against which one of them is judged. Principals are spread
 * over a few groups; whoever is scored is compared with the other groups only, so nobody is part of the own background.
 * A symbol's share is the mean of the groups' shares, the highest one held near the others: however much a principal
 * does, it moves one group, and a group that stands alone moves the mean little.
 *
 * Cohort idea: Freeman, Jain, Dürmuth, Biggio, Giacinto, "Who are you?", NDSS 2016 (population against user).
 *
 * Members of the map are replaced, never changed in place, so a snapshot may hold on to them.
 * @module
 */
import { clip } from '../detector.ts'

/** By `=<symbol>`: its events in each group. `events` and `symbols`: totals of each group. */
export type Peers = Map<string, readonly number[]>

const PEER_GROUPS = 16
/** Symbols of one group. One that is not known when the group is full counts to its total only. */
export const GROUP_SYMBOLS = 512
/** From this many groups with data on, the highest share is held near what the others do. */
const TRIM_FROM = 3
/** The highest share counts up to so many times the mean of the others, and this much when nobody else does it. */
const TRIM = { times: 4, least: 0.03 } as const
/** Events after which all counts of a group are halved. */
const GROUP_EVENTS = 65_536
/** Events below which a group says nothing. */
const GROUP_ENOUGH = 50

const NONE: readonly number[] = new Array<number>(PEER_GROUPS).fill(0)

export interface Background {
  /** Groups with enough data. */
  readonly groups: number
  /** Mean share of the symbol among their events, 0–1. */
  share(symbol: string): number
}

export const NO_PEERS: Background = { groups: 0, share: () => 0 }

/** The group of a principal, by a hash of its id. */
export function groupOf(principal: string): number {
  return fnv(principal) % PEER_GROUPS
}

/** FNV-1a, 32 bits. */
export function fnv(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}

/** @param weight of the event, held to 0–1 */
export function learnPeer(peers: Peers, group: number, symbol: string, weight: number): void {
  const added = clip(weight, 0, 1)
  if (!(added > 0) || group >= PEER_GROUPS) return
  add(peers, 'events', group, added)
  const key = `=${symbol}`
  const known = (peers.get(key)?.[group] ?? 0) > 0
  if (known || (peers.get('symbols')?.[group] ?? 0) < GROUP_SYMBOLS) {
    add(peers, key, group, added)
    if (!known) add(peers, 'symbols', group, 1)
  }
  if ((peers.get('events')?.[group] ?? 0) >= GROUP_EVENTS) halve(peers, group)
}

/** What everybody but this group does. @param silent groups that are left out, too */
export function background(
  peers: Peers,
  without: number | null,
  silent: (group: number) => boolean = () => false,
): Background {
  const events = peers.get('events') ?? NONE
  const speaking = events.map((total, group) =>
    group !== without && total >= GROUP_ENOUGH && !silent(group) ? total : 0,
  )
  const groups = speaking.filter((total) => total > 0).length
  if (groups === 0) return NO_PEERS
  return {
    groups,
    share(symbol) {
      const counts = peers.get(`=${symbol}`)
      if (counts === undefined) return 0
      let sum = 0
      let highest = 0
      for (let group = 0; group < PEER_GROUPS; group++) {
        const total = speaking[group] ?? 0
        if (total === 0) continue
        const share = (counts[group] ?? 0) / total
        sum += share
        if (share > highest) highest = share
      }
      if (groups >= TRIM_FROM) {
        const rest = (sum - highest) / (groups - 1)
        sum += Math.min(highest, TRIM.times * rest + TRIM.least) - highest
      }
      return sum / groups
    },
  }
}

function add(peers: Peers, key: string, group: number, weight: number): void {
  const counts = [...(peers.get(key) ?? NONE)]
  counts[group] = (counts[group] ?? 0) + weight
  peers.set(key, counts)
}

/** Symbols that became rare make room for others. */
function halve(peers: Peers, group: number): void {
  let symbols = 0
  for (const [key, counts] of [...peers]) {
    const value = counts[group] ?? 0
    if (!key.startsWith('=') || value === 0) continue
    const halved = [...counts]
    halved[group] = value < 1 ? 0 : value / 2
    if (value >= 1) symbols++
    if (halved.some((left) => left > 0)) peers.set(key, halved)
    else peers.delete(key)
  }
  add(peers, 'symbols', group, symbols - (peers.get('symbols')?.[group] ?? 0))
  add(peers, 'events', group, -(peers.get('events')?.[group] ?? 0) / 2)
}
