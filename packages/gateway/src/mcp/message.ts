/**
 * JSON-RPC 2.0 messages as MCP narrows them: parsed once, then plain data. Batches are refused, members that the
 * protocol does not know are dropped, since what leaves is always written anew.
 * @module
 */
import {
  isJsonArray,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  SafeconductError,
} from '@safeconduct/protocol'

export type RpcId = string | number

export interface RpcRequest {
  readonly kind: 'request'
  readonly id: RpcId
  readonly method: string
  readonly params: JsonObject | null
}
export interface RpcNotification {
  readonly kind: 'notification'
  readonly method: string
  readonly params: JsonObject | null
}
export interface RpcError {
  readonly code: number
  readonly message: string
  readonly data?: JsonValue
}
export type RpcAnswer =
  | { readonly ok: true; readonly result: JsonObject }
  | { readonly ok: false; readonly error: RpcError }
export interface RpcResponse {
  readonly kind: 'response'
  /** null when the other side could not tell which request it answers. */
  readonly id: RpcId | null
  readonly answer: RpcAnswer
}
export type RpcMessage = RpcRequest | RpcNotification | RpcResponse

const MAX_METHOD = 128
const MAX_ID = 256

/** @throws {SafeconductError} `invalid_request` */
export function parseMessage(value: JsonValue): RpcMessage {
  if (isJsonArray(value)) throw invalid('Batches are not part of this protocol.')
  if (!isJsonObject(value)) throw invalid('A message is a JSON object.')
  if (value.jsonrpc !== '2.0') throw invalid('`jsonrpc` must be "2.0".')
  const hasId = value.id !== undefined
  if ('method' in value) {
    const method = parseMethod(value.method)
    const params = parseParams(value.params)
    return hasId
      ? { kind: 'request', id: parseId(value.id), method, params }
      : { kind: 'notification', method, params }
  }
  return parseResponse(value)
}

function parseResponse(value: JsonObject): RpcResponse {
  const id = value.id === null || value.id === undefined ? null : parseId(value.id)
  if (value.error === undefined) {
    if (!isJsonObject(value.result)) throw invalid('A response has an object as `result`, or an `error`.')
    if (id === null) throw invalid('A result names the request it answers.')
    return { kind: 'response', id, answer: { ok: true, result: value.result } }
  }
  if (value.result !== undefined || !isJsonObject(value.error)) throw invalid('The `error` is malformed.')
  const { code, message, data } = value.error
  if (typeof code !== 'number' || !Number.isSafeInteger(code) || typeof message !== 'string') {
    throw invalid('The `error` is malformed.')
  }
  return {
    kind: 'response',
    id,
    answer: { ok: false, error: { code, message, ...(data === undefined ? {} : { data }) } },
  }
}

function parseMethod(value: JsonValue | undefined): string {
  if (typeof value === 'string' && value.length > 0 && value.length <= MAX_METHOD) return value
  throw invalid('`method` must be a short string.')
}

function parseId(value: JsonValue | undefined): RpcId {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value
  if (typeof value === 'string' && value.length <= MAX_ID) return value
  throw invalid('`id` must be a string or an integer.')
}

function parseParams(value: JsonValue | undefined): JsonObject | null {
  if (value === undefined) return null
  if (isJsonObject(value)) return value
  throw invalid('`params` must be an object.')
}

function invalid(message: string): SafeconductError {
  return new SafeconductError('invalid_request', { message })
}

/** The message as compact JSON on one line, ready for a body, an SSE `data:` line or a stdio line. */
export function writeMessage(message: RpcMessage): string {
  return JSON.stringify(toJson(message))
}

function toJson(message: RpcMessage): object {
  if (message.kind === 'response') {
    const id = message.id === null ? {} : { id: message.id }
    const { answer } = message
    return answer.ok
      ? { jsonrpc: '2.0', ...id, result: answer.result }
      : { jsonrpc: '2.0', ...id, error: answer.error }
  }
  const id = message.kind === 'request' ? { id: message.id } : {}
  const params = message.params === null ? {} : { params: message.params }
  return { jsonrpc: '2.0', ...id, method: message.method, ...params }
}

/** `id` is left out when unknown: null is not an id in the newer revisions. */
export function response(id: RpcId | null, answer: RpcAnswer): RpcResponse {
  return { kind: 'response', id, answer }
}

export function notification(method: string, params: JsonObject | null): RpcNotification {
  return { kind: 'notification', method, params }
}

export function fail(code: number, message: string, data?: JsonValue): RpcAnswer {
  return { ok: false, error: { code, message, ...(data === undefined ? {} : { data }) } }
}

/** The public face of an error as a JSON-RPC error; the code word is in `data.code`. */
export function failWith(error: SafeconductError, more: JsonObject = {}): RpcAnswer {
  return fail(error.rpc, error.message, { code: error.code, ...error.details, ...more })
}

/** `_meta` of the parameters, or an empty object. */
export function metaOf(params: JsonObject | null): JsonObject {
  const meta = params?._meta
  return isJsonObject(meta) ? meta : {}
}
