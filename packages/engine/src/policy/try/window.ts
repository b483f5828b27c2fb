/**
 * Which entries of the ledger a replay reads. Entries are nearly in the order of their times: a call's intent carries the
 * time of its arrival, and may stand behind entries that were made while it waited.
 * @module
 */
import type { LedgerPort, Store } from '../../ports.ts'
import { type ReadEntry, readEntry } from '../../record/entry.ts'

/** What to replay; without `from`, `to` and `last` everything there is. Times in milliseconds, both inclusive. */
export interface ReplayWindow {
  readonly from?: number
  readonly to?: number
  /** The latest decisions only, so many. */
  readonly last?: number
  /** Id of the agent that called. */
  readonly agent?: string
}

export interface Span {
  /** Index of the first entry to read, and of the first one not to. */
  readonly first: number
  readonly end: number
  /** True for a decision of the window. */
  includes(decision: Pick<ReadEntry, 'id' | 'at'>): boolean
  /** No entry from this one on can be of the window. */
  isPast(entry: Pick<ReadEntry, 'at'>): boolean
}

/** Longer than any call waits between its arrival and its entry. */
const DISORDER_MS = 5 * 60_000
const PAGE = 1000

export async function spanOf(
  ports: { readonly ledger: LedgerPort; readonly store: Pick<Store, 'decisions'> },
  tenant: string,
  window: ReplayWindow,
): Promise<Span> {
  const { from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY } = window
  const { ledger } = ports
  const end = ledger.size
  const isPast: Span['isPast'] = ({ at }) => at > to + DISORDER_MS
  const inTime = ({ at }: { readonly at: number }) => at >= from && at <= to
  if (window.last !== undefined) {
    const latest = await latestOf(ports.store, tenant, window, inTime)
    const { oldest, first } = latest
    if (oldest === null) return { first: end, end, includes: () => false, isPast: () => true }
    return { first, end, includes: (one) => one.id >= oldest && inTime(one), isPast }
  }
  const first = from === Number.NEGATIVE_INFINITY ? 0 : await firstAt(ledger, from - DISORDER_MS, end)
  return { first, end, includes: inTime, isPast }
}

/** The latest decisions of the window: the oldest id among them, and where the first of their intents stands. */
async function latestOf(
  { decisions }: Pick<Store, 'decisions'>,
  tenant: string,
  { last = 0, agent, from = Number.NEGATIVE_INFINITY }: ReplayWindow,
  inTime: (one: { readonly at: number }) => boolean,
): Promise<{ readonly oldest: string | null; readonly first: number }> {
  let oldest: string | null = null
  let first = Number.POSITIVE_INFINITY
  let after: string | undefined
  for (let found = 0; found < last; ) {
    const page = { limit: PAGE, newestFirst: true, ...(after === undefined ? {} : { after }) }
    const rows =
      agent === undefined
        ? await decisions.list(tenant, page)
        : await decisions.find(tenant, 'agent', agent, page)
    for (const row of rows) {
      after = row.id
      if (!inTime(row) || found >= last) continue
      found++
      oldest = row.id
      first = Math.min(first, row.intentIndex)
    }
    const earliest = rows.at(-1)
    if (rows.length < PAGE || earliest === undefined || earliest.at < from) break
  }
  return { oldest, first }
}

/** Entries that can be of the time or later. */
export async function entriesSince(
  ledger: LedgerPort,
  time: number,
): Promise<{ first: number; end: number }> {
  const end = ledger.size
  return { first: await firstAt(ledger, time - DISORDER_MS, end), end }
}

/** Index of the first entry at or after the time, by halving. */
async function firstAt(ledger: LedgerPort, time: number, size: number): Promise<number> {
  let [low, high] = [0, size]
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const at = await timeOf(ledger, middle)
    if (at < time) low = middle + 1
    else high = middle
  }
  return low
}

/** An entry that is none of ours has no time; taking it for late reads more than needed, never less. */
async function timeOf(ledger: LedgerPort, index: number): Promise<number> {
  for await (const { entry } of ledger.entries(index, index + 1)) {
    return readEntry(entry)?.at ?? Number.POSITIVE_INFINITY
  }
  return Number.POSITIVE_INFINITY
}
