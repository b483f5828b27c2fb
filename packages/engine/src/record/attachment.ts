/**
 * What is kept of a decision beside its leaf: the evaluated request, decision and events, sealed under the key of the
 * user, or of the agent when it acts for nobody. Bounded: above the bound the arguments are replaced by their size
 * (their digest stays in the entry), so what is needed for a replay of the state always fits.
 * @module
 */
import type { CallRequest, CallResult, Decision, JsonObject } from '@safeconduct/protocol'
import type { EngineEvent } from '../events.ts'
import type { KeptQuestion } from '../policy/try/question.ts'

/** Bytes of one attachment before it is sealed. */
export const MAX_ATTACHMENT_BYTES = 512 * 1024
/** Bytes of arguments kept; larger ones are left out. */
export const MAX_KEPT_ARGS = 128 * 1024

/** Characters of a tool's name or a resource's URI kept. */
export const MAX_KEPT_NAME = 4096

export type Attachment =
  | {
      readonly type: 'intent'
      readonly seq: number
      readonly salt: string
      readonly request: KeptRequest
      readonly decision: Decision
      readonly events: readonly EngineEvent[]
      /** null = refused before policy had a say; absent in records from before questions were kept. */
      readonly question?: KeptQuestion | null
    }
  | {
      readonly type: 'outcome'
      readonly seq: number
      readonly salt: string
      readonly result: Omit<CallResult, 'text' | 'structured'>
      readonly events: readonly EngineEvent[]
    }
  | {
      readonly type: 'control'
      readonly seq: number
      readonly event: JsonObject
      readonly events: readonly EngineEvent[]
    }

export type KeptRequest = Omit<CallRequest, 'grant'> & {
  readonly agent: string
  readonly user: string | null
  readonly task: string
  readonly via: readonly string[]
  readonly grantId: string
  /** Bytes of the arguments when they were too large to keep. */
  readonly argsOmitted: number | null
}

export function keptRequest(request: CallRequest): KeptRequest {
  const { grant, operation, ...rest } = request
  const bytes = Buffer.byteLength(JSON.stringify(operation.args))
  const large = bytes > MAX_KEPT_ARGS
  return {
    ...rest,
    operation: {
      ...operation,
      name: operation.name?.slice(0, MAX_KEPT_NAME) ?? null,
      args: large ? {} : operation.args,
    },
    agent: grant.agent,
    user: grant.user,
    task: grant.task,
    via: grant.via,
    grantId: grant.id,
    argsOmitted: large ? bytes : null,
  }
}

/** An approval in an event repeats the arguments; the store holds the record, so the event needs none. */
export function slim(events: readonly EngineEvent[]): EngineEvent[] {
  return events.filter((event) => event.type !== 'approval-opened' && event.type !== 'approval-used')
}

export function encodeAttachment(attachment: Attachment): Uint8Array {
  return Buffer.from(JSON.stringify(attachment))
}

/** Reads what this module wrote and a keyring opened. null for anything else. */
export function decodeAttachment(bytes: Uint8Array): Attachment | null {
  // Authentic by its seal: only this code at this version writes under the subject's key, so the shape is ours.
  const value = parseSealed(bytes) as Partial<Attachment> | null
  if (typeof value?.seq !== 'number' || !Array.isArray(value.events)) return null
  return value as Attachment
}

/** JSON that was sealed by us. Plain objects, unlike those of `parseJson`: what is replayed equals what was applied. */
export function parseSealed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    return null
  }
}
