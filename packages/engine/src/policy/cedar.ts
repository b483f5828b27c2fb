/**
 * The policy engine over `@safeconduct/cedar`: two policy sets, compiled once, asked against resident entities.
 * @module
 */
import {
  type Authorization,
  CedarError,
  CedarRecord,
  type CompiledPolicySet,
  compile,
  EntityStore,
  EntityUid,
  type EntityView,
  parseContext,
  type Value,
  valueFrom,
} from '@safeconduct/cedar'
import { type Obligation, SafeconductError } from '@safeconduct/protocol'
import { readObligations } from '../decision/obligations.ts'
import { bindingsOf } from './bindings.ts'
import { entityKey, reachedFrom, witness } from './confine.ts'
import type {
  CompiledPolicies,
  EntityRef,
  Layer,
  LayerAnswer,
  PolicyEngine,
  PolicyEntity,
  PolicyQuestion,
  PolicyRecord,
  PolicySource,
  SchemaFor,
} from './engine.ts'
import type { Oracle } from './oracle.ts'
import { NO_RELATIONS } from './relations.ts'
import { type Speech, speechOf } from './speech.ts'

/** Characters of one layer's text. */
export const MAX_POLICY_TEXT = 262_144

/** @param oracle asked about a sample of live evaluations; left out = none */
export function createCedarEngine(oracle?: Oracle): PolicyEngine {
  return { compile: (source, schema) => compilePolicies(source, schema, oracle) }
}

function compilePolicies(
  source: PolicySource,
  schema: SchemaFor | PolicyRecord | null,
  oracle: Oracle | undefined,
): CompiledPolicies {
  const compileBoth = (against: PolicyRecord | null): Readonly<Record<Layer, CompiledPolicySet>> => ({
    agent: compileLayer('agent', source.agentPolicies, against),
    user: compileLayer('user', source.userPolicies, against),
  })
  const sets = compileBoth(typeof schema === 'function' ? null : schema)
  const bindings = bindingsOf([...sets.agent.policies, ...sets.user.policies])
  const speech: Readonly<Record<Layer, Speech>> = { agent: speechOf(sets.agent), user: speechOf(sets.user) }
  const relations = { agent: speech.agent.relations, user: speech.user.relations }
  // What the schema has to know of relations stands in the policies themselves, so they are parsed before.
  if (typeof schema === 'function') compileBoth(schema(bindings, relations))
  const facts: Readonly<Record<Layer, ReadonlyMap<string, PolicyFacts>>> = {
    agent: factsOf(sets.agent),
    user: factsOf(sets.user),
  }
  const entities = new EntityStore()
  const told = new Map<string, PolicyEntity>()
  const put = (entity: PolicyEntity): void => {
    entities.upsert(entity)
    told.set(entityKey(entity.uid), entity)
  }
  const words = {
    mentions: (argument: string) =>
      speech.agent.uses(`args.${argument}`) || speech.user.uses(`args.${argument}`),
    uses: (path: string) => speech.agent.uses(path) || speech.user.uses(path),
    bindings,
    relations,
    roles: [...new Set([...speech.agent.roles, ...speech.user.roles])].sort(),
    elevates: (layer: Layer, id: string) => speech[layer].elevates.has(id),
  }
  const readContext = factReader(words.uses)
  const actions = actionUids()
  // Both layers and every actor are asked with one context: it is read once.
  let read: { context: PolicyRecord; record: CedarRecord } | null = null
  function evaluate(
    layer: Layer,
    question: PolicyQuestion,
    view: () => EntityView,
    authorize: CompiledPolicySet['authorize'] = sets[layer].authorize,
  ): LayerAnswer {
    try {
      if (read?.context !== question.context) {
        read = { context: question.context, record: readContext(question.context) }
      }
      const { principal, resource, relations: own } = question
      const action = actions(question.action)
      const context =
        own === undefined || own === NO_RELATIONS ? read.record : withRelations(read.record, own)
      const asked = { principal, action, resource, context, entities: view() }
      return answer(authorize(asked), facts[layer])
    } catch (error) {
      if (error instanceof CedarError) return refused(error)
      throw error
    }
  }
  const watched = new Map<Layer, CompiledPolicySet['authorize']>()
  /** Watched from its first question on: a version that is only tried is none of the oracle's business. */
  function live(layer: Layer): CompiledPolicySet['authorize'] | undefined {
    if (oracle === undefined) return undefined
    const known = watched.get(layer) ?? oracle.watch(layer, sets[layer])
    watched.set(layer, known)
    return known
  }
  return {
    ...words,
    put,
    drop: (uid) => {
      entities.remove(uid)
      told.delete(entityKey(uid))
    },
    evaluate: (layer, question) => {
      const { local } = question
      const view = () => (local === undefined ? entities : entities.snapshot(local))
      return evaluate(layer, question, view, live(layer))
    },
    reached: (uids) => reachedFrom(uids, told),
    within: (given) => {
      const view = witness(given)
      return {
        ...words,
        evaluate: (layer, question) => evaluate(layer, question, () => view),
        get missed() {
          return view.missed
        },
      }
    },
  }
}

