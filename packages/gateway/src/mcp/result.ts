/**
 * What is kept of a result, and the result as it is released: the same bytes that the digest is of.
 * @module
 */
import { hash } from 'node:crypto'
import {
  type CallResult,
  canonicalize,
  isJsonArray,
  isJsonObject,
  type JsonObject,
  type JsonValue,
} from '@safeconduct/protocol'
import { nonsense } from '../upstream/failure.ts'
import type { RpcAnswer } from './message.ts'

/** Text parts that are told apart for provenance; what comes after them is one part. */
const MAX_TEXTS = 4_096
/** Members of our own refusals; nobody behind us may speak in our name. */
const OURS = 'safeconduct/'

/**
 * The answer as it may leave (half surrogate pairs replaced, since they have no canonical form), and its record.
 * @throws {SafeconductError} `upstream_invalid` when it cannot be digested
 */
export function settleable(given: RpcAnswer): { readonly answer: RpcAnswer; readonly record: CallResult } {
  const answer: RpcAnswer = given.ok ? { ok: true, result: withoutOurs(given.result) } : notOurs(given)
  try {
    return { answer, record: recordOf(answer) }
  } catch {
    try {
      const clean: RpcAnswer = answer.ok
        ? { ok: true, result: wellFormedObject(answer.result) }
        : { ok: false, error: { ...answer.error, ...wellFormedError(answer.error) } }
      return { answer: clean, record: recordOf(clean) }
    } catch (cause) {
      throw nonsense(cause)
    }
  }
}

function withoutOurs(result: JsonObject): JsonObject {
  const { _meta: meta } = result
  if (!isJsonObject(meta) || !Object.keys(meta).some((key) => key.startsWith(OURS))) return result
  const kept = Object.entries(meta).filter(([key]) => !key.startsWith(OURS))
  return { ...result, _meta: Object.fromEntries(kept) }
}

/** Every refusal of ours names its decision; an error from behind us must not. */
function notOurs(given: RpcAnswer): RpcAnswer {
  if (given.ok || !isJsonObject(given.error.data) || given.error.data.decision === undefined) return given
  const { decision: _, approval: __, ...data } = given.error.data
  return { ok: false, error: { ...given.error, data } }
}

function recordOf(answer: RpcAnswer): CallResult {
  const released: JsonValue = answer.ok ? answer.result : { ...answer.error }
  const canonical = canonicalize(released)
  return {
    status: !answer.ok ? 'failed' : answer.result.isError === true ? 'tool_error' : 'ok',
    text: textsOf(answer.ok ? without(answer.result, 'structuredContent') : without(released, 'data')),
    structured: (answer.ok ? answer.result.structuredContent : answer.error.data) ?? null,
    digest: `sha256:${hash('sha256', canonical)}`,
    bytes: Buffer.byteLength(canonical),
    error: answer.ok ? null : `rpc ${answer.error.code}`,
  }
}

/** What is kept as structure beside the texts. */
function without(released: JsonValue, member: string): JsonValue {
  if (!isJsonObject(released)) return released
  return Object.fromEntries(Object.entries(released).filter(([name]) => name !== member))
}

/** The record of a call that brought no answer. */
export function recordWithout(status: CallResult['status'], error: string): CallResult {
  return { status, text: [], structured: null, digest: `sha256:${hash('sha256', 'null')}`, bytes: 0, error }
}

/** Members that say what something is, or hold bytes: no text that anybody reads. */
const NO_TEXT = new Set(['type', 'role', 'mimeType', 'annotations', 'resultType', 'requestState'])

/**
 * Every text that the agent may come to read, in document order: content, links with their names and descriptions,
 * resources, messages, also of an error. What stood in a member left out here would pass for the agent's own words.
 */
export function textsOf(value: JsonValue): string[] {
  const found: string[] = []
  const rest: string[] = []
  const add = (text: string) => (found.length < MAX_TEXTS ? found : rest).push(text)
  const visit = (node: JsonValue, key: string) => {
    if (NO_TEXT.has(key) || node === '') return
    if (typeof node === 'string') add(key === 'blob' ? readable(node) : node)
    else if (isJsonArray(node)) for (const item of node) visit(item, '')
    else if (isJsonObject(node)) {
      const bytes = node.type === 'image' || node.type === 'audio'
      for (const [name, item] of Object.entries(node)) if (!bytes || name !== 'data') visit(item, name)
    }
  }
  visit(value, '')
  return rest.length === 0 ? found : [...found, rest.join('\n')]
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** A resource sent as bytes that are text: a client shows it as such. Empty for other bytes. */
function readable(blob: string): string {
  try {
    return utf8.decode(Buffer.from(blob, 'base64'))
  } catch {
    return ''
  }
}

function wellFormed(value: JsonValue): JsonValue {
  if (typeof value === 'string') return value.toWellFormed()
  if (isJsonArray(value)) return value.map(wellFormed)
  return isJsonObject(value) ? wellFormedObject(value) : value
}

function wellFormedObject(value: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key.toWellFormed(), wellFormed(item)]),
  )
}

function wellFormedError(error: { readonly message: string; readonly data?: JsonValue }) {
  return {
    message: error.message.toWellFormed(),
    ...(error.data === undefined ? {} : { data: wellFormed(error.data) }),
  }
}
