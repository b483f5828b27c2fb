/**
 * Requests of 2026-07-28 that come back: with answers to questions of the server, or from the page of an approval.
 * @module
 */
import { isJsonObject, type JsonObject, SafeconductError } from '@safeconduct/protocol'
import type { RpcRequest } from './message.ts'
import type { StateBinding, StateSeal } from './request-state.ts'
import { STATELESS } from './revisions.ts'
import type { Turn } from './turn.ts'

export type Resumed =
  | { readonly kind: 'none' }
  | { readonly kind: 'upstream'; readonly state: string }
  | { readonly kind: 'pending'; readonly id: string }
  | { readonly kind: 'approval'; readonly approval: string; readonly inner: Inner }

/** What the client had brought along when it was sent to the approval page instead. */
export interface Inner {
  readonly upstream?: string
  readonly pending?: string
  readonly responses?: JsonObject
}

/** Only what the client can hold is opened; a state is never asked for where none was given. */
export function readState(seal: StateSeal, turn: Turn, request: RpcRequest, binding: StateBinding): Resumed {
  const given = request.params?.requestState
  if (turn.revision !== STATELESS || given === undefined) return { kind: 'none' }
  const value = seal.open(binding, given)
  if (typeof value.upstream === 'string') return { kind: 'upstream', state: value.upstream }
  if (typeof value.pending === 'string') return { kind: 'pending', id: value.pending }
  if (typeof value.approval !== 'string') throw new SafeconductError('invalid_params')
  const inner = isJsonObject(value.inner) ? value.inner : {}
  return { kind: 'approval', approval: value.approval, inner: readInner(inner) }
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

export function innerOf(resumed: Resumed, responses: JsonObject): Inner {
  return {
    ...(resumed.kind === 'upstream' ? { upstream: resumed.state } : {}),
    ...(resumed.kind === 'pending' ? { pending: resumed.id } : {}),
    ...(Object.keys(responses).length === 0 ? {} : { responses }),
  }
}

function readInner(value: JsonObject): Inner {
  return {
    ...(typeof value.upstream === 'string' ? { upstream: value.upstream } : {}),
    ...(typeof value.pending === 'string' ? { pending: value.pending } : {}),
    ...(isJsonObject(value.responses) ? { responses: value.responses } : {}),
  }
}
