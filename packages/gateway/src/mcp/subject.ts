/**
 * What a governed request is about: the name and the values that are decided, and the parameters that go on once they are.
 * @module
 */
import {
  isJsonObject,
  type JsonObject,
  type JsonValue,
  type Operation,
  SafeconductError,
} from '@safeconduct/protocol'
import { metaOf, type RpcRequest } from './message.ts'
import type { ClientMethod } from './methods.ts'
import { META } from './revisions.ts'

export interface Subject {
  readonly kind: 'tool' | 'resource' | 'prompt'
  readonly name: string
  readonly args: JsonObject
}

const MAX_NAME = 2_048

/** What is asked of the server, and with which values. @throws {SafeconductError} `invalid_params` */
export function readSubject(row: ClientMethod, request: RpcRequest): Subject {
  const { params } = request
  if (row.subject === 'ref') return readReference(params)
  const name = row.subject === undefined ? undefined : params?.[row.subject]
  if (typeof name !== 'string' || name === '' || name.length > MAX_NAME) {
    throw invalid(`\`${row.subject}\` must be a short string.`)
  }
  if (params?.task !== undefined) throw invalid('Tasks are not part of what is served here.')
  if (row.kind === 'resource') return { kind: 'resource', name, args: { uri: name } }
  const args = params?.arguments
  if (args !== undefined && !isJsonObject(args)) throw invalid('`arguments` must be an object.')
  return { kind: row.kind === 'prompt' ? 'prompt' : 'tool', name, args: args ?? {} }
}

function readReference(params: JsonObject | null): Subject {
  const { ref, argument } = params ?? {}
  if (!isJsonObject(ref) || !isJsonObject(argument)) throw invalid('`ref` and `argument` must be objects.')
  const prompt = ref.type === 'ref/prompt'
  const name = prompt ? ref.name : ref.type === 'ref/resource' ? ref.uri : null
  if (typeof name !== 'string' || name === '' || name.length > MAX_NAME) throw invalid('`ref` names nothing.')
  if (typeof argument.name !== 'string' || typeof argument.value !== 'string')
    throw invalid('`argument` is malformed.')
  const chosen = chosenBefore(params?.context)
  if (Object.hasOwn(chosen, argument.name)) throw invalid('`context` repeats the argument.')
  return { kind: prompt ? 'prompt' : 'resource', name, args: { ...chosen, [argument.name]: argument.value } }
}

/** Arguments that were filled in before the one that is being completed; decided like it. */
function chosenBefore(context: JsonValue | undefined): JsonObject {
  if (context === undefined) return {}
  const chosen = isJsonObject(context) ? (context.arguments ?? {}) : null
  if (!isJsonObject(chosen) || Object.values(chosen).some((value) => typeof value !== 'string')) {
    throw invalid('`context.arguments` must hold strings.')
  }
  return chosen
}

function invalid(message: string): SafeconductError {
  return new SafeconductError('invalid_params', { message })
}

/** What a request may hold beside what is decided of it; any other member was neither decided nor recorded. */
function besidesOf(params: JsonObject | null): JsonObject {
  const meta = knownMeta(metaOf(params))
  const responses = params?.inputResponses
  return {
    ...(Object.keys(meta).length === 0 ? {} : { _meta: meta }),
    ...(responses === undefined ? {} : { inputResponses: responses }),
  }
}

const LOG_LEVEL = /^[a-z]{1,16}$/

/** What goes on of a request that nobody decides (listings, log levels, discovery): no room for words of the agent. */
export function undecided(params: JsonObject | null): JsonObject {
  const meta = knownMeta(metaOf(params))
  const level = params?.level
  return {
    ...(Object.keys(meta).length === 0 ? {} : { _meta: meta }),
    ...(typeof level === 'string' && LOG_LEVEL.test(level) ? { level } : {}),
  }
}

/** W3C Trace Context §3.2 and §3.3, by form: nothing else fits through. */
const TRACE: Readonly<Record<string, RegExp>> = {
  traceparent: /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/,
  tracestate: /^[a-z0-9_*/@-]{1,256}=[\x21-\x2b\x2d-\x3c\x3e-\x7e]{1,256}$/,
}
const RESERVED: readonly string[] = [META.version, META.capabilities, META.client, META.logLevel]
const MAX_TOKEN = 256

/**
 * Of `_meta`, what the protocol itself needs: the envelope, the progress token, the trace. Any other key would be a way
 * past the decision, from the agent straight to the server.
 */
export function knownMeta(meta: JsonObject): JsonObject {
  const kept = Object.entries(meta).filter(([key, value]) => {
    if (RESERVED.includes(key)) return true
    if (key === 'progressToken')
      return typeof value === 'number' || (typeof value === 'string' && value.length <= MAX_TOKEN)
    return typeof value === 'string' && Object.hasOwn(TRACE, key) && TRACE[key]?.test(value) === true
  })
  return Object.fromEntries(kept)
}

/** The parameters that go on: made of the decided name and arguments, never copied from what was received. */
export function decidedParams(request: RpcRequest, operation: Operation): JsonObject {
  const beside = besidesOf(request.params)
  const { name, kind, args } = operation
  if (operation.method === 'completion/complete') return { ...beside, ...completionOf(request, operation) }
  if (kind === 'resource') return { ...beside, uri: name ?? '' }
  const given = request.params?.arguments !== undefined || Object.keys(args).length > 0
  return { ...beside, name: name ?? '', ...(given ? { arguments: args } : {}) }
}

function completionOf({ params }: RpcRequest, { name, kind, args }: Operation): JsonObject {
  const argument = isJsonObject(params?.argument) ? params.argument : {}
  const key = typeof argument.name === 'string' ? argument.name : ''
  const { [key]: value = '', ...chosen } = args
  return {
    ref: kind === 'prompt' ? { type: 'ref/prompt', name } : { type: 'ref/resource', uri: name },
    argument: { name: key, value },
    ...(Object.keys(chosen).length === 0 ? {} : { context: { arguments: chosen } }),
  }
}
