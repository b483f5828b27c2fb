/**
 * A candidate beside the policy that rules: asked the same of every recorded decision, after it was made.
 *
 * What must hold: nothing here reaches the decision. Questions are plain data taken in the turn; they are put to the
 * candidate when `later` runs the job, so a slow candidate delays other work but no turn, and one that throws is counted.
 * What waits is bounded; the rest is counted, too.
 * @module
 */
import type { Decision, Outcome } from '@safeconduct/protocol'
import type { CompiledPolicies } from '../engine.ts'
import { type RecordedCall, retry } from './candidate.ts'
import { type Counts, createTally, recorded } from './tally.ts'

export const MAX_WAITING = 256

export interface ShadowReport extends Counts {
  /** Id and digest of the candidate. */
  readonly version: string
  readonly digest: string
  /** When these counts began: they start anew when the process does. */
  readonly since: number
  readonly decisions: number
  /** The candidate threw. */
  readonly failed: number
  /** Not asked, because too many waited. */
  readonly dropped: number
}

export interface ShadowedDecision {
  /** null = refused before policy had a say. */
  readonly call: RecordedCall | null
  /** `<server>/<tool>` */
  readonly tool: string
  readonly decision: Decision
}

export interface Shadow {
  readonly version: string
  observe(decided: ShadowedDecision): void
  report(): ShadowReport
  /** Forgets what waits. */
  stop(): void
}

export interface ShadowOptions {
  readonly version: string
  readonly digest: string
  readonly compiled: CompiledPolicies
  readonly since: number
  readonly later: (job: () => void) => void
  readonly onChange: (change: { readonly id: string; readonly from: Outcome; readonly to: Outcome }) => void
}

export function createShadow({ version, digest, compiled, since, later, onChange }: ShadowOptions): Shadow {
  const tally = createTally()
  const count = { decisions: 0, failed: 0, dropped: 0 }
  let waiting = 0
  let stopped = false

  function ask({ call, tool, decision }: ShadowedDecision & { readonly call: RecordedCall }): void {
    waiting--
    if (stopped) return
    try {
      const now = retry(compiled, call)
      if (now.gap !== null) tally.gap(now.gap)
      else if (tally.compare({ id: decision.id, tool }, recorded(decision), now))
        onChange({ id: decision.id, from: decision.outcome, to: now.outcome })
    } catch {
      count.failed++
    }
  }

  return {
    version,
    observe({ call, tool, decision }) {
      count.decisions++
      if (call === null) return tally.settled()
      if (waiting >= MAX_WAITING) {
        count.dropped++
        return
      }
      waiting++
      later(() => ask({ call, tool, decision }))
    },
    report: () => ({ version, digest, since, ...count, ...tally.counts() }),
    stop() {
      stopped = true
    },
  }
}
