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

/** Text parts that are looked at for provenance; the rest of an answer larger than this is only digested. */
const MAX_TEXTS = 4_096

/**
 * The answer as it may leave (half surrogate pairs replaced, since they have no canonical form), and its record.
 * @throws {SafeconductError} `upstream_invalid` when it cannot be digested
 */
export function settleable(answer: RpcAnswer): { readonly answer: RpcAnswer; readonly record: CallResult } {
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

function recordOf(answer: RpcAnswer): CallResult {
  const released: JsonValue = answer.ok ? answer.result : { ...answer.error }
  const canonical = canonicalize(released)
  return {
    status: !answer.ok ? 'failed' : answer.result.isError === true ? 'tool_error' : 'ok',
    text: textsOf(released),
    structured: (answer.ok ? answer.result.structuredContent : answer.error.data) ?? null,
    digest: `sha256:${hash('sha256', canonical)}`,
    bytes: Buffer.byteLength(canonical),
    error: answer.ok ? null : `rpc ${answer.error.code}`,
  }
}

/** The record of a call that brought no answer. */
export function recordWithout(status: CallResult['status'], error: string): CallResult {
  return { status, text: [], structured: null, digest: `sha256:${hash('sha256', 'null')}`, bytes: 0, error }
}

/** `text` members in document order: tool content, resource contents, prompt messages, error messages. */
function textsOf(value: JsonValue): string[] {
  const found: string[] = []
  const visit = (node: JsonValue, key: string) => {
    if (found.length >= MAX_TEXTS || key === 'structuredContent' || key === '_meta') return
    if (typeof node === 'string' && (key === 'text' || key === 'message')) found.push(node)
    else if (isJsonArray(node)) for (const item of node) visit(item, '')
    else if (isJsonObject(node)) for (const [name, item] of Object.entries(node)) visit(item, name)
  }
  visit(value, '')
  return found
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
