/**
 * Summaries of decisions for lists, written to the store behind the calls, in batches: SQL is never on the path of a
 * call. The ledger is their truth; what a crash loses is rebuilt from it at start.
 * @module
 */
import type { CallResult, DecisionSummary } from '@safeconduct/protocol'
import type { Store } from '../ports.ts'

const BATCH = 200
/** Waiting summaries; beyond, the oldest are left to the next rebuild. */
const MAX_WAITING = 20_000

export interface Summaries {
  /** A decision, once its intent has an index. */
  add(summary: DecisionSummary): void
  /** Its outcome, once that has one. */
  settle(tenant: string, id: string, result: CallResult['status'], outcomeIndex: number): void
  /** Also what waits to be written. */
  get(tenant: string, id: string): Promise<DecisionSummary | null>
  /** Resolves when everything given so far is in the store, or could not be written. */
  flush(): Promise<void>
}

interface Outcome {
  readonly result: CallResult['status']
  readonly outcomeIndex: number
}

export function createSummaries(store: Pick<Store, 'tx' | 'decisions'>): Summaries {
  const waiting = new Map<
    string,
    { tenant: string; id: string; summary: DecisionSummary | null; outcome: Outcome | null }
  >()
  let running: Promise<void> | null = null

  function enqueue(
    tenant: string,
    id: string,
    change: { summary?: DecisionSummary; outcome?: Outcome },
  ): void {
    const key = JSON.stringify([tenant, id])
    const before = waiting.get(key) ?? { tenant, id, summary: null, outcome: null }
    waiting.set(key, { ...before, ...change })
    if (waiting.size > MAX_WAITING) {
      const oldest = waiting.keys().next()
      if (oldest.done !== true) waiting.delete(oldest.value)
    }
    running ??= drain().finally(() => {
      running = null
    })
  }

  async function drain(): Promise<void> {
    // Gives way first, so that a burst of calls becomes one batch.
    await Promise.resolve()
    while (waiting.size > 0) {
      const batch = [...waiting].slice(0, BATCH)
      for (const [key] of batch) waiting.delete(key)
      try {
        await store.tx(async (t) => {
          for (const [, change] of batch) await write(t, change)
        })
      } catch {
        // The store cannot take them now. Calls go on; the rebuild at start fills the list.
        return
      }
    }
  }

  async function write(
    t: Pick<Store, 'decisions'>,
    {
      tenant,
      id,
      summary,
      outcome,
    }: { tenant: string; id: string; summary: DecisionSummary | null; outcome: Outcome | null },
  ): Promise<void> {
    if (summary !== null && (await t.decisions.get(tenant, id)) === null) {
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
      return store.decisions.get(tenant, id)
    },
    async flush() {
      while (running !== null) await running
    },
  }
}
