/**
 * Recorded decisions put to a candidate: which calls would it have decided otherwise?
 *
 * What must hold:
 * - everything a call is judged by comes from its record, nothing from the present;
 * - each call is judged by itself: what a call that would have gone otherwise would have led to is not played on;
 * - every record is first put to the policy that ruled it (the self-check). One that does not give the recorded decision
 *   again is counted, and its call is not among the changes.
 * @module
 */
import type { Decision } from '@safeconduct/protocol'
import type { CompiledPolicies, PolicyEngine } from '../engine.ts'
import { type RecordedCall, retry } from './candidate.ts'
import { type IntentRecord, type RecordPorts, recordsOf } from './records.ts'
import { type Counts, createTally, recorded, sameVerdict, type Tally, type Verdict } from './tally.ts'
import { createVersions, type Versions } from './versions.ts'
import type { ReplayWindow } from './window.ts'

export interface ReplayPorts extends RecordPorts {
  readonly policyEngine: PolicyEngine
  /** Lets other work have its turn. */
  readonly breathe: () => Promise<void>
}

export interface ReplayQuestion {
  readonly candidate: CompiledPolicies
  /** Compared with instead of the recorded decisions; null = with those. */
  readonly base: CompiledPolicies | null
  readonly window: ReplayWindow
}

export interface SelfCheck {
  /** Decided again under the policy that ruled them. */
  readonly compared: number
  /** Of these, not as recorded. Anything but 0 is a defect. */
  readonly differences: number
  /** The policy that ruled them is not among the versions, or the record does not hold what it needs. */
  readonly skipped: number
  /** Ids of decisions that differ. */
  readonly examples: readonly string[]
}

export interface ReplayReport extends Counts {
  /** Recorded decisions in the window. */
  readonly decisions: number
  /** Times of the first and the last of them. */
  readonly from: number | null
  readonly to: number | null
  /** Records of erased subjects: nobody can read them. */
  readonly erased: number
  /** Records from before questions were kept, where policy had a say. */
  readonly older: number
  /** Refusals that were counted together and have no records. */
  readonly coalesced: number
  readonly selfCheck: SelfCheck
}

export interface ReplayProgress {
  readonly decisions: number
  readonly changed: number
  /** Entries of the ledger read so far. */
  readonly read: number
}

/** Records between two pauses, and between two words of progress. */
const STRIDE = 32
const TELL_EVERY = 2048

/** Yields progress, returns the report. Ends early, without one, when the consumer stops it. */
export async function* replayPolicy(
  ports: ReplayPorts,
  tenant: string,
  question: ReplayQuestion,
): AsyncGenerator<ReplayProgress, ReplayReport> {
  const versions = await createVersions(ports, tenant)
  const run = createRun(question, versions)
  let read = 0
  for await (const found of recordsOf(ports, tenant, question.window)) {
    read++
    if (found.type === 'decision') await run.decision(found.record)
    else if (found.type === 'coalesced') run.coalesced(found.count)
    else if (found.type !== 'passed') run.unreadable(found.type)
    if (read % STRIDE === 0) await ports.breathe()
    if (read % TELL_EVERY === 0) yield { ...run.progress(), read }
  }
  return run.report()
}

interface Run {
  decision(record: IntentRecord): Promise<void>
  coalesced(count: number): void
  unreadable(why: 'erased' | 'unknown'): void
  progress(): { readonly decisions: number; readonly changed: number }
  report(): ReplayReport
}

const EXAMPLES = 5

function createRun({ candidate, base }: ReplayQuestion, versions: Versions): Run {
  const tally = createTally()
  const count = { decisions: 0, erased: 0, older: 0, coalesced: 0 }
  const check = { compared: 0, differences: 0, skipped: 0, examples: [] as string[] }
  let [from, to]: [number | null, number | null] = [null, null]

  /** False when the record does not give its own decision again. */
  async function repeats(call: RecordedCall, decision: Decision): Promise<boolean> {
    const ruled = await versions.byDigest(decision.revisions.policy)
    const again = ruled === null ? null : retry(ruled, call)
    if (again === null || again.gap !== null) {
      check.skipped++
      return true
    }
    check.compared++
    if (sameVerdict(again, recorded(decision))) return true
    check.differences++
    if (check.examples.length < EXAMPLES) check.examples.push(decision.id)
    return false
  }

  return {
    async decision({ request, decision, question }) {
      count.decisions++
      from = Math.min(from ?? decision.at, decision.at)
      to = Math.max(to ?? decision.at, decision.at)
      if (question === null || (question === undefined && isSettled(decision))) return tally.settled()
      if (question === undefined) {
        count.older++
        return
      }
      const call: RecordedCall = { question, call: request, decision }
      if (!(await repeats(call, decision))) return
      const { operation } = request
      const tool = operation.kind === 'tool' ? operation.name : operation.method
      const named = { id: decision.id, tool: `${operation.server}/${tool ?? operation.method}` }
      compare(tally, named, call, recorded(decision), { candidate, base })
    },
    coalesced: (more) => {
      count.coalesced += more
    },
    unreadable: (why) => {
      count.decisions++
      if (why === 'erased') count.erased++
      else tally.gap('unknown-format')
    },
    progress: () => ({ decisions: count.decisions, changed: tally.counts().changed }),
    report: () => ({
      ...count,
      from,
      to,
      ...tally.counts(),
      selfCheck: { ...check, examples: [...check.examples] },
    }),
  }
}

function compare(
  tally: Tally,
  named: { readonly id: string; readonly tool: string },
  call: RecordedCall,
  old: Verdict,
  { candidate, base }: Pick<ReplayQuestion, 'candidate' | 'base'>,
): void {
  const before = base === null ? { gap: null, ...old } : retry(base, call)
  const now = retry(candidate, call)
  if (before.gap !== null) tally.gap(before.gap)
  else if (now.gap !== null) tally.gap(now.gap)
  else tally.compare(named, before, now)
}

/**
 * Of a record from before questions were kept: whether it was refused before policy had a say. A refusal that names the
 * errand or the engine as its reason was, but for arguments that do not fit, which depend on what policies speak of.
 */
function isSettled({ outcome, code, policies }: Decision): boolean {
  if (outcome !== 'deny') return false
  if (code === 'unknown_tool') return true
  const before = ({ layer, id }: Decision['policies'][number]) =>
    layer === 'delegation' || (layer === 'engine' && id !== 'arguments')
  return policies.length > 0 && policies.every(before)
}
