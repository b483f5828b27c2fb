/**
 * What a governed request is about: the name and the values that are decided, and the parameters that go on once they are.
 * @module
 */
import { isJsonObject, type JsonObject, type Operation, SafeconductError } from '@safeconduct/protocol'
import type { RpcRequest } from './message.ts'
import type { ClientMethod } from './methods.ts'

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
  return { kind: prompt ? 'prompt' : 'resource', name, args: { [argument.name]: argument.value } }
}

function invalid(message: string): SafeconductError {
  return new SafeconductError('invalid_params', { message })
}

/** What requests of these methods may hold beside their subject; anything else was neither decided nor recorded. */
const MEMBERS = ['_meta', 'arguments', 'argument', 'context', 'inputResponses', 'ref'] as const

function knownMembers(params: JsonObject | null): JsonObject {
  const known = MEMBERS.flatMap((name) => {
    const value = params?.[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  return Object.fromEntries(known)
}

/** The parameters that go on: the decided name and arguments; beside them what the client sent, parsed, not received. */
export function decidedParams(request: RpcRequest, operation: Operation): JsonObject {
  const params = knownMembers(request.params)
  const name = operation.name ?? ''
  if (operation.method === 'completion/complete') {
    const argument = isJsonObject(params.argument) ? params.argument : {}
    const key = typeof argument.name === 'string' ? argument.name : ''
    return { ...params, argument: { ...argument, value: operation.args[key] ?? '' } }
  }
  if (operation.kind === 'resource') return { ...params, uri: name }
  const given = params.arguments !== undefined || Object.keys(operation.args).length > 0
  return { ...params, name, ...(given ? { arguments: operation.args } : {}) }
}
