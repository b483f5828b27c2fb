/**
 * Requests of 2026-07-28 that come back: with answers to questions of the server, or from the page of an approval.
 * @module
 */
import { isJsonObject, type JsonObject, type JsonValue, SafeconductError } from '@safeconduct/protocol'
import { type Question, questionOf } from './answers.ts'
import type { RpcRequest } from './message.ts'
import type { StateBinding, StateSeal } from './request-state.ts'
import { STATELESS } from './revisions.ts'
import type { Turn } from './turn.ts'

export type Resumed =
  | { readonly kind: 'none' }
  | { readonly kind: 'upstream'; readonly state: string | null; readonly asked: Asked }
  | { readonly kind: 'pending'; readonly id: string; readonly asked: Asked }
  | { readonly kind: 'approval'; readonly approval: string; readonly inner: Inner }

/** Questions of the server that went to the client, by their keys: method and digest. */
export type Asked = Readonly<Record<string, Question>>

/** What the client had brought along when it was sent to the approval page instead. */
export interface Inner {
  readonly upstream?: string
  readonly pending?: string
  readonly responses?: JsonObject
  readonly asked?: Asked
}

/** Questions that a server may ask with one answer, and answers that a client may bring: each is a decision. */
export const MAX_ANSWERS = 16

/** @throws {SafeconductError} `invalid_params` before anything is decided */
export function requireFewAnswers(request: RpcRequest): void {
  if (Object.keys(readResponses(request)).length <= MAX_ANSWERS) return
  throw new SafeconductError('invalid_params', {
    message: `inputResponses has at most ${MAX_ANSWERS} members.`,
  })
}

/** Only what the client can hold is opened; a state is never asked for where none was given. */
export function readState(seal: StateSeal, turn: Turn, request: RpcRequest, binding: StateBinding): Resumed {
  const given = request.params?.requestState
  if (turn.revision !== STATELESS || given === undefined) return { kind: 'none' }
  const value = seal.open(binding, given)
  if (typeof value.approval === 'string') {
    const inner = isJsonObject(value.inner) ? value.inner : {}
    return { kind: 'approval', approval: value.approval, inner: readInner(inner) }
  }
  const asked = readAsked(value.asked)
  if (typeof value.pending === 'string') return { kind: 'pending', id: value.pending, asked }
  return { kind: 'upstream', state: typeof value.upstream === 'string' ? value.upstream : null, asked }
}

/** What a request goes on with, for the client to bring back. */
export function sealable(
  to: { readonly upstream: string | null } | { readonly pending: string },
  asked: Asked,
): JsonObject {
  return { ...to, asked: written(asked) }
}

/** What is answered, by key; where nothing tells what was asked, the keys alone say it. */
export function questionsOf(resumed: Resumed, responses: JsonObject): Asked {
  if (resumed.kind === 'upstream' || resumed.kind === 'pending') return resumed.asked
  if (resumed.kind === 'approval') return {}
  return Object.fromEntries(
    Object.keys(responses).map((key) => [key, questionOf('inputResponses', { key }, null)]),
  )
}

export function sealableInner({ asked, ...rest }: Inner): JsonObject {
  return { ...rest, ...(asked === undefined ? {} : { asked: written(asked) }) }
}

const written = (asked: Asked): JsonObject =>
  Object.fromEntries(Object.entries(asked).map(([key, { method, digest }]) => [key, { method, digest }]))

/**
 * The request with answers only to what was asked and passed on; others go nowhere, and a server that misses one asks
 * again. What came with the request that went to a person was looked at then.
 * @param keepsNothing the server is stateless: what comes without a state of its question is for it to judge
 */
export function onlyAsked(request: RpcRequest, resumed: Resumed, keepsNothing: boolean): RpcRequest {
  if (resumed.kind === 'approval' || request.params?.inputResponses === undefined) return request
  if (resumed.kind === 'none' && keepsNothing) return request
  const asked = resumed.kind === 'none' ? {} : resumed.asked
  const { inputResponses: _, ...rest } = request.params
  const kept = Object.entries(readResponses(request)).filter(([key]) => Object.hasOwn(asked, key))
  if (kept.length === 0) return { ...request, params: rest }
  return { ...request, params: { ...rest, inputResponses: Object.fromEntries(kept) } }
}

function readAsked(value: JsonValue | undefined): Asked {
  if (!isJsonObject(value)) return {}
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, one]) =>
      isJsonObject(one) && typeof one.method === 'string' && typeof one.digest === 'string'
        ? [[key, { method: one.method, digest: one.digest, call: null }]]
        : [],
    ),
  )
}

export function readResponses(request: RpcRequest): JsonObject {
  const given = request.params?.inputResponses
  return isJsonObject(given) ? given : {}
}

export function withoutRetry(params: JsonObject | null): JsonObject {
  const { inputResponses: _, requestState: __, ...rest } = params ?? {}
  return rest
}

/** A person who declined, or a client without one, is not asked again by the same means. */
export function accepted(response: JsonObject[string] | undefined): boolean {
  return isJsonObject(response) && response.action === 'accept'
}

/** Always with what is answered: after the approval nobody could tell any more. */
export function innerOf(resumed: Resumed, responses: JsonObject): Inner {
  const asked = questionsOf(resumed, responses)
  return {
    ...(resumed.kind === 'upstream' && resumed.state !== null ? { upstream: resumed.state } : {}),
    ...(resumed.kind === 'pending' ? { pending: resumed.id } : {}),
    ...(Object.keys(asked).length === 0 ? {} : { asked }),
    ...(Object.keys(responses).length === 0 ? {} : { responses }),
  }
}

function readInner(value: JsonObject): Inner {
  return {
    ...(typeof value.upstream === 'string' ? { upstream: value.upstream } : {}),
    ...(typeof value.pending === 'string' ? { pending: value.pending } : {}),
    ...(isJsonObject(value.responses) ? { responses: value.responses } : {}),
    ...(isJsonObject(value.asked) ? { asked: readAsked(value.asked) } : {}),
  }
}
