/**
 * The one table of MCP methods: who may send what in which revision, how it is governed, and which scope it needs.
 * A method that has no row is denied; so is a row whose revision does not match.
 * @module
 */
import type { OperationKind, Scope } from '@safeconduct/protocol'
import { REVISIONS, type Revision } from './revisions.ts'

/**
 * `tool`, `resource` and `prompt` are decided, recorded and settled one by one. `list` is fetched whole and filtered.
 * `session` needs a living grant. `notification` needs no more than the session it belongs to.
 */
export type MethodKind = OperationKind | 'notification'

export interface ClientMethod {
  readonly kind: MethodKind
  readonly scope: Scope
  /** Where the name of what is asked stands: a member of `params`, or `ref` for completions. */
  readonly subject?: 'name' | 'uri' | 'ref'
  /** Member of the result that holds the listed items. */
  readonly items?: 'tools' | 'prompts' | 'resources' | 'resourceTemplates'
  readonly revisions: readonly Revision[]
}

const ALL = REVISIONS
const SESSIONS: readonly Revision[] = ['2025-06-18', '2025-11-25']
const MODERN: readonly Revision[] = ['2026-07-28']

/** Client → server. */
const CLIENT: Readonly<Record<string, ClientMethod>> = {
  initialize: { kind: 'session', scope: 'mcp:read', revisions: SESSIONS },
  ping: { kind: 'session', scope: 'mcp:read', revisions: SESSIONS },
  'server/discover': { kind: 'session', scope: 'mcp:read', revisions: MODERN },
  'subscriptions/listen': { kind: 'session', scope: 'mcp:read', revisions: MODERN },
  'logging/setLevel': { kind: 'session', scope: 'mcp:read', revisions: SESSIONS },

  'tools/list': { kind: 'list', scope: 'mcp:read', items: 'tools', revisions: ALL },
  'prompts/list': { kind: 'list', scope: 'mcp:read', items: 'prompts', revisions: ALL },
  'resources/list': { kind: 'list', scope: 'mcp:read', items: 'resources', revisions: ALL },
  'resources/templates/list': {
    kind: 'list',
    scope: 'mcp:read',
    items: 'resourceTemplates',
    revisions: ALL,
  },

  'tools/call': { kind: 'tool', scope: 'mcp:read', subject: 'name', revisions: ALL },
  'resources/read': { kind: 'resource', scope: 'mcp:read', subject: 'uri', revisions: ALL },
  'resources/subscribe': { kind: 'resource', scope: 'mcp:read', subject: 'uri', revisions: SESSIONS },
  'resources/unsubscribe': { kind: 'resource', scope: 'mcp:read', subject: 'uri', revisions: SESSIONS },
  'prompts/get': { kind: 'prompt', scope: 'mcp:read', subject: 'name', revisions: ALL },
  // The argument that is being typed goes to the server, so it is governed like the thing it completes.
  'completion/complete': { kind: 'prompt', scope: 'mcp:read', subject: 'ref', revisions: ALL },

  'notifications/initialized': { kind: 'notification', scope: 'mcp:read', revisions: SESSIONS },
  'notifications/cancelled': { kind: 'notification', scope: 'mcp:read', revisions: ALL },
  'notifications/progress': { kind: 'notification', scope: 'mcp:read', revisions: SESSIONS },
  'notifications/roots/list_changed': { kind: 'notification', scope: 'mcp:read', revisions: SESSIONS },
}

export function clientMethod(method: string, revision: Revision): ClientMethod | null {
  if (!Object.hasOwn(CLIENT, method)) return null
  const row = CLIENT[method]
  return row?.revisions.includes(revision) === true ? row : null
}

export interface ServerMethod {
  readonly kind: 'request' | 'notification'
  /** `pass` to the client; `answer` by us; `off` unless the owner switched it on for this server. */
  readonly rule: 'pass' | 'answer' | 'off'
  /** Capability that the client must have declared to be asked. */
  readonly capability?: 'sampling' | 'elicitation' | 'roots'
  readonly revisions: readonly Revision[]
}

/** Server → client; the revision is the client's. On 2026-07-28 the requests travel inside `input_required`. */
const SERVER: Readonly<Record<string, ServerMethod>> = {
  ping: { kind: 'request', rule: 'answer', revisions: ALL },
  'sampling/createMessage': { kind: 'request', rule: 'off', capability: 'sampling', revisions: ALL },
  'elicitation/create': { kind: 'request', rule: 'pass', capability: 'elicitation', revisions: ALL },
  'roots/list': { kind: 'request', rule: 'pass', capability: 'roots', revisions: ALL },

  'notifications/progress': { kind: 'notification', rule: 'pass', revisions: ALL },
  'notifications/message': { kind: 'notification', rule: 'pass', revisions: ALL },
  'notifications/cancelled': { kind: 'notification', rule: 'pass', revisions: ALL },
  'notifications/tools/list_changed': { kind: 'notification', rule: 'pass', revisions: ALL },
  'notifications/prompts/list_changed': { kind: 'notification', rule: 'pass', revisions: ALL },
  'notifications/resources/list_changed': { kind: 'notification', rule: 'pass', revisions: ALL },
  'notifications/resources/updated': { kind: 'notification', rule: 'pass', revisions: ALL },
  'notifications/elicitation/complete': { kind: 'notification', rule: 'pass', revisions: ['2025-11-25'] },
  'notifications/subscriptions/acknowledged': { kind: 'notification', rule: 'pass', revisions: MODERN },
}

export function serverMethod(method: string, revision: Revision): ServerMethod | null {
  if (!Object.hasOwn(SERVER, method)) return null
  const row = SERVER[method]
  return row?.revisions.includes(revision) === true ? row : null
}

/** For the test that the table is complete and for the documentation. */
export const METHOD_TABLE = { client: CLIENT, server: SERVER }

/** Capabilities of a server that are told to clients; everything behind another one is denied anyway. */
export const SERVER_CAPABILITIES = ['tools', 'prompts', 'resources', 'logging', 'completions'] as const
/** Capabilities of a client that are told to servers; `sampling` only where the owner switched it on. */
export const CLIENT_CAPABILITIES = ['elicitation', 'roots', 'sampling'] as const
