/**
 * Relations that live in a server of the deployment's own, behind one port. Its answers are fetched before a turn; the
 * turn itself asks memory only.
 * @module
 */
import type { RelationFacts, RelationQuestion } from '@safeconduct/engine'
import type { RelationTuple } from '@safeconduct/protocol'

export type TupleName = Pick<RelationTuple, 'object' | 'relation' | 'user'>

export interface RelationDriver {
  /**
   * As of now, in the order of the questions. null where the server cannot decide (unknown type, condition, too deep).
   * @throws {SafeconductError} `upstream_unavailable`, `upstream_timeout`, `upstream_invalid`
   */
  check(questions: readonly RelationQuestion[]): Promise<readonly (boolean | null)[]>
  /** As many as the server gives; its own limits apply. @throws as `check` */
  listObjects(question: {
    readonly user: string
    readonly relation: string
    readonly type: string
  }): AsyncGenerator<string, void>
  /** All or nothing. @throws as `check`; `conflict` for what is there already, or is not; `invalid_params` */
  write(writes: readonly TupleName[], deletes: readonly TupleName[]): Promise<void>
}

/** Facts for one turn. A question that was not fetched, or could not be decided, throws: the fact is missing. */
export async function fetchFacts(
  driver: Pick<RelationDriver, 'check'>,
  questions: readonly RelationQuestion[],
  revision: string,
): Promise<RelationFacts> {
  const asked = [...new Map(questions.map((question) => [keyOf(question), question])).values()]
  const answers = asked.length === 0 ? [] : await driver.check(asked)
  const known = new Map(asked.map((question, at) => [keyOf(question), answers[at] ?? null]))
  return {
    revision,
    check(user, relation, object) {
      const answer = known.get(keyOf({ user, relation, object }))
      if (typeof answer === 'boolean') return answer
      throw new RangeError('this relation was not fetched, or cannot be decided')
    },
  }
}

const keyOf = ({ user, relation, object }: RelationQuestion): string =>
  JSON.stringify([user, relation, object])
