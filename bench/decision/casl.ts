/**
 * The scenario for CASL. It has no hierarchy and no facts of its own: who is in which group is resolved by the caller,
 * and what an ability does not know about the agent, it reads off the subject.
 * @module
 */
import type { Peers } from './peers.ts'
import type { AgentFacts, Context, Question, ResourceFacts } from './scenario.ts'

interface Ability {
  can(action: string, subject: object): boolean
}
interface Rule {
  readonly action: string
  readonly subject: string
  readonly conditions?: object
  readonly inverted?: boolean
}
interface Casl {
  createMongoAbility(rules: readonly Rule[]): Ability
  subject(type: string, object: object): object
}

export interface CaslEngines {
  /** An ability for each question, with only the rules whose conditions on the context hold: code of the host. */
  perRequest(question: Question): boolean
  /** One ability for each agent; the context is part of the subject. */
  perAgent(question: Question): boolean
  /** As `perRequest`, with ability and subject made before the clock starts: nothing but `can` is left. */
  ready(questions: readonly Question[]): (i: number) => boolean
}

/** @throws when CASL is not installed */
export function caslEngines(peers: Peers, kinds: readonly string[]): CaslEngines {
  const { createMongoAbility, subject } = peers.load('@casl/ability') as Casl
  const abilities = new Map<string, Ability>()
  const forQuestion = ({ agent, context }: Question) =>
    createMongoAbility(rulesUnderContext(kinds, agent, context))
  const typed = (resource: ResourceFacts, more: object) => subject(resource.kind, { ...resource, ...more })
  return {
    perRequest: (question) => forQuestion(question).can(question.action, typed(question.resource, {})),
    perAgent({ agent, action, resource, context }) {
      let ability = abilities.get(agent.id)
      if (ability === undefined) {
        ability = createMongoAbility(rulesOf(kinds, agent))
        abilities.set(agent.id, ability)
      }
      return ability.can(action, typed(resource, { context }))
    },
    ready(questions) {
      const made = questions.map((question) => ({
        ability: forQuestion(question),
        action: question.action,
        subject: typed(question.resource, {}),
      }))
      return (i) => {
        const each = made[i]
        return each?.ability.can(each.action, each.subject) === true
      }
    },
  }
}

const can = (action: string, subject: string, conditions: object): Rule => ({ action, subject, conditions })
const cannot = (conditions?: object): Rule => ({
  action: 'manage',
  subject: 'all',
  inverted: true,
  ...(conditions === undefined ? {} : { conditions }),
})

/** Later rules win, so what forbids comes last. */
function rulesOf(kinds: readonly string[], agent: AgentFacts): Rule[] {
  if (agent.suspended) return [cannot()]
  const { id, groups } = agent.owner
  return [
    ...kinds.flatMap((kind) => [
      can('read', kind, { 'folder.viewers': { $in: groups }, 'context.risk': { $lt: 60 } }),
      ...(agent.device.managed
        ? [
            can('write', kind, {
              'folder.editors': { $in: groups },
              'context.risk': { $lt: 40 },
              'context.mfaAge': { $lt: 3600 },
            }),
          ]
        : []),
      can('share', kind, {
        owner: id,
        'context.purpose': 'collaboration',
        labels: { $nin: ['secret'] },
      }),
      can('delete', kind, {
        owner: id,
        'context.signedOff': true,
        'context.depth': { $lte: 1 },
        'folder.zone': { $ne: 'z0' },
      }),
    ]),
    cannot({ 'context.risk': { $gte: 90 } }),
    cannot({ 'context.depth': { $gt: 3 } }),
    cannot({ 'context.country': 'XX' }),
    cannot({ labels: { $in: ['quarantined'] } }),
    cannot({ company: { $ne: agent.company } }),
    cannot({ 'context.hour': { $lt: 6 }, labels: { $in: ['office-hours'] } }),
    cannot({ 'context.hour': { $gt: 22 }, labels: { $in: ['office-hours'] } }),
    cannot({ 'context.purpose': { $regex: /exfil/ } }),
    cannot({ sensitivity: { $gt: agent.clearance }, 'context.signedOff': false }),
    cannot({ 'context.mfaAge': { $gt: 86_400 }, sensitivity: { $gt: 2 } }),
  ]
}

/** The rules that the context leaves, with conditions on the resource only. */
function rulesUnderContext(kinds: readonly string[], agent: AgentFacts, context: Context): Rule[] {
  const { risk, depth, hour, mfaAge, purpose, signedOff, country } = context
  if (agent.suspended || risk >= 90 || depth > 3 || country === 'XX' || purpose.includes('exfil')) {
    return [cannot()]
  }
  const { id, groups } = agent.owner
  const rules: Rule[] = []
  for (const kind of kinds) {
    if (risk < 60) rules.push(can('read', kind, { 'folder.viewers': { $in: groups } }))
    if (risk < 40 && mfaAge < 3600 && agent.device.managed)
      rules.push(can('write', kind, { 'folder.editors': { $in: groups } }))
    if (purpose === 'collaboration')
      rules.push(can('share', kind, { owner: id, labels: { $nin: ['secret'] } }))
    if (signedOff && depth <= 1) rules.push(can('delete', kind, { owner: id, 'folder.zone': { $ne: 'z0' } }))
  }
  rules.push(cannot({ labels: { $in: ['quarantined'] } }), cannot({ company: { $ne: agent.company } }))
  if (hour < 6 || hour > 22) rules.push(cannot({ labels: { $in: ['office-hours'] } }))
  if (!signedOff) rules.push(cannot({ sensitivity: { $gt: agent.clearance } }))
  if (mfaAge > 86_400) rules.push(cannot({ sensitivity: { $gt: 2 } }))
  return rules
}
