/**
 * One question to a policy store. Pure: the same store and question give the same answer.
 *
 * What must hold: what the policies cannot be asked is denied; so is everything while a `forbid` errs (the language
 * would skip it).
 * @module
 */
import {
  type Authorization,
  CedarError,
  type EntityInput,
  type EntityView,
  parseContext,
} from '@safeconduct/cedar'
import type { CompiledStore, StoreAction } from './compile.ts'
import { fitFields } from './fit.ts'
import type { StoreAnswer, StoreEntity, StoreObligation, StoreQuestion } from './question.ts'

const NOTHING = {}
const NO_OBLIGATIONS: readonly StoreObligation[] = []

/** `approved`: a person approved this very question; it is `context.approved` for policies that declare it. */
export function askStore(store: CompiledStore, question: StoreQuestion, approved = false): StoreAnswer {
  const action = store.actions.get(question.action.name)
  if (action === undefined) return unfit('The schema of the store has no such action.')
  try {
    const view = viewOf(store, question)
    return answerOf(store, authorize(store, question, action, view, approved))
  } catch (error) {
    if (error instanceof CedarError) return unfit(error.message)
    throw error
  }
}

/**
 * The same question about many candidates, of which nothing is said but their ids: what is said besides is read once,
 * however large it is.
 */
export function askEach(
  store: CompiledStore,
  { action: given, context, ...told }: Omit<StoreQuestion, 'subject' | 'resource'> & Partial<StoreQuestion>,
): (subject: StoreEntity, resource: StoreEntity) => StoreAnswer {
  const action = store.actions.get(given.name)
  if (action === undefined) return () => unfit('The schema of the store has no such action.')
  try {
    const entities = viewOf(store, told)
    const fields = contextOf({ action: given, context }, action, false)
    const read = parseContext(fields, store.set.schema, action.ref)
    return (subject, resource) => {
      try {
        const request = { principal: subject, action: action.ref, resource, context: read, entities }
        return answerOf(store, store.set.authorize(request))
      } catch (error) {
        if (error instanceof CedarError) return unfit(error.message)
        throw error
      }
    }
  } catch (error) {
    if (!(error instanceof CedarError)) throw error
    const answer = unfit(error.message)
    return () => answer
  }
}

function authorize(
  store: CompiledStore,
  { subject, resource, ...rest }: StoreQuestion,
  action: StoreAction,
  entities: EntityView,
  approved: boolean,
): Authorization {
  const context = contextOf(rest, action, approved)
  return store.set.authorize({ principal: subject, action: action.ref, resource, context, entities })
}

/** What policies see as `context`. @internal shared with `search.ts` */
export function contextOf(
  { action: given, context }: Pick<StoreQuestion, 'action' | 'context'>,
  action: StoreAction,
  approved: boolean,
): object {
  if (action.context.size === 0) return NOTHING
  const fields = fitFields({ ...context, action: given.properties ?? {} }, action.context)
  // Nobody approves their own question.
  if (action.approvable) fields.approved = approved
  return fields
}

/** The store's entities, with what the question says of its two laid over. @throws {CedarError} */
export function viewOf(store: CompiledStore, { subject, resource }: Partial<StoreQuestion>): EntityView {
  const local: EntityInput[] = []
  for (const entity of [subject, resource]) {
    if (entity?.properties !== undefined) local.push(overlay(store, entity))
  }
  return local.length === 0 ? store.entities : store.entities.snapshot(local)
}

function overlay(store: CompiledStore, { type, id, properties = {} }: StoreEntity): EntityInput {
  const uid = { type, id }
  const declared = store.attributes.get(type)
  const told = declared === undefined ? {} : fitFields(properties, declared)
  const known = store.entities.get(uid)
  if (known === undefined) return { uid, attrs: told }
  const attrs = { ...Object.fromEntries(known.attributes), ...told }
  return { uid, attrs, parents: known.parents, tags: Object.fromEntries(known.tags) }
}

function answerOf(store: CompiledStore, given: Authorization): StoreAnswer {
  const errors = given.errors.map(({ policyId, message }) => ({ id: policyId, message }))
  const held = errors.some(({ id }) => store.effects.get(id) !== 'permit')
  const allowed = given.decision === 'allow' && !held
  const policies = held && given.decision === 'allow' ? [] : given.reasons
  return { allowed, policies, errors, obligations: obligationsOf(store, policies), unfit: null }
}

function obligationsOf(store: CompiledStore, policies: readonly string[]): readonly StoreObligation[] {
  if (store.obligations.size === 0) return NO_OBLIGATIONS
  return policies.flatMap((id) => store.obligations.get(id) ?? [])
}

function unfit(why: string): StoreAnswer {
  return { allowed: false, policies: [], errors: [], obligations: NO_OBLIGATIONS, unfit: why }
}
