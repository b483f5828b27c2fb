/**
 * What people do about what was learned of an agent: answer a piece of evidence, contest a call, save a baseline and
 * bring one back, see or erase what is held of somebody. Each act is one turn, and durable when its promise is kept.
 * @module
 */
import { hash } from 'node:crypto'
import { type JsonObject, type JsonValue, SafeconductError } from '@safeconduct/protocol'
import { bodyOf } from '../cold.ts'
import type { EngineEvent } from '../events.ts'
import type { SavedBaseline } from '../ports.ts'
import { parseSealed } from '../record/attachment.ts'
import { agentSubject, userSubject } from '../record/pseudonyms.ts'
import { readContributionId } from '../risk/contributions.ts'
import { baselineOf } from '../risk/learning/answers.ts'
import { sourceOf } from '../risk/learning/influence.ts'
import { type AgentLive, tenantState } from '../state.ts'
import { explain, standingOf } from './explain.ts'
import { awake } from './heat.ts'
import { commit, type Owner } from './owner.ts'
import { applyControl, snapshot } from './upkeep.ts'

export interface SubjectRef {
  readonly kind: 'agent' | 'user'
  readonly id: string
}

export interface People {
  /**
   * `evidence` is the id of a contribution of a decision. Dismissed, what it found is over and counts less for this
   * agent from now on; confirmed, it counts more and nothing is learned until the agent is reviewed.
   * @throws {SafeconductError} `not_found`; `conflict` when it was answered before
   */
  answer(
    tenant: string,
    answer: { readonly evidence: string; readonly verdict: 'confirm' | 'dismiss'; readonly by: string },
  ): Promise<{ readonly agent: string; readonly detector: string }>
  /**
   * The call should not have been made, whoever allowed it.
   * @returns whether it was in time: it teaches nothing then. @throws `not_found`
   */
  contest(tenant: string, call: { readonly id: string; readonly by: string }): Promise<boolean>
  baselines(tenant: string, agent: string): readonly SavedBaseline[]
  /** @throws `too_large`, `conflict` when nothing has been learned yet */
  save(tenant: string, of: { readonly agent: string; readonly by: string }): Promise<SavedBaseline>
  /**
   * An earlier baseline holds again; what speaks against the agent stays.
   * @throws `not_found`; `ledger_corrupt` when what is kept is not what the ledger tells of
   */
  rollback(
    tenant: string,
    to: { readonly agent: string; readonly baseline: string; readonly by: string },
  ): Promise<SavedBaseline>
  /** What was learned of an agent, or from whom an agent worked for. Digests and counts; no raw values are kept. */
  inspect(tenant: string, subject: SubjectRef): Promise<JsonObject>
  /** Baselines, and every record that is sealed under the subject's key. What speaks against an agent stays. */
  erase(tenant: string, subject: SubjectRef, by: string): Promise<void>
}

export function createPeople(owner: Owner): People {
  return {
    answer: (tenant, one) => answer(owner, tenant, one),
    contest: (tenant, call) => contest(owner, tenant, call),
    baselines: (tenant, agent) => owner.state.tenants.get(tenant)?.live.agents.get(agent)?.saved ?? [],
    save: (tenant, { agent, by }) => saveBaseline(owner, tenant, agent, by),
    rollback: (tenant, to) => rollback(owner, tenant, to),
    inspect: (tenant, subject) => inspect(owner, tenant, subject),
    erase: (tenant, subject, by) => erase(owner, tenant, subject, by),
  }
}

/** One turn about one agent, written to the ledger in that turn. */
async function act(
  owner: Owner,
  tenant: string,
  agent: string,
  turn: (at: number) => { readonly kind: string; readonly body: JsonObject; readonly events: EngineEvent[] },
): Promise<void> {
  await owner.journal.readyTenant(tenant)
  await awake(owner, tenant, [agent], async () => {
    const held = tenantState(owner.state, tenant)
    const at = owner.ports.clock.now()
    const { kind, body, events } = turn(at)
    commit(owner, held, events)
    const entry = { id: owner.ports.ids.next(), at, kind, body: { type: kind, ...body } }
    await owner.position.follow(owner.journal.control(held, entry, events))
  })
}

