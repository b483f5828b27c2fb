/**
 * Questions about our agents' calls, by the MCP binding: the same decision as at the gateway, taken dry.
 *
 * What must hold: the subject is the one of the verified token; the operation is the one that is asked for; a mapping
 * that a server declared never decides alone.
 * @module
 */
import type { CallRequest, Decision, Grant, JsonObject, Proof } from '@safeconduct/protocol'
import { isJsonObject, SafeconductError } from '@safeconduct/protocol'
import { mappedQuestions, readMapping } from './coaz/mapping.ts'
import { type McpMessage, messageOf, operationOf, type TokenClaims } from './coaz/methods.ts'
import type { PdpPorts } from './ports.ts'
import type { Evaluation } from './schema.ts'

export interface Actor {
  readonly grant: Grant
  readonly proof: Proof
  /** The servers of the token's audience that may be asked about. */
  readonly servers: readonly string[]
}

export interface AskedCall {
  readonly request: CallRequest
  readonly decision: Decision
  /** What the tool's own mapping asks beside; empty where it declares none. */
  readonly mapped: readonly Evaluation[]
}

/** @throws {SafeconductError} `invalid_params`, `forbidden`: not a question about a call of this token; it is denied */
export async function askCall(ports: PdpPorts, actor: Actor, question: Evaluation): Promise<AskedCall> {
  const { grant, proof } = actor
  const { message, server } = readMessage(actor.servers, question)
  const operation = operationOf(message)
  if (operation === null) throw new SafeconductError('method_not_found')
  const token = claimsOf(ports, grant, server)
  const pinned =
    operation.kind === 'tool'
      ? await ports.store.tools.get(grant.tenant, `${server}/${operation.name}`)
      : null
  const mapping = pinned === null ? null : readMapping(pinned.definition)
  const usual = mappedQuestions(null, message, token)
  const mapped = mapping === null ? [] : mappedQuestions(mapping, message, token)
  if (![...usual, ...mapped].some((one) => isSame(one, question))) {
    throw new SafeconductError('forbidden', { message: 'The question is not about a call of this token.' })
  }
  const request: CallRequest = {
    id: ports.ids.next(),
    at: ports.clock.now(),
    grant,
    proof,
    operation: { server, method: message.method, ...operation },
    context: { channel: 'api', ip: null, client: null },
  }
  return { request, decision: ports.decider.dry(request), mapped }
}

/** `context.mcp` is the message itself; without it, what the default mapping would have been made of. */
function readMessage(
  servers: readonly string[],
  question: Evaluation,
): { readonly message: McpMessage; readonly server: string } {
  const given = question.context?.mcp
  const told = isJsonObject(given) ? given : {}
  const message = isJsonObject(given) ? messageIn(given) : messageOf(question)
  if (message === null) throw new SafeconductError('method_not_found')
  const server = told.server ?? (servers.length === 1 ? servers[0] : undefined)
  if (typeof server !== 'string' || !servers.includes(server))
    throw new SafeconductError('forbidden', { message: 'The token is not meant for that server.' })
  return { message, server }
}

function messageIn({ method, params = {} }: JsonObject): McpMessage | null {
  return typeof method === 'string' && isJsonObject(params) ? { method, params } : null
}

export function serversOf({ access }: PdpPorts, { audience }: Grant): string[] {
  const prefix = `${access.issuer}/mcp/`
  return audience.filter((one) => one.startsWith(prefix)).map((one) => one.slice(prefix.length))
}

/** The claims that mappings may speak of, from the verified grant. */
function claimsOf({ access }: PdpPorts, grant: Grant, server: string): TokenClaims {
  return {
    iss: access.issuer,
    sub: grant.user ?? grant.agent,
    client_id: grant.clientId,
    aud: `${access.issuer}/mcp/${server}`,
    scope: grant.scope.join(' '),
    exp: Math.floor(grant.expiresAt / 1000),
    iat: Math.floor(grant.issuedAt / 1000),
    jti: grant.id,
    ...(grant.user === null ? {} : { act: { sub: grant.agent } }),
  }
}

function isSame(a: Evaluation, b: Evaluation): boolean {
  return (
    a.subject.type === b.subject.type &&
    a.subject.id === b.subject.id &&
    a.action.name === b.action.name &&
    a.resource.type === b.resource.type &&
    a.resource.id === b.resource.id
  )
}

/** A person could still be asked: nobody is, and the call is one that can be put before a person. */
export function isRequestable({ decision, request }: AskedCall): boolean {
  const { outcome, approval, enforcement } = decision
  return (
    outcome === 'approval' &&
    approval === null &&
    enforcement === 'enforce' &&
    request.operation.kind === 'tool'
  )
}
