/**
 * Summaries of decisions for lists, written to the store behind the calls, in batches: SQL is never on the path of a
 * call. The ledger is their truth; what is not in the store when the process ends is rebuilt from it at start, so a
 * snapshot must not begin its replay after `from()`.
 * @module
 */
import { type CallResult, type DecisionSummary, isSafeconductError } from '@safeconduct/protocol'
import type { Store } from '../ports.ts'

const BATCH = 200
/** Waiting summaries; beyond, the oldest are left to the rebuild at the next start. */
const MAX_WAITING = 20_000

export interface Summaries {
  /** A decision, once its intent has an index. */
  add(summary: DecisionSummary): void
  /** Its outcome, once that has one. */
  settle(tenant: string, id: string, result: CallResult['status'], outcomeIndex: number): void
  /** Also what waits to be written. */
  get(tenant: string, id: string): Promise<DecisionSummary | null>
  /** Resolves when everything given so far is in the store, or could not be written now. */
  flush(): Promise<void>
  /** Index of the first ledger entry that the store does not tell of yet; infinite when it tells of all. */
  from(): number
}

interface Change {
  readonly tenant: string
  readonly id: string
  readonly summary: DecisionSummary | null
  readonly outcome: Outcome | null
}

interface Outcome {
  readonly result: CallResult['status']
  readonly outcomeIndex: number
}

/**
 * @param gather waited for before each batch that is not full: a durable transaction costs more than the call it tells
 * of, so the longer this takes, the less each call pays, and the later lists show it
 */
export function createSummaries(
  store: Pick<Store, 'tx' | 'decisions'>,
  gather: () => Promise<void> = async () => undefined,
): Summaries {
  const waiting = new Map<string, Change>()
  let writing: readonly Change[] = []
  let dropped = Number.POSITIVE_INFINITY
  let running: Promise<void> | null = null

  function enqueue(
    tenant: string,
    id: string,
    change: { summary?: DecisionSummary; outcome?: Outcome },
  ): void {
    const key = JSON.stringify([tenant, id])
    const before = waiting.get(key) ?? { tenant, id, summary: null, outcome: null }
    waiting.set(key, { ...before, ...change })
    bound()
    start()
  }

  function start(): void {
    running ??= drain()
  }

  function bound(): void {
    while (waiting.size > MAX_WAITING) {
      const [oldest] = waiting
      if (oldest === undefined) return
      waiting.delete(oldest[0])
      dropped = Math.min(dropped, indexOf(oldest[1]))
    }
  }

  async function drain(): Promise<void> {
    while (waiting.size > 0) {
      if (waiting.size < BATCH) await gather()
      if (!(await writeBatch())) break
    }
    // In the turn in which nothing waited: what comes next starts anew.
    running = null
  }

  /** False when the store cannot take them now: calls go on, and the next one tries again. */
  async function writeBatch(): Promise<boolean> {
    const batch: [string, Change][] = []
    for (const held of waiting) {
      if (batch.push(held) === BATCH) break
    }
    for (const [key] of batch) waiting.delete(key)
    writing = batch.map(([, change]) => change)
    try {
      // Nearly every decision is new. Where one is not (a rebuild), each is looked for first.
      await tell(batch, false).catch((error: unknown) => {
        if (isSafeconductError(error) && error.code === 'conflict') return tell(batch, true)
        throw error
      })
      return true
    } catch {
      keep(batch)
      return false
    } finally {
      writing = []
    }
  }

  /** Lost in a power cut, they are rebuilt: a snapshot, which moves that rebuild's beginning, is not lazy. */
  function tell(batch: readonly [string, Change][], look: boolean): Promise<void> {
    const work = async (t: Pick<Store, 'decisions'>) => {
      for (const [, change] of batch) await write(t, change, look)
    }
    return store.tx(work, { lazily: true })
  }

  /** Back in front of what came meanwhile. */
  function keep(batch: readonly [string, Change][]): void {
    const later = [...waiting]
    waiting.clear()
    for (const [key, change] of batch) waiting.set(key, change)
    for (const [key, { summary, outcome, ...id }] of later) {
      const before = waiting.get(key)
      waiting.set(key, {
        ...id,
        summary: summary ?? before?.summary ?? null,
        outcome: outcome ?? before?.outcome ?? null,
      })
    }
    bound()
  }

  async function write(
    t: Pick<Store, 'decisions'>,
    { tenant, id, summary, outcome }: Change,
    look: boolean,
  ): Promise<void> {
    if (summary !== null && (!look || (await t.decisions.get(tenant, id)) === null)) {
      return t.decisions.insert({ ...summary, ...outcome })
    }
    const before = await t.decisions.get(tenant, id)
    if (before === null || outcome === null || before.outcomeIndex !== null) return
    await t.decisions.replace({ ...before, ...outcome, version: before.version + 1 })
  }

  return {
    add: (summary) => enqueue(summary.tenant, summary.id, { summary }),
    settle: (tenant, id, result, outcomeIndex) => enqueue(tenant, id, { outcome: { result, outcomeIndex } }),
    async get(tenant, id) {
      const found = waiting.get(JSON.stringify([tenant, id]))
      if (found?.summary != null) return { ...found.summary, ...found.outcome }
      if (running !== null) await running
      const stored = await store.decisions.get(tenant, id)
      return stored === null
        ? null
        : { ...stored, ...(waiting.get(JSON.stringify([tenant, id]))?.outcome ?? {}) }
    },
    async flush() {
      if (waiting.size > 0) start()
      while (running !== null) await running
    },
    from() {
      let first = dropped
      for (const change of writing) first = Math.min(first, indexOf(change))
      for (const change of waiting.values()) first = Math.min(first, indexOf(change))
      return first
    },
  }
}

function indexOf({ summary, outcome }: Change): number {
  const none = Number.POSITIVE_INFINITY
  return Math.min(summary?.intentIndex ?? none, outcome?.outcomeIndex ?? none)
}