async function answer(
  owner: Owner,
  tenant: string,
  { evidence, verdict, by }: Parameters<People['answer']>[1],
): ReturnType<People['answer']> {
  const named = readContributionId(evidence)
  const told = named === null ? null : await explain(owner, tenant, named.decision)
  if (named === null || told?.decision.contributions?.some(({ id }) => id === evidence) !== true)
    throw new SafeconductError('not_found', {
      message: 'There is no such evidence, or its record was erased.',
    })
  const { agent } = told.request
  const { decision, detector } = named
  await act(owner, tenant, agent, (at) => {
    if (agentHere(owner, tenant, agent).risk.learning.answers.has(evidence))
      throw new SafeconductError('conflict', { message: 'This evidence was answered already.' })
    return {
      kind: 'evidence.answered',
      body: { agent, decision, detector, verdict, by },
      events: [{ type: 'feedback', agent, at, by, decision, detector, verdict }],
    }
  })
  return { agent, detector }
}

async function contest(
  owner: Owner,
  tenant: string,
  { id, by }: { readonly id: string; readonly by: string },
): Promise<boolean> {
  const told = await explain(owner, tenant, id)
  if (told === null) throw new SafeconductError('not_found', { message: 'There is no such decision.' })
  const { agent } = told.request
  let inTime = false
  await act(owner, tenant, agent, (at) => {
    const { pending } = agentHere(owner, tenant, agent).risk.learning
    inTime = pending.some((lesson) => lesson.id === id)
    return {
      kind: 'call.contested',
      body: { agent, decision: id, by, inTime },
      events: [{ type: 'contested', agent, at, by, id }],
    }
  })
  return inTime
}

// ── Baselines ────────────────────────────────────────────────────────────────────────────────────────────────

/** Characters of one baseline: with the rest of a record it has to fit an attachment. */
const MAX_BASELINE = 384 * 1024

export async function saveBaseline(
  owner: Owner,
  tenant: string,
  agent: string,
  by: string,
): Promise<SavedBaseline> {
  const { store, keyring, ids } = owner.ports
  const subject = agentSubject(agent)
  await keyring.ready(tenant, subject)
  const id = ids.next()
  const { text, learned } = await awake(owner, tenant, [agent], async () => {
    const { risk } = agentHere(owner, tenant, agent)
    return { text: JSON.stringify(baselineOf(risk)), learned: risk.learning.learned }
  })
  if (learned === 0)
    throw new SafeconductError('conflict', { message: 'Nothing has been learned of the agent yet.' })
  if (text.length > MAX_BASELINE) throw new SafeconductError('too_large')
  await store.blobs.put(nameOf(tenant, agent, id), keyring.seal(tenant, subject, Buffer.from(text)))
  const digest = `sha256:${hash('sha256', text)}`
  let saved: SavedBaseline = { id, at: 0, by, digest, learned }
  await act(owner, tenant, agent, (at) => {
    saved = { ...saved, at }
    return {
      kind: 'baseline.saved',
      body: { agent, baseline: id, digest, learned, by },
      events: [{ type: 'baseline-saved', agent, ...saved }],
    }
  })
  const kept = agentHere(owner, tenant, agent).saved.map((one) => nameOf(tenant, agent, one.id))
  for (const name of await store.blobs.names(`${nameOf(tenant, agent, '')}`))
    if (!kept.includes(name)) await store.blobs.erase(name)
  return saved
}

async function rollback(
  owner: Owner,
  tenant: string,
  { agent, baseline, by }: Parameters<People['rollback']>[1],
): Promise<SavedBaseline> {
  const { store, keyring } = owner.ports
  const saved = agentHere(owner, tenant, agent).saved.find(({ id }) => id === baseline)
  const sealed = saved === undefined ? null : await store.blobs.get(nameOf(tenant, agent, baseline))
  const opened = sealed === null ? null : await keyring.open(tenant, agentSubject(agent), sealed)
  if (saved === undefined || opened === null)
    throw new SafeconductError('not_found', { message: 'There is no such baseline, or it was erased.' })
  if (`sha256:${hash('sha256', opened)}` !== saved.digest)
    throw new SafeconductError('ledger_corrupt', {
      message: 'The baseline in the store is not the one that the ledger tells of.',
    })
  const value = parseSealed(opened) as JsonValue
  await act(owner, tenant, agent, (at) => ({
    kind: 'baseline.restored',
    body: { agent, baseline, digest: saved.digest, by },
    events: [{ type: 'baseline', agent, at, by, baseline: value }],
  }))
  return saved
}

