/**
 * Who decides about a role for one errand: a rule, a person, or nobody. The policies are asked for the action
 * `elevate` on `Role::"…"`, both layers, as for a call.
 *
 * What must hold: only a permit that names the action itself, in the layer of whoever would hold the role, is a rule; a
 * permit for everything grants nobody more, and a rule for agents grants no user more.
 * @module
 */
import type { Decision, Elevation, Grant } from '@safeconduct/protocol'
import type { Posed } from '../decision/rule.ts'
import { isAlive } from '../delegation/delegate.ts'
import type { Layer } from '../policy/engine.ts'
import { judge } from '../policy/judge.ts'
import { poseQuery } from '../policy/question.ts'
import { ELEVATE } from '../policy/speech.ts'
import type { EngineState } from '../state.ts'

export interface ElevationQuestion {
  readonly tenant: string
  /** Milliseconds. */
  readonly at: number
  readonly task: string
  readonly role: string
  readonly minutes: number
  /** Whose role it would be. */
  readonly for: Elevation['for']
  /** The grant with which an agent asks; null when a person does. */
  readonly grant: Grant | null
  /** The agent it was asked for, where no grant tells; default: the task's own. */
  readonly agent?: string
}

export interface ElevationRuling {
  readonly outcome: 'active' | 'pending' | 'refused'
  /** Id of the permit that granted. */
  readonly rule: string | null
  readonly policies: Decision['policies']
  readonly why: string
  /** Agent and user of the errand. */
  readonly agent: string | null
  readonly user: string | null
  readonly purpose: string
  /** When the errand ends, milliseconds. */
  readonly endsAt: number
}

export function ruleOnElevation(state: EngineState, question: ElevationQuestion): ElevationRuling {
  const { at, role, minutes, grant } = question
  const tenant = state.tenants.get(question.tenant)
  const task = tenant?.directory.tasks.get(question.task)
  const refused = (why: string): ElevationRuling => ({
    outcome: 'refused',
    rule: null,
    policies: [],
    why,
    agent: null,
    user: null,
    purpose: '',
    endsAt: 0,
  })
  if (tenant === undefined || task === undefined || task.status !== 'active' || task.expiresAt <= at) {
    return refused('There is no such errand, or it has ended.')
  }
  if (grant !== null && (grant.task !== task.id || !isAlive(tenant, { grant, at }))) {
    return refused('The grant is not one of this errand, or is no longer valid.')
  }
  const agent = grant?.agent ?? question.agent ?? task.agent
  if (tenant.directory.agents.get(agent)?.status !== 'active')
    return refused('The agent is disabled or not known.')
  const { policy } = tenant.directory
  if (policy === null) return refused('No policy is loaded.')
  const { posed } = poseQuery(
    tenant,
    policy,
    {
      tenant: question.tenant,
      at,
      agent,
      user: task.user,
      action: ELEVATE,
      resource: { type: 'Role', id: role },
      ...(task.details.purpose === undefined ? {} : { purpose: task.details.purpose }),
    },
    state.settings.obligations,
  )
  const asked = elevationOf(posed, minutes)
  const actors = { agent, via: grant?.via ?? [], user: task.user }
  const parties = { agent, user: task.user, purpose: task.details.purpose ?? '', endsAt: task.expiresAt }
  const plain = judge(policy.compiled, actors, asked, { approved: false, freshProof: false })
  // Of those who are asked for, only the one who would hold the role can be whom a rule was made for.
  const own = judge(policy.compiled, { ...actors, via: [] }, asked, { approved: false, freshProof: false })
  const isRule = (layer: Layer, id: string) => layer === question.for && policy.compiled.elevates(layer, id)
  const rule = own.reasons.find(
    ({ layer, id }) => (layer === 'agent' || layer === 'user') && isRule(layer, id),
  )
  if (plain.allowed && rule !== undefined) {
    const why = `The policy ${rule.id} grants it.`
    return { outcome: 'active', rule: rule.id, policies: plain.reasons, why, ...parties }
  }
  const person = judge(policy.compiled, actors, asked, { approved: true, freshProof: false })
  return person.allowed
    ? { outcome: 'pending', rule: null, policies: person.reasons, why: 'A person has to decide.', ...parties }
    : { ...refused('No policy lets a person grant it.'), policies: person.reasons, ...parties }
}

/** No zone is crossed by asking. */
function elevationOf({ asked }: Posed, minutes: number): Posed['asked'] {
  const { zone } = asked.context
  const from = typeof zone === 'object' && 'from' in zone ? zone.from : ''
  const context = {
    ...asked.context,
    zone: { from: from ?? '', to: from ?? '', flow: true },
    elevation: { minutes },
  }
  return { ...asked, context }
}
