/**
 * Ledger entries: RFC 8785 JSON of digests, public words and pseudonyms, at most 65,535 bytes. Whatever could be
 * guessed is salted; the salt, and all that was evaluated, is in the sealed attachment, whose digest the entry holds.
 *
 * - `intent`: a decision, before the call goes out. `id` is the decision's.
 * - `outcome`: what came back. `id` is `<decision>:outcome`, `call` the decision's id.
 * - `control`: a change of the directory or of trust. `id` is the event's.
 * - `refusals`: refusals of one agent beyond its quota, counted.
 * @module
 */
import { hash } from 'node:crypto'
import {
  type CallRequest,
  type CallResult,
  canonicalize,
  type Decision,
  type ErrorCode,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  parseJson,
} from '@safeconduct/protocol'

export const ENTRY_VERSION = 1
export const MAX_ENTRY_BYTES = 65_535
/** A name that is longer belongs to no tool that was ever listed. */
const MAX_NAME = 256

/** Pseudonyms of everybody in the chain. */
export interface Chain {
  readonly agent: string
  readonly user: string | null
  readonly via: readonly string[]
}

const encoder = new TextEncoder()

export function intentEntry(
  request: CallRequest,
  decision: Decision,
  facts: { readonly chain: Chain; readonly salt: string; readonly attachmentDigest: string },
): Uint8Array {
  const { operation } = request
  return encode({
    v: ENTRY_VERSION,
    type: 'intent',
    id: decision.id,
    at: decision.at,
    tenant: decision.tenant,
    chain: { ...facts.chain },
    // The URI of a resource can name a person; names of tools and methods are the server's.
    action: {
      server: operation.server,
      method: operation.method,
      name: operation.kind === 'tool' ? (operation.name?.slice(0, MAX_NAME) ?? null) : null,
    },
    argsDigest: salted(facts.salt, request.operation.args),
    evidenceDigest: salted(facts.salt, decision.evidence as unknown as JsonValue),
    outcome: decision.outcome,
    code: decision.code,
    enforcement: decision.enforcement,
    trust: decision.trust,
    revisions: { ...decision.revisions },
    approval: decision.approval,
    attachmentDigest: facts.attachmentDigest,
  })
}

export function outcomeEntry(
  call: { readonly id: string; readonly tenant: string; readonly at: number; readonly chain: Chain },
  result: Pick<CallResult, 'status' | 'digest' | 'bytes'>,
  facts: { readonly salt: string; readonly attachmentDigest: string },
): Uint8Array {
  return encode({
    v: ENTRY_VERSION,
    type: 'outcome',
    id: outcomeId(call.id),
    call: call.id,
    at: call.at,
    tenant: call.tenant,
    chain: { ...call.chain },
    status: result.status,
    resultDigest: salted(facts.salt, result.digest),
    bytes: result.bytes,
    attachmentDigest: facts.attachmentDigest,
  })
}

export function outcomeId(call: string): string {
  return `${call}:outcome`
}

/** A change of what rules stands in the entry itself, so that a receipt of it says which policy, by whom. */
export interface PolicyFacts {
  readonly version: string
  readonly digest: string
  /** Pseudonym of a person; a word (`starter`, `local`) for anybody else. */
  readonly by: string
}

export function controlEntry(
  event: { readonly id: string; readonly tenant: string; readonly at: number; readonly kind: string },
  attachmentDigest: string,
  policy: PolicyFacts | null = null,
): Uint8Array {
  const more = policy === null ? {} : { policy: { ...policy } }
  return encode({ v: ENTRY_VERSION, type: 'control', ...event, ...more, attachmentDigest })
}

/** The policy that an entry says was put in force; null for any other entry. */
export function policyOf(bytes: Uint8Array): { readonly tenant: string; readonly version: string } | null {
  const read = readEntry(bytes)
  if (read?.type !== 'control') return null
  const value = parseJson(bytes)
  if (!isJsonObject(value) || value.kind !== 'policy.activated' || !isJsonObject(value.policy)) return null
  const { version } = value.policy
  return typeof version === 'string' ? { tenant: read.tenant, version } : null
}

export function refusalsEntry(flood: {
  readonly id: string
  readonly tenant: string
  readonly at: number
  readonly since: number
  readonly agent: string
  readonly counts: Readonly<Partial<Record<ErrorCode, number>>>
}): Uint8Array {
  return encode({ v: ENTRY_VERSION, type: 'refusals', ...flood })
}

/** What a replay reads of an entry; null for bytes that are none of ours. */
export interface ReadEntry {
  readonly type: 'intent' | 'outcome' | 'control' | 'refusals'
  readonly id: string
  readonly tenant: string
  readonly at: number
  readonly chain: Chain | null
  readonly attachmentDigest: string | null
}

const TYPES: ReadonlySet<unknown> = new Set(['intent', 'outcome', 'control', 'refusals'])

export function readEntry(bytes: Uint8Array): ReadEntry | null {
  let value: JsonValue
  try {
    value = parseJson(bytes)
  } catch {
    return null
  }
  if (!isJsonObject(value) || value.v !== ENTRY_VERSION || !TYPES.has(value.type)) return null
  const { type, id, tenant, at, chain, attachmentDigest } = value
  if (typeof id !== 'string' || typeof tenant !== 'string' || typeof at !== 'number') return null
  return {
    type: type as ReadEntry['type'],
    id,
    tenant,
    at,
    chain: isJsonObject(chain) ? (chain as unknown as Chain) : null,
    attachmentDigest: typeof attachmentDigest === 'string' ? attachmentDigest : null,
  }
}

/** `sha256:` over salt and canonical value; whoever is shown both can check it. */
export function salted(salt: string, value: JsonValue): string {
  return `sha256:${hash('sha256', `${salt}:${canonicalize(value)}`)}`
}

export function bytesDigest(bytes: Uint8Array): string {
  return `sha256:${hash('sha256', bytes)}`
}

function encode(entry: JsonObject): Uint8Array {
  return encoder.encode(canonicalize(entry))
}