function agentHere(owner: Owner, tenant: string, agent: string): AgentLive {
  const live = owner.state.tenants.get(tenant)?.live.agents.get(agent)
  if (live === undefined)
    throw new SafeconductError('not_found', { message: 'Nothing is known of the agent: it has not called.' })
  return live
}

function nameOf(tenant: string, agent: string, id: string): string {
  return `engine/baseline/${encodeURIComponent(tenant)}/${encodeURIComponent(agent)}/${id}`
}

/** Agents saved in one go after a call. */
const TOGETHER = 4

export async function saveDue(owner: Owner): Promise<void> {
  const chosen = [...owner.unsaved].slice(0, TOGETHER)
  for (const [key, { tenant, agent }] of chosen) {
    owner.unsaved.delete(key)
    await saveBaseline(owner, tenant, agent, 'schedule').catch(() => undefined)
  }
}

// ── Subjects ─────────────────────────────────────────────────────────────────────────────────────────────────

const MAX_TASKS = 1000

async function inspect(owner: Owner, tenant: string, { kind, id }: SubjectRef): Promise<JsonObject> {
  if (kind === 'agent') {
    const learned = await awake(owner, tenant, [id], async () =>
      encoded(bodyOf(agentHere(owner, tenant, id))),
    )
    const standing = standingOf(owner, tenant, id)
    return {
      agent: id,
      standing: encoded(standing),
      baseline: learned,
      saved: encoded(agentHere(owner, tenant, id).saved),
    }
  }
  const tasks = await owner.ports.store.tasks.find(tenant, 'user', id, {
    limit: MAX_TASKS,
    newestFirst: true,
  })
  const source = sourceOf(id)
  const learnedFrom: JsonObject[] = []
  for (const agent of new Set(tasks.map((task) => task.agent))) {
    if (owner.state.tenants.get(tenant)?.live.agents.has(agent) !== true) continue
    const { influence, pending } = await awake(
      owner,
      tenant,
      [agent],
      async () => agentHere(owner, tenant, agent).risk.learning,
    )
    const day = influence.known.get(source)
    const waiting = pending.filter((lesson) => lesson.source === source).length
    if (day === undefined && waiting === 0) continue
    learnedFrom.push({ agent, lastDay: day ?? null, today: influence.sources.get(source) ?? 0, waiting })
  }
  return { user: id, tasks: tasks.length, learnedFrom }
}

function encoded(value: unknown): JsonValue {
  return JSON.parse(JSON.stringify(value)) as JsonValue
}

async function erase(owner: Owner, tenant: string, { kind, id }: SubjectRef, by: string): Promise<void> {
  const { keyring, store } = owner.ports
  if (kind === 'user') {
    await keyring.erase(tenant, userSubject(id))
    applyControl(owner, { type: 'erased', tenant, user: id })
    // Nothing in the ledger tells of it: it is done when no older snapshot is left.
    await snapshot(owner, tenant)
    return
  }
  const held = owner.state.tenants.get(tenant)
  const tasks = [...(held?.directory.tasks.values() ?? [])].filter(({ agent }) => agent === id)
  const whose = held?.directory.agents.get(id)?.owner
  if (held?.live.agents.has(id) === true)
    await act(owner, tenant, id, (at) => ({
      kind: 'baseline.erased',
      body: { agent: id, by },
      events: [
        {
          type: 'agent-erased',
          agent: id,
          at,
          by,
          tasks: tasks.map((task) => task.id),
          ...(whose === undefined ? {} : { owner: whose }),
        },
      ],
    }))
  for (const name of await store.blobs.names(nameOf(tenant, id, ''))) await store.blobs.erase(name)
  await keyring.erase(tenant, agentSubject(id))
  owner.pseudonyms.forget(tenant, agentSubject(id))
  // The snapshot before, and the body in the store, still hold it.
  await snapshot(owner, tenant)
}
