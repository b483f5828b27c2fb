/**
 * Trying policies on what this decider recorded and decides: replay, the candidate in the shadow, and the proof of what
 * was put in force.
 * @module
 */
import {
  type CallRequest,
  type JsonObject,
  type PolicyVersion,
  SafeconductError,
} from '@safeconduct/protocol'
import type { Decided } from '../decide.ts'
import type { PolicySource } from '../policy/engine.ts'
import {
  createShadow,
  entriesSince,
  type ReplayProgress,
  type ReplayReport,
  type ReplayWindow,
  replayPolicy,
  type ShadowReport,
} from '../policy/try/index.ts'
import type { KeptQuestion } from '../policy/try/question.ts'
import { keptRequest } from '../record/attachment.ts'
import { policyOf } from '../record/entry.ts'
import type { Owner } from './owner.ts'

export interface ReplayRequest {
  /** Checked as for activation by whoever asks; here it is only compiled. */
  readonly candidate: PolicySource
  /** Compared with instead of the recorded decisions; null = with those. */
  readonly base: PolicySource | null
  readonly window: ReplayWindow
}

/**
 * One at a time: it reads as fast as it can.
 * @throws {SafeconductError} `policy_invalid` for a candidate that cannot be compiled, `overloaded` while another runs,
 *   `ledger_corrupt`
 */
export async function* replayRecords(
  owner: Owner,
  tenant: string,
  { candidate, base, window }: ReplayRequest,
): AsyncGenerator<ReplayProgress, ReplayReport> {
  const { policyEngine } = owner.ports
  const question = {
    candidate: policyEngine.compile(candidate, null),
    base: base === null ? null : policyEngine.compile(base, null),
    window,
  }
  if (owner.replaying) throw new SafeconductError('overloaded', { message: 'Another replay is running.' })
  owner.replaying = true
  try {
    await owner.summaries.flush()
    const breathe = () => new Promise<void>((resolve) => owner.later(resolve))
    return yield* replayPolicy({ ...owner.ports, pseudonyms: owner.pseudonyms, breathe }, tenant, question)
  } finally {
    owner.replaying = false
  }
}

/** Puts a candidate beside the policy of the tenant; null ends it. @throws {SafeconductError} `policy_invalid` */
export function setShadow(owner: Owner, tenant: string, version: PolicyVersion | null): void {
  const { policyEngine, clock, bus } = owner.ports
  owner.shadows.get(tenant)?.stop()
  owner.shadows.delete(tenant)
  if (version === null) return
  const shadow = createShadow({
    version: version.id,
    digest: version.digest,
    compiled: policyEngine.compile(version, null),
    since: clock.now(),
    later: owner.later,
    onChange: (change) => bus.publish({ type: 'shadow', tenant, version: version.id, ...change }),
  })
  owner.shadows.set(tenant, shadow)
}

/** Shows a recorded decision to the candidate, if there is one. */
export function observe(
  owner: Owner,
  request: CallRequest,
  { decision }: Decided,
  question: KeptQuestion | null,
): void {
  const shadow = owner.shadows.get(decision.tenant)
  if (shadow === undefined) return
  const { operation } = request
  const name = operation.kind === 'tool' ? operation.name : operation.method
  shadow.observe({
    call: question === null ? null : { question, call: keptRequest(request), decision },
    tool: `${operation.server}/${name ?? operation.method}`,
    decision,
  })
}

export function shadowOf(owner: Owner, tenant: string): ShadowReport | null {
  return owner.shadows.get(tenant)?.report() ?? null
}

/** Entries between two pauses. */
const STRIDE = 256

/**
 * Receipt of the ledger entry that tells of a version being put in force.
 * @returns null when the ledger does not tell of it (yet)
 */
export async function policyReceipt(
  owner: Owner,
  tenant: string,
  version: Pick<PolicyVersion, 'id' | 'createdAt'>,
): Promise<JsonObject | null> {
  const { ledger } = owner.ports
  const { first, end } = await entriesSince(ledger, version.createdAt)
  if (first >= end) return null
  for await (const { index, entry } of ledger.entries(first, end)) {
    const policy = policyOf(entry)
    if (policy?.tenant === tenant && policy.version === version.id) return ledger.receipt([index])
    if (index % STRIDE === 0) await new Promise<void>((resolve) => owner.later(resolve))
  }
  return null
}
