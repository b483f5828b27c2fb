/**
 * What a client answers to a question of the server (`elicitation/create`, `roots/list`, …): decided like a message of its
 * session and recorded before it goes on, by digests of question and answer and by the call it belongs to.
 * @module
 */
import { hash } from 'node:crypto'
import type { Clock, Ids } from '@safeconduct/engine'
import { canonicalize, type JsonObject, type JsonValue, type Operation } from '@safeconduct/protocol'
import type { Deciding } from '../ports.ts'
import { passes } from './exchange.ts'
import type { RpcAnswer } from './message.ts'
import { recordWithout } from './result.ts'
import { callOf, type Turn } from './turn.ts'

/** What was asked, as it is kept until the answer comes. */
export interface Question {
  readonly method: string
  /** `sha256:` of its canonical parameters. */
  readonly digest: string
  /** Id of the call during which it was asked; null when it belongs to none. */
  readonly call: string | null
}

export interface Answers {
  /** Whether it may go on; it is in the ledger then. @throws {SafeconductError} what `prepare` throws */
  pass(
    turn: Pick<Turn, 'identity' | 'context' | 'server'>,
    question: Question,
    answer: RpcAnswer,
  ): Promise<boolean>
}

export function createAnswers(options: {
  readonly decider: Deciding
  readonly clock: Clock
  readonly ids: Ids
}): Answers {
  const { decider, clock, ids } = options
  return {
    async pass(turn, { method, digest, call }, answer) {
      const args: JsonObject = {
        question: digest,
        answer: digestOf(answer.ok ? answer.result : { ...answer.error }),
        ...(call === null ? {} : { call }),
      }
      const operation: Operation = { server: turn.server.name, method, kind: 'session', name: null, args }
      const asked = callOf(turn, operation, ids.next(), clock.now())
      // An answer is nothing that a person is asked about: nobody could bring it again once approved.
      const before = decider.dry(asked)
      if (before.outcome === 'approval' && !passes(before)) return false
      const { forward } = await decider.prepare(asked)
      if (forward) await decider.settle(asked.id, recordWithout('ok', 'passed on'))
      return forward
    },
  }
}

/** What has no canonical form (half a surrogate pair) is digested as it is written. */
export function digestOf(value: JsonValue): string {
  let text: string
  try {
    text = canonicalize(value)
  } catch {
    text = JSON.stringify(value)
  }
  return `sha256:${hash('sha256', text, 'hex')}`
}

export function questionOf(method: string, params: JsonObject | null, call: string | null): Question {
  return { method, digest: digestOf(params), call }
}
