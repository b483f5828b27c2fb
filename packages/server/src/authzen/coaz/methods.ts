/**
 * The MCP binding's default mapping: what each method asks for when a tool says nothing else. A method without a row is
 * denied.
 * @module
 */
import { isJsonObject, type JsonObject, type JsonValue, type OperationKind } from '@safeconduct/protocol'
import type { Evaluation } from '../schema.ts'

interface Row {
  readonly kind: OperationKind
  /** Type of the resource; its id is this member of `params`, or the token's audience where there is none. */
  readonly resource: 'tool' | 'resource' | 'prompt' | 'mcp_server'
  readonly member?: 'name' | 'uri'
}

const SERVER = { resource: 'mcp_server' } as const
const ROWS: Readonly<Record<string, Row>> = {
  'tools/call': { kind: 'tool', resource: 'tool', member: 'name' },
  'resources/read': { kind: 'resource', resource: 'resource', member: 'uri' },
  'resources/subscribe': { kind: 'resource', resource: 'resource', member: 'uri' },
  'resources/unsubscribe': { kind: 'resource', resource: 'resource', member: 'uri' },
  'prompts/get': { kind: 'prompt', resource: 'prompt', member: 'name' },
  'tools/list': { kind: 'list', ...SERVER },
  'prompts/list': { kind: 'list', ...SERVER },
  'resources/list': { kind: 'list', ...SERVER },
  'resources/templates/list': { kind: 'list', ...SERVER },
  initialize: { kind: 'session', ...SERVER },
  ping: { kind: 'session', ...SERVER },
}
const NOTIFICATION: Row = { kind: 'session', ...SERVER }

export function methodRow(method: string): Row | null {
  if (method.startsWith('notifications/')) return NOTIFICATION
  return Object.hasOwn(ROWS, method) ? (ROWS[method] ?? null) : null
}

/** Methods that can be asked for about a resource of this type. */
export function methodsFor(resource: string): string[] {
  return Object.keys(ROWS)
    .filter((method) => ROWS[method]?.resource === resource)
    .sort()
}

/** Claims as the binding names them. */
export interface TokenClaims extends JsonObject {
  readonly sub: string
  readonly client_id: string
  readonly aud: string
}

export interface McpMessage {
  readonly method: string
  readonly params: JsonObject
}

/** null when the method is unknown or what it is about is not named. */
export function defaultMapping({ method, params }: McpMessage, token: TokenClaims): Evaluation | null {
  const row = methodRow(method)
  const id = row?.member === undefined ? token.aud : textOf(params[row.member])
  if (row === null || id === null) return null
  return {
    subject: { type: 'identity', id: token.sub },
    action: { name: method },
    resource: { type: row.resource, id },
    context: { agent: token.client_id },
  }
}

function textOf(value: JsonValue | undefined): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}

/** The message that the default mapping would make this question of; arguments are not in it. */
export function messageOf({ action, resource }: Pick<Evaluation, 'action' | 'resource'>): McpMessage | null {
  const row = methodRow(action.name)
  if (row === null || row.resource !== resource.type) return null
  return { method: action.name, params: row.member === undefined ? {} : { [row.member]: resource.id } }
}

/** What is decided of a message: its kind, name and arguments. null when it is malformed. */
export function operationOf({ method, params }: McpMessage): {
  kind: OperationKind
  name: string | null
  args: JsonObject
} | null {
  const row = methodRow(method)
  if (row === null) return null
  if (row.member === undefined) return { kind: row.kind, name: null, args: {} }
  const name = textOf(params[row.member])
  const args = row.member === 'uri' ? { uri: name } : (params.arguments ?? {})
  return name === null || !isJsonObject(args) ? null : { kind: row.kind, name, args }
}
