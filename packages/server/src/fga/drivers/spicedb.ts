/**
 * A server of SpiceDB, by its HTTP interface (`--http-enabled`), so that no gRPC library is needed. `user:ann` is an
 * object `ann` of the definition `user`; permissions and relations are both asked by name. Answers are fully consistent.
 * @module
 */
import { type JsonObject, SafeconductError } from '@safeconduct/protocol'
import type { RelationDriver, TupleName } from './driver.ts'
import { exchange, inParts, member, type Remote } from './http.ts'

const BATCH = 100
const WRITE = 1000
const CONSISTENCY = { fullyConsistent: true }

export function createSpiceDbDriver(options: Remote): RelationDriver {
  return {
    async check(questions) {
      const answers: (boolean | null)[] = []
      for (const part of inParts(questions, BATCH)) {
        const items = part.map((question) => ({
          resource: objectOf(question.object),
          permission: question.relation,
          subject: subjectOf(question.user),
        }))
        const { status, values } = await exchange(options, '/v1/permissions/checkbulk', {
          consistency: CONSISTENCY,
          items,
        })
        const { pairs } = values[0] ?? {}
        // Pairs come in the order of the items; another number of them answers nothing.
        const good = status === 200 && Array.isArray(pairs) && pairs.length === part.length
        for (let at = 0; at < part.length; at++) answers.push(good ? answerOf(pairs[at] as JsonObject) : null)
      }
      return answers
    },
    async *listObjects({ user, relation, type }) {
      const { status, values } = await exchange(options, '/v1/permissions/resources', {
        consistency: CONSISTENCY,
        resourceObjectType: type,
        permission: relation,
        subject: subjectOf(user),
      })
      if (status !== 200) throw refused(values[0]?.message)
      for (const value of values) {
        const { resourceObjectId: id, permissionship } = member(value, 'result')
        if (typeof id !== 'string') throw refused(member(value, 'error').message)
        // Conditional results hang on a context that nobody gave.
        if (permissionship === 'LOOKUP_PERMISSIONSHIP_HAS_PERMISSION') yield `${type}:${id}`
      }
    },
    async write(writes, deletes) {
      if (writes.length + deletes.length > WRITE)
        throw new SafeconductError('invalid_params', { message: `A write has at most ${WRITE} relations.` })
      const update = (operation: string) => (tuple: TupleName) => ({
        operation,
        relationship: {
          resource: objectOf(tuple.object),
          relation: tuple.relation,
          subject: subjectOf(tuple.user),
        },
      })
      const must = (tuple: TupleName) => ({
        operation: 'OPERATION_MUST_MATCH',
        filter: filterOf(tuple),
      })
      const { status, values } = await exchange(options, '/v1/relationships/write', {
        updates: [...deletes.map(update('OPERATION_DELETE')), ...writes.map(update('OPERATION_CREATE'))],
        optionalPreconditions: deletes.map(must),
      })
      if (status === 200) return
      // gRPC: 6 already exists, 9 failed precondition.
      if (values[0]?.code === 6 || values[0]?.code === 9) throw new SafeconductError('conflict')
      throw refused(values[0]?.message)
    },
  }
}

function answerOf(pair: JsonObject): boolean | null {
  switch (member(pair, 'item').permissionship) {
    case 'PERMISSIONSHIP_HAS_PERMISSION':
      return true
    case 'PERMISSIONSHIP_NO_PERMISSION':
      return false
    default:
      return null
  }
}

/** @throws {SafeconductError} `invalid_params` */
function objectOf(text: string): JsonObject {
  const colon = text.indexOf(':')
  if (colon < 1 || colon === text.length - 1 || text.includes('#'))
    throw new SafeconductError('invalid_params', { message: 'An object must be written type:id.' })
  return { objectType: text.slice(0, colon), objectId: text.slice(colon + 1) }
}

function subjectOf(text: string): JsonObject {
  const hash = text.indexOf('#')
  if (hash < 0) return { object: objectOf(text) }
  return { object: objectOf(text.slice(0, hash)), optionalRelation: text.slice(hash + 1) }
}

function filterOf({ object, relation, user }: TupleName): JsonObject {
  const resource = objectOf(object)
  const subject = subjectOf(user)
  const named = member(subject, 'object')
  return {
    resourceType: resource.objectType ?? '',
    optionalResourceId: resource.objectId ?? '',
    optionalRelation: relation,
    optionalSubjectFilter: {
      subjectType: named.objectType ?? '',
      optionalSubjectId: named.objectId ?? '',
      optionalRelation: { relation: subject.optionalRelation ?? '' },
    },
  }
}

function refused(message: unknown): SafeconductError {
  return new SafeconductError('invalid_params', {
    message: 'The relations server refused the question.',
    cause: new Error(String(message)),
  })
}
