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
  Obtainable,
  PolicyEngine,
  PolicyEntity,
  PolicyQuestion,
  PolicyRecord,
  PolicySource,
  SchemaFor,
} from './engine.ts'
import { factReader } from './fact-reader.ts'
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
  const readFacts = factReader([...speech.agent.chains, ...speech.user.chains])
  const actions = actionUids()
  // Both layers and every actor are asked with one context: it is read once, and what is assumed is put beside it.
  const [proofs, approvals] = [words.uses('freshProof'), words.uses('approved')]
  let read: { context: PolicyRecord; obtained: Obtainable | undefined; record: CedarRecord } | null = null
  function factsFor({ context, obtained }: PolicyQuestion): CedarRecord {
    if (read?.context === context && read.obtained === obtained) return read.record
    const again = read?.context === context && read.obtained !== undefined && obtained !== undefined
    const fields = again && read !== null ? new Map(read.record.fields) : readFacts(context)
    if (obtained !== undefined) {
      if (proofs) fields.set('freshProof', obtained.freshProof)
      if (approvals) fields.set('approved', obtained.approved)
    }
    read = { context, obtained, record: new CedarRecord(fields) }
    return read.record
  }
  function evaluate(
    layer: Layer,
    question: PolicyQuestion,
    view: () => EntityView,
    authorize: CompiledPolicySet['authorize'] = sets[layer].authorize,
  ): LayerAnswer {
    try {
      const shared = factsFor(question)
      const { principal, resource, relations: own } = question
      const action = actions(question.action)
      const context = own === undefined || own === NO_RELATIONS ? shared : withRelations(shared, own)
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
