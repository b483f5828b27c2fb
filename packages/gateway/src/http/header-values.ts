/**
 * Header values of 2026-07-28 that repeat parts of the body (SEP-2243), and the few headers that travel through.
 * @module
 */
import type { IncomingHttpHeaders } from 'node:http'
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '@safeconduct/protocol'

const PREFIX = '=?base64?'
const SUFFIX = '?='
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
const PLAIN = /^[\x21-\x7E](?:[\x20-\x7E]*[\x21-\x7E])?$/
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const decoder = new TextDecoder('utf-8', { fatal: true })

/** Printable ASCII goes as it is, everything else (and what looks wrapped) is wrapped. */
export function encodeHeaderValue(value: string): string {
  const plain = PLAIN.test(value) && !(value.startsWith(PREFIX) && value.endsWith(SUFFIX))
  return plain ? value : `${PREFIX}${Buffer.from(value, 'utf8').toString('base64')}${SUFFIX}`
}

/** null when it is wrapped and what is inside is not canonical Base64 of UTF-8. */
export function decodeHeaderValue(raw: string): string | null {
  const value = raw.replace(/^[ \t]+|[ \t]+$/g, '')
  if (
    !(value.startsWith(PREFIX) && value.endsWith(SUFFIX) && value.length >= PREFIX.length + SUFFIX.length)
  ) {
    return value
  }
  const inside = value.slice(PREFIX.length, -SUFFIX.length)
  if (!BASE64.test(inside)) return null
  try {
    return decoder.decode(Buffer.from(inside, 'base64'))
  } catch {
    return null
  }
}

/** An argument that the tool's schema wants repeated in `Mcp-Param-<name>`. */
export interface HeaderParam {
  readonly name: string
  readonly path: readonly string[]
  readonly numeric: boolean
}

const MAX_SCHEMA_NODES = 10_000

/**
 * `x-mcp-header` declarations of an input schema: on string, integer or boolean properties that are reached through
 * `properties` only. null when the schema declares something invalid; such a tool has no parameter headers.
 */
export function headerParams(schema: JsonValue | undefined): readonly HeaderParam[] | null {
  const found: HeaderParam[] = []
  const names = new Set<string>()
  const queue: { node: JsonValue; path: readonly string[] }[] = [{ node: schema ?? null, path: [] }]
  let seen = 0
  for (let item = queue.pop(); item !== undefined; item = queue.pop()) {
    if (++seen > MAX_SCHEMA_NODES) return null
    const { node, path } = item
    if (!isJsonObject(node)) continue
    if ('x-mcp-header' in node) {
      const name = node['x-mcp-header']
      const { type } = node
      if (path.length === 0 || typeof name !== 'string' || !TOKEN.test(name) || name.length > 128) return null
      if (type !== 'string' && type !== 'integer' && type !== 'boolean') return null
      if (names.has(name.toLowerCase())) return null
      names.add(name.toLowerCase())
      found.push({ name, path, numeric: type === 'integer' })
    }
    const { properties } = node
    if (isJsonObject(properties)) {
      for (const [key, child] of Object.entries(properties)) queue.push({ node: child, path: [...path, key] })
    }
    for (const [key, child] of Object.entries(node)) {
      if (key !== 'properties' && mentionsHeader(child, 0)) return null
    }
  }
  return found
}

/** A declaration anywhere else than under `properties` cannot be honoured, and spoils the tool. */
function mentionsHeader(value: JsonValue, depth: number): boolean {
  if (depth > 80) return true
  if (isJsonArray(value)) return value.some((item) => mentionsHeader(item, depth + 1))
  if (!isJsonObject(value)) return false
  if (typeof value['x-mcp-header'] === 'string') return true
  return Object.values(value).some((item) => mentionsHeader(item, depth + 1))
}

function valueAt(args: JsonObject, path: readonly string[]): JsonValue | undefined {
  let node: JsonValue | undefined = args
  for (const key of path) node = isJsonObject(node) && Object.hasOwn(node, key) ? node[key] : undefined
  return node
}

function printed(value: JsonValue | undefined): string | null {
  if (typeof value === 'string') return value
  if (typeof value === 'boolean') return String(value)
  if (typeof value === 'number' && (!Number.isInteger(value) || Number.isSafeInteger(value)))
    return String(value)
  return null
}

/** The name of the first header that is missing or says something else than the arguments; null when all agree. */
export function disagreeingParam(
  params: readonly HeaderParam[],
  args: JsonObject,
  headers: IncomingHttpHeaders,
): string | null {
  for (const param of params) {
    const value = valueAt(args, param.path)
    const want = printed(value)
    if (want === null) continue
    const raw = headers[`mcp-param-${param.name.toLowerCase()}`]
    const given = typeof raw === 'string' ? decodeHeaderValue(raw) : null
    if (given === null) return param.name
    const equalNumber =
      param.numeric && typeof value === 'number' && /^-?\d+(\.\d+)?$/.test(given) && Number(given) === value
    if (given !== want && !equalNumber) return param.name
  }
  return null
}

/** The same headers, written anew from the decided arguments. */
export function paramHeaders(params: readonly HeaderParam[], args: JsonObject): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const param of params) {
    const value = printed(valueAt(args, param.path))
    if (value !== null) headers[`mcp-param-${param.name.toLowerCase()}`] = encodeHeaderValue(value)
  }
  return headers
}

/**
 * The only headers of a client that reach an upstream (W3C Trace Context), and only when they have the right form.
 * `Authorization`, `Cookie`, `Origin`, `Host`, `DPoP` and hop-by-hop headers can therefore never pass. None of an
 * upstream's headers reaches a client.
 */
const THROUGH: Readonly<Record<string, RegExp>> = {
  traceparent: /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/,
  tracestate: /^[\x20-\x7E]{1,512}$/,
}

export function forwardedHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  const out: Record<string, string> = {}
  for (const [name, form] of Object.entries(THROUGH)) {
    const value = headers[name]
    if (typeof value === 'string' && form.test(value)) out[name] = value
  }
  return out
}
