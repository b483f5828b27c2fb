/**
 * Counts what would change, grouped by tool, outcomes and deciding policy, each group with a few decisions to look at.
 * Bounded: groups beyond the bound are counted together.
 * @module
 */
import type { Decision, ErrorCode, Outcome, PolicyReason } from '@safeconduct/protocol'
import { GAPS, type Gap, type Retried } from './candidate.ts'

export const MAX_GROUPS = 500
const EXAMPLES = 5

/** One side of a comparison. */
export interface Verdict {
  readonly outcome: Outcome
  readonly code: ErrorCode | null
  readonly policies: readonly PolicyReason[]
  /** Obligation types. */
  readonly obligations: readonly string[]
}

export interface ChangeGroup {
  readonly tool: string
  readonly from: Outcome
  readonly to: Outcome
  /** Obligation types that the new decision has and the old one had not. */
  readonly obligations: readonly string[]
  /** `<layer>:<id>` of what forbids it now; empty when nothing does any more, `none` when nothing permits it. */
  readonly by: readonly string[]
  /** The same of the old decision. */
  readonly was: readonly string[]
  readonly count: number
  /** Ids of decisions, the first ones. */
  readonly examples: readonly string[]
}

export interface Counts {
  /** Decisions that were compared. */
  readonly compared: number
  /** Refused before policy has a say (dead grant, errand, quarantine, suspension): no policy changes them. */
  readonly settled: number
  readonly unchanged: number
  /** Same outcome, decided by other policies. */
  readonly otherReasons: number
  readonly changed: number
  readonly gaps: Readonly<Record<Gap, number>>
  readonly groups: readonly ChangeGroup[]
  /** Changed calls in groups beyond the bound. */
  readonly ungrouped: number
}

export interface Tally {
  settled(): void
  gap(gap: Gap): void
  /** True when the call would change. */
  compare(decision: { readonly id: string; readonly tool: string }, old: Verdict, now: Verdict): boolean
  counts(): Counts
}

interface Group extends Omit<ChangeGroup, 'count' | 'examples'> {
  count: number
  readonly examples: string[]
}

export function createTally(): Tally {
  const groups = new Map<string, Group>()
  const gaps = Object.fromEntries(GAPS.map((gap) => [gap, 0])) as Record<Gap, number>
  const count = { compared: 0, settled: 0, unchanged: 0, otherReasons: 0, changed: 0, ungrouped: 0 }

  function note(id: string, of: Omit<ChangeGroup, 'count' | 'examples'>): void {
    const key = JSON.stringify([of.tool, of.from, of.to, of.obligations, of.by, of.was])
    let group = groups.get(key)
    if (group === undefined) {
      if (groups.size >= MAX_GROUPS) {
        count.ungrouped++
        return
      }
      group = { ...of, count: 0, examples: [] }
      groups.set(key, group)
    }
    group.count++
    if (group.examples.length < EXAMPLES) group.examples.push(id)
  }

  return {
    settled: () => {
      count.settled++
    },
    gap: (gap) => {
      gaps[gap]++
    },
    compare({ id, tool }, old, now) {
      count.compared++
      const obligations = now.obligations.filter((type) => !old.obligations.includes(type)).sort()
      const lifted = old.obligations.some((type) => !now.obligations.includes(type))
      const [was, by] = [deciding(old), deciding(now)]
      if (old.outcome === now.outcome && obligations.length === 0 && !lifted) {
        count.unchanged++
        if (was.join() !== by.join() || old.code !== now.code) count.otherReasons++
        return false
      }
      count.changed++
      note(id, { tool, from: old.outcome, to: now.outcome, obligations, by, was })
      return true
    },
    counts: () => ({
      ...count,
      gaps: { ...gaps },
      groups: [...groups.values()]
        .map((group) => ({ ...group, examples: [...group.examples] }))
        .sort((a, b) => b.count - a.count || (a.tool < b.tool ? -1 : 1)),
    }),
  }
}

/** What stands against a call, or `none` when it is only that nothing permits it. */
function deciding({ outcome, policies }: Verdict): string[] {
  if (outcome === 'allow') return []
  const forbids = policies
    .filter(({ effect }) => effect === 'forbid')
    .map(({ layer, id }) => `${layer}:${id}`)
  return forbids.length === 0 ? ['none'] : forbids.sort()
}

/** The recorded decision as one side. */
export function recorded(decision: Pick<Decision, 'outcome' | 'code' | 'policies' | 'obligations'>): Verdict {
  const { outcome, code, policies, obligations } = decision
  return { outcome, code, policies, obligations: obligations.map(({ type }) => type) }
}

/** The same outcome, for the same reasons. */
export function sameVerdict(a: Verdict, b: Verdict): boolean {
  return verdictKey(a) === verdictKey(b)
}

function verdictKey({ outcome, code, policies, obligations }: Verdict): string {
  return JSON.stringify([
    outcome,
    code,
    policies.map(({ layer, id, effect }) => [layer, id, effect]),
    obligations,
  ])
}

export type Judged = Extract<Retried, { readonly gap: null }>
