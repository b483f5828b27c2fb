/**
 * The envelope of a stateless request (2026-07-28): what its headers and its `_meta` must say, and that they agree.
 * @module
 */
import type { IncomingHttpHeaders } from 'node:http'
import { isJsonObject, type JsonObject } from '@safeconduct/protocol'
import { decodeHeaderValue } from '../http/header-values.ts'
import { fail, metaOf, type RpcAnswer, type RpcMessage, type RpcRequest } from './message.ts'
import { META, RPC, STATELESS } from './revisions.ts'

export interface Refused {
  readonly status: 400 | 404
  readonly answer: RpcAnswer
}

/** A message belongs to the stateless revision when its body claims an envelope, or its header names the revision. */
export function isStateless(message: RpcMessage, headers: IncomingHttpHeaders): boolean {
  if (headers['mcp-protocol-version'] === STATELESS) return true
  return message.kind !== 'response' && typeof metaOf(message.params)[META.version] === 'string'
}

/** Members whose value `Mcp-Name` repeats. */
const NAMED: Readonly<Record<string, string>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
}

/** The first thing that is wrong, in the protocol's order; null when the envelope is in order. */
export function checkEnvelope(request: RpcRequest, headers: IncomingHttpHeaders): Refused | null {
  const meta = metaOf(request.params)
  const claimed = meta[META.version]
  const header = headers['mcp-protocol-version']
  if (typeof claimed === 'string' && claimed !== header) return mismatch('MCP-Protocol-Version')
  if (headers['mcp-method'] !== request.method) return mismatch('Mcp-Method')
  if (typeof claimed === 'string' && claimed !== STATELESS) {
    const data = { supported: [STATELESS], requested: claimed.slice(0, 64) }
    return {
      status: 400,
      answer: fail(RPC.unsupportedVersion, 'The protocol version is not supported.', data),
    }
  }
  if (typeof claimed !== 'string' || !isJsonObject(meta[META.capabilities])) {
    return {
      status: 400,
      answer: fail(-32602, 'The request must carry its protocol version and client capabilities in _meta.'),
    }
  }
  const member = Object.hasOwn(NAMED, request.method) ? NAMED[request.method] : undefined
  return member === undefined ? null : checkName(headers, request.params?.[member])
}

function checkName(headers: IncomingHttpHeaders, want: JsonObject[string] | undefined): Refused | null {
  const raw = headers['mcp-name']
  const given = typeof raw === 'string' ? decodeHeaderValue(raw) : null
  return given === null || given !== want ? mismatch('Mcp-Name') : null
}

/** Names the header, echoes neither side. */
export function mismatch(header: string): Refused {
  return {
    status: 400,
    answer: fail(RPC.headerMismatch, `The header ${header} and the body disagree.`, { header }),
  }
}

export function clientCapabilities(request: RpcRequest): JsonObject {
  const declared = metaOf(request.params)[META.capabilities]
  return isJsonObject(declared) ? declared : {}
}

/** Name of what is asked, for `Mcp-Name` upstream. */
export function headerName(method: string, params: JsonObject | null): string | null {
  const member = Object.hasOwn(NAMED, method) ? NAMED[method] : undefined
  const value = member === undefined ? undefined : params?.[member]
  return typeof value === 'string' ? value : null
}
