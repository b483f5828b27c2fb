/**
 * One request of a client on its way: who asks, of which server, how the answer goes back, how the request goes on.
 * @module
 */
import type { CallContext, CallRequest, JsonObject, Operation, Server } from '@safeconduct/protocol'
import { isJsonArray, isJsonObject } from '@safeconduct/protocol'
import type { Reply } from '../client/reply.ts'
import type { Identity } from '../ports.ts'
import type { Hooks } from '../upstream/link.ts'
import type { Upstream } from '../upstream/upstreams.ts'
import type { RpcAnswer, RpcRequest } from './message.ts'
import { CLIENT_CAPABILITIES, SERVER_CAPABILITIES, serverMethod } from './methods.ts'
import type { Transport } from './outcomes.ts'
import type { Revision } from './revisions.ts'

/** What came back from upstream, with the status the protocol gives it. */
export interface Sent {
  readonly status: 200 | 400 | 404
  readonly answer: RpcAnswer
  /** Set when the upstream waits for the client: the id under which the request can be taken up again. */
  readonly pending?: string
}

/** How requests of this client travel upstream. */
export interface Via {
  send(
    method: string,
    params: JsonObject | null,
    hooks: Hooks,
    headers: Readonly<Record<string, string>>,
  ): Promise<Sent>
  /** Takes a waiting request up again with the client's answers; null where requests never wait. */
  readonly resume: ((id: string, answers: JsonObject, hooks: Hooks) => Promise<Sent>) | null
  /** Brings a request of the server to the client; null where the server's answer carries it. */
  readonly ask: ((question: RpcRequest, signal: AbortSignal, call: string) => Promise<RpcAnswer>) | null
}

export interface Turn {
  readonly identity: Identity
  readonly server: Server
  readonly upstream: Upstream
  readonly revision: Revision
  readonly transport: Transport
  readonly context: CallContext
  /** As the client declared them, per request or at `initialize`. */
  readonly capabilities: JsonObject
  readonly scheme: 'bearer' | 'dpop' | null
  readonly via: Via
  readonly reply: Reply
  /** Request headers as received, for the checks against the body; never forwarded from here. */
  readonly headers: NodeJS.Dict<string | string[]>
  /** The few that go on. */
  readonly forwarded: Readonly<Record<string, string>>
}

export function callOf(
  turn: Pick<Turn, 'identity' | 'context'>,
  operation: Operation,
  id: string,
  at: number,
): CallRequest {
  const { grant, proof } = turn.identity
  return { id, at, grant, proof, operation, context: turn.context }
}

/** The subject that sealed states, sessions and links belong to. The task may change under it, the people may not. */
export function subjectOf(identity: Identity): readonly string[] {
  const { tenant, agent, user, clientId, via } = identity.grant
  return [tenant, agent, user ?? '', clientId, ...via]
}

export function principalKey(identity: Identity): string {
  return JSON.stringify(subjectOf(identity))
}

/** Whether the server may ask the client this, and the client said that it can be asked. */
export function mayAsk(
  method: string,
  params: JsonObject | null,
  turn: { readonly revision: Revision; readonly capabilities: JsonObject; readonly server: Server },
  samplingServers: readonly string[],
): boolean {
  const row = serverMethod(method, turn.revision)
  if (row === null || row.kind !== 'request' || row.capability === undefined) return false
  if (row.rule === 'off' && !samplingServers.includes(turn.server.name)) return false
  const declared = turn.capabilities[row.capability]
  if (!isJsonObject(declared)) return false
  return params?.mode !== 'url' || (turn.revision !== '2025-06-18' && declared.url !== undefined)
}

/** What of a client's capabilities its server is told on a session. */
export function capabilitiesFor(
  server: Server,
  declared: JsonObject,
  sampling: readonly string[],
): JsonObject {
  const told: Record<string, JsonObject> = {}
  for (const name of CLIENT_CAPABILITIES) {
    const value = declared[name]
    if (isJsonObject(value) && (name !== 'sampling' || sampling.includes(server.name))) told[name] = value
  }
  return told
}

/** On the stateless revision everything but what is off: the server checks the client's own declaration. */
export function envelopeCapabilities(
  server: Server,
  declared: JsonObject,
  sampling: readonly string[],
): JsonObject {
  const { sampling: asked, extensions, tasks: _, ...rest } = declared
  const kept = isJsonObject(extensions)
    ? { extensions: Object.fromEntries(Object.entries(extensions).filter(([name]) => !isTasks(name))) }
    : {}
  return {
    ...rest,
    ...kept,
    ...(asked !== undefined && sampling.includes(server.name) ? { sampling: asked } : {}),
  }
}

function isTasks(extension: string): boolean {
  return extension === 'io.modelcontextprotocol/tasks'
}

/** What of a server's capabilities its clients are told: only what the method table lets through. */
export function serverCapabilities(told: JsonObject): JsonObject {
  const kept: Record<string, JsonObject> = {}
  for (const name of SERVER_CAPABILITIES) {
    const value = told[name]
    if (isJsonObject(value)) kept[name] = value
  }
  return kept
}

export function objectItems(value: JsonObject[string] | undefined): readonly JsonObject[] | null {
  if (value === undefined || !isJsonArrayValue(value)) return null
  return value.every(isJsonObject) ? value : null
}

function isJsonArrayValue(value: JsonObject[string]): value is readonly JsonObject[string][] {
  return isJsonArray(value)
}
