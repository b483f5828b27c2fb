/**
 * What is kept of a decision, for the entitled: found by its summary, read from the ledger, opened with the subject's key.
 * @module
 */
import type { JsonObject } from '@safeconduct/protocol'
import { summaryOf } from '../cold.ts'
import type { AgentStanding, Explanation, LearningReport } from '../ports.ts'
import { type Attachment, decodeAttachment } from '../record/attachment.ts'
import { readEntry } from '../record/entry.ts'
import { sealedFor } from '../record/journal.ts'
import { checkAttachment } from '../record/replay.ts'
import { baselineState, type Summary } from '../risk/learning/learning.ts'
import { assess, standingDoubts } from '../risk/score.ts'
import { levelNow } from '../risk/standing.ts'
import { effectiveTrust } from '../risk/trust.ts'
import type { AgentLive } from '../state.ts'
import type { Owner } from './owner.ts'

/** @throws {SafeconductError} `ledger_corrupt` when what is kept beside an entry is not what the entry says */
export async function explain(owner: Owner, tenant: string, id: string): Promise<Explanation | null> {
  const summary = await owner.summaries.get(tenant, id)
  if (summary === null) return null
  const subject = sealedFor(summary)
  const intent = await read(owner, tenant, subject, summary.intentIndex)
  if (intent?.type !== 'intent' || intent.decision.id !== id) return null
  const outcome =
    summary.outcomeIndex === null ? null : await read(owner, tenant, subject, summary.outcomeIndex)
  const { grantId: _grant, argsOmitted: _omitted, ...request } = intent.request
  return {
    decision: intent.decision,
    request,
    result: outcome?.type === 'outcome' ? outcome.result : null,
    code: intent.decision.code,
  }
}

export async function receipt(owner: Owner, tenant: string, id: string): Promise<JsonObject | null> {
  const summary = await owner.summaries.get(tenant, id)
  if (summary === null) return null
  const { intentIndex, outcomeIndex } = summary
  return owner.ports.ledger.receipt(outcomeIndex === null ? [intentIndex] : [intentIndex, outcomeIndex])
}

async function read(
  owner: Owner,
  tenant: string,
  subject: string,
  index: number,
): Promise<Attachment | null> {
  const { ledger, keyring } = owner.ports
  for await (const { entry, attachment } of ledger.entries(index, index + 1)) {
    const told = readEntry(entry)
    if (told === null) return null
    checkAttachment(told, attachment)
    const opened = attachment === null ? null : await keyring.open(tenant, subject, attachment)
    return opened === null ? null : decodeAttachment(opened)
  }
  return null
}

export function standingOf(owner: Owner, tenant: string, id: string): AgentStanding | null {
  const held = owner.state.tenants.get(tenant)
  const agent = held?.directory.agents.get(id)
  if (held === undefined || agent === undefined) return null
  const live = held.live.agents.get(id)
  const at = owner.ports.clock.now()
  if (live === undefined) {
    const trust = effectiveTrust('elevated', 'declared', agent.trustCeiling)
    return {
      agent: id,
      trust,
      risk: 0,
      since: agent.createdAt,
      baseline: 'learning',
      why: ['It has not called yet.'],
      trend: [],
      learning: null,
    }
  }
  const ceiling = agent.trustCeiling === null ? [] : [`A person set the ceiling ${agent.trustCeiling}.`]
  return {
    agent: id,
    trust: effectiveTrust(levelNow(live, at), live.assurance, agent.trustCeiling),
    risk: Math.round(assess(live.risk, [], at).before),
    since: live.trust.since,
    baseline: baselineOf(live, at),
    why: [
      live.trust.why,
      `Its assurance is ${live.assurance}.`,
      ...ceiling,
      ...standingDoubts(live.risk, at),
    ],
    trend: [...live.trend],
    learning: reportOf(summaryOf(live)),
  }
}

function reportOf({ knownFrom: _, ...report }: Summary): LearningReport {
  return report
}

function baselineOf(live: AgentLive, at: number): AgentStanding['baseline'] {
  if (live.composition.current !== live.composition.approved) return 'drifted'
  return baselineState(summaryOf(live), live.lastAt, at)
}