/** Only what a policy speaks of is read: the rest costs nothing and can change no answer. */
function factReader(uses: (path: string) => boolean): (context: PolicyRecord) => CedarRecord {
  const known = new Map<string, boolean>()
  const provenance = uses('provenance.args')
  const isUsed = (name: string): boolean => {
    let answer = known.get(name)
    if (answer === undefined) {
      answer = uses(name)
      // Names are those of the engine's facts; the bound is for whoever asks with others.
      if (known.size < MAX_FACTS) known.set(name, answer)
    }
    return answer
  }
  return (context) => {
    const fields = new Map<string, Value>()
    for (const name of Object.keys(context)) {
      const value = context[name]
      if (value === undefined || !isUsed(name)) continue
      if (name === 'relations') fields.set(name, NO_FACTS)
      else
        fields.set(name, valueFrom(name === 'provenance' && !provenance ? withoutArguments(value) : value, 1))
    }
    return new CedarRecord(fields)
  }
}

const NO_FACTS = new CedarRecord(new Map())

const MAX_ACTIONS = 10_000

/** An action as Cedar names it, made once: the policies are looked up by it. */
function actionUids(): (action: EntityRef) => EntityRef {
  const known = new Map<string, EntityUid>()
  return (action) => {
    if (action.type !== 'Action') return action
    const found = known.get(action.id)
    if (found !== undefined) return found
    const uid = new EntityUid(action.type, action.id)
    if (known.size < MAX_ACTIONS) known.set(action.id, uid)
    return uid
  }
}

const MAX_FACTS = 256

function withoutArguments(value: PolicyRecord[string]): PolicyRecord[string] {
  if (typeof value !== 'object' || Array.isArray(value)) return value
  const { args: _args, ...rest } = value as PolicyRecord
  return rest
}

/** As one principal sees them: only its own facts, and none where it has none. */
function withRelations({ fields }: CedarRecord, relations: PolicyRecord): CedarRecord {
  return new CedarRecord(new Map([...fields, ['relations', parseContext(relations)]]))
}

function compileLayer(layer: Layer, policies: string, schema: PolicyRecord | null): CompiledPolicySet {
  if (policies.length > MAX_POLICY_TEXT) {
    throw new SafeconductError('policy_invalid', {
      message: `The ${layer} policies are longer than allowed.`,
    })
  }
  try {
    return compile(
      schema === null
        ? { policies, validate: 'none' }
        : { policies, schema, validate: 'strict', validateRequests: false },
    )
  } catch (error) {
    if (!(error instanceof CedarError)) throw error
    throw new SafeconductError('policy_invalid', {
      message: `The ${layer} policies are not valid: ${error.message}`,
      details: { layer, problems: error.problems.slice(0, 16).map((problem) => problem.message) },
      cause: error,
    })
  }
}

interface PolicyFacts {
  readonly effect: 'permit' | 'forbid'
  readonly obligations: readonly (Obligation | null)[]
}

function factsOf(set: CompiledPolicySet): ReadonlyMap<string, PolicyFacts> {
  return new Map(
    set.policies.map(({ id, effect, annotations }) => [
      id,
      {
        effect,
        obligations: Object.hasOwn(annotations, 'obligation')
          ? readObligations(id, annotations.obligation ?? '')
          : [],
      },
    ]),
  )
}

function answer(given: Authorization, facts: ReadonlyMap<string, PolicyFacts>): LayerAnswer {
  const obligations: (Obligation | null)[] = []
  for (const id of given.reasons) {
    obligations.push(...(facts.get(id)?.obligations ?? []))
  }
  // A policy nobody knows the effect of counts as a forbid.
  const effectOf = (id: string): 'permit' | 'forbid' => facts.get(id)?.effect ?? 'forbid'
  return {
    allowed: given.decision === 'allow',
    reasons: given.reasons.map((id) => ({ id, effect: effectOf(id) })),
    errors: given.errors.map(({ policyId, message }) => ({
      id: policyId,
      effect: effectOf(policyId),
      message,
    })),
    obligations,
  }
}

/** A question that Cedar would not evaluate at all. */
function refused(error: CedarError): LayerAnswer {
  return {
    allowed: false,
    reasons: [],
    errors: [{ id: 'request', effect: 'forbid', message: error.message }],
    obligations: [],
  }
}
