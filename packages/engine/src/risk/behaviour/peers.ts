/**
 * What principals of one tenant commonly do: the background against which one of them is judged. Principals are spread
 * over a few groups; whoever is scored is compared with the other groups only, so nobody is part of the own background.
 * A symbol's share is the mean of the groups' shares: however much one principal does, it moves one group. With enough
 * groups the highest share is left out, so that a few principals acting together do not make their habits common.
 *
 * Cohort idea: Freeman, Jain, Dürmuth, Biggio, Giacinto, "Who are you?", NDSS 2016 (population against user).
 *
 * Flat map of numbers: entries are replaced, never changed in place, so a snapshot may hold on to them.
 * @module
 */
import { clip } from '../detector.ts'

/** By `<group> <symbol>`; the group's total by its number alone. */
export type Peers = Map<string, number>

export const PEER_GROUPS = 16
/** Symbols of one group. One that is not known when the group is full counts to its total only. */
const GROUP_SYMBOLS = 512
/** From this many groups with data on, the highest share is left out. */
const TRIM_FROM = 6
/** Events after which all counts of a group are halved. */
const GROUP_EVENTS = 65_536
/** Events below which a group says nothing. */
const GROUP_ENOUGH = 50

export interface Background {
  /** Groups with enough data. */
  readonly groups: number
  /** Mean share of the symbol among their events, 0–1. */
  share(symbol: string): number
}

export const NO_PEERS: Background = { groups: 0, share: () => 0 }

/** The group of a principal, by FNV-1a of its id. */
export function groupOf(principal: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < principal.length; i++) hash = Math.imul(hash ^ principal.charCodeAt(i), 0x01000193)
  return (hash >>> 0) % PEER_GROUPS
}

/** @param weight of the event, held to 0–1 */
export function learnPeer(peers: Peers, group: number, symbol: string, weight: number): void {
  const added = clip(weight, 0, 1)
  if (!(added > 0)) return
  const total = (peers.get(`${group}`) ?? 0) + added
  peers.set(`${group}`, total)
  const key = `${group} ${symbol}`
  const known = peers.get(key)
  if (known !== undefined) peers.set(key, known + added)
  else {
    const size = peers.get(`${group} `) ?? 0
    if (size < GROUP_SYMBOLS) {
      peers.set(key, added)
      peers.set(`${group} `, size + 1)
    }
  }
  if (total >= GROUP_EVENTS) halve(peers, group)
}

/** What everybody but this group does. */
export function background(peers: Peers, without: number | null): Background {
  const totals: (readonly [string, number])[] = []
  for (let group = 0; group < PEER_GROUPS; group++) {
    const total = peers.get(`${group}`) ?? 0
    if (group !== without && total >= GROUP_ENOUGH) totals.push([`${group} `, total])
  }
  if (totals.length === 0) return NO_PEERS
  const trim = totals.length >= TRIM_FROM ? 1 : 0
  return {
    groups: totals.length,
    share(symbol) {
      let sum = 0
      let highest = 0
      for (const [prefix, total] of totals) {
        const share = (peers.get(prefix + symbol) ?? 0) / total
        sum += share
        if (share > highest) highest = share
      }
      return (sum - trim * highest) / (totals.length - trim)
    },
  }
}

/** Symbols that became rare make room for others. */
function halve(peers: Peers, group: number): void {
  const prefix = `${group} `
  let size = 0
  for (const [key, value] of [...peers]) {
    if (!key.startsWith(prefix) || key === prefix) continue
    if (value < 1) peers.delete(key)
    else {
      peers.set(key, value / 2)
      size++
    }
  }
  peers.set(prefix, size)
  peers.set(`${group}`, (peers.get(`${group}`) ?? 0) / 2)
}
