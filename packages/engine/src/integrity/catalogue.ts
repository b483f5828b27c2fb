/**
 * A pinned tool with everything derived from it once, so that no call has to: roles for provenance, groups and
 * argument types for policy. Operations that are no tools have fixed entries.
 * @module
 */
import { hash } from 'node:crypto'
import {
  canonicalize,
  isJsonObject,
  type JsonObject,
  type OperationKind,
  type PinnedTool,
  type Server,
} from '@safeconduct/protocol'
import {
  corrected,
  deriveRoles,
  type SeenOutput,
  spokenBy,
  type ToolDefinition,
  type ToolRoles,
} from '../flow/index.ts'
import { type ArgumentField, argumentTypes } from '../policy/arguments.ts'
import type { Group } from '../policy/schema.ts'
import { impactOf } from '../risk/combine.ts'

export interface KnownTool {
  /** Cedar action: `<server>/<tool>`, or `mcp:<kind>`. */
  readonly action: string
  readonly pin: PinnedTool | null
  readonly roles: ToolRoles
  readonly groups: readonly Group[]
  readonly fields: ReadonlyMap<string, ArgumentField>
  readonly write: boolean
  /** 0–100 */
  readonly impact: number
  /** Addresses in its definition, as words of the server; null = none. */
  readonly spoken: SeenOutput | null
}

/** Derived again when the pin or its server changes. The approved definition counts, never a proposed one. */
export function knownTool(pin: PinnedTool, server: Server | undefined): KnownTool {
  const trusted = server?.trustedOutput === true
  const definition = toDefinition(pin.name, pin.definition, trusted)
  // Nobody vouched for the server, so whatever it returns counts as other people's words. A trusted one vouches for its
  // fields; the mails and pages that it passes on stay what they are.
  const derived = deriveRoles(definition, trusted ? {} : { thirdPartyOutput: true })
  const roles = corrected(derived, pin.corrections)
  return entry(pin.id, pin, roles, groupsOf(roles), argumentTypes(pin.definition.inputSchema))
}

/** What is derived of a tool by itself, and what it is treated as once an operator's word is put over it. */
export function rolesOf(
  pin: PinnedTool,
  server: Server | undefined,
): { derived: ToolRoles; treated: ToolRoles } {
  const { corrections: _, ...plain } = pin
  return { derived: knownTool(plain, server).roles, treated: knownTool(pin, server).roles }
}

function groupsOf(roles: ToolRoles): Group[] {
  if (roles.effect === 'read') return ['read']
  return roles.destructive ? ['write', 'destructive'] : ['write']
}

function entry(
  action: string,
  pin: PinnedTool | null,
  roles: ToolRoles,
  groups: readonly Group[],
  fields: ReadonlyMap<string, ArgumentField>,
): KnownTool {
  const write = roles.effect === 'write'
  const impact = impactOf({ write, ...pick(roles) })
  const spoken = pin === null ? null : spokenBy(pin.server, pin.name, pin.definition)
  return { action, pin, roles, groups, fields, write, impact, spoken }
}

function pick({ destructive, openWorld, reversible }: ToolRoles) {
  return { destructive, openWorld, reversible }
}

/** Annotations are a server's claims about itself; `deriveRoles` believes no good ones but of a trusted server. */
function toDefinition(name: string, definition: JsonObject, trusted: boolean): ToolDefinition {
  const { description, inputSchema, annotations } = definition
  const hints: Record<string, boolean> = {}
  if (isJsonObject(annotations)) {
    for (const hint of HINTS) if (typeof annotations[hint] === 'boolean') hints[hint] = annotations[hint]
  }
  return {
    name,
    inputSchema: isJsonObject(inputSchema) ? inputSchema : {},
    annotations: hints,
    trusted,
    ...(typeof description === 'string' ? { description } : {}),
  }
}

const HINTS = ['readOnlyHint', 'destructiveHint', 'idempotentHint', 'openWorldHint'] as const

const READ_URI: ToolDefinition = {
  name: 'read_resource',
  description: 'Read a document.',
  inputSchema: { type: 'object', properties: { uri: { type: 'string' } } },
}
const GET_PROMPT: ToolDefinition = { name: 'get_prompt', description: 'Get a text.', inputSchema: {} }
const NO_FIELDS: ReadonlyMap<string, ArgumentField> = new Map()

/** What is no tool call. Texts of resources and prompts are other people's words. */
const METHODS: Readonly<Record<Exclude<OperationKind, 'tool'>, KnownTool>> = {
  resource: entry('mcp:resource', null, deriveRoles(READ_URI), ['read'], NO_FIELDS),
  prompt: entry('mcp:prompt', null, deriveRoles(GET_PROMPT), ['read'], NO_FIELDS),
  list: entry('mcp:list', null, deriveRoles({ name: 'list', inputSchema: {} }), ['list'], NO_FIELDS),
  session: entry(
    'mcp:session',
    null,
    deriveRoles({ name: 'get_session', inputSchema: {} }),
    ['list'],
    NO_FIELDS,
  ),
}

/** One digest over every pin and its status: decisions name it, so that it is known against which tools they were made. */
export function toolsRevision(directory: {
  readonly tools: ReadonlyMap<string, KnownTool>
  revision: string | null
}): string {
  // Kept until a tool changes; derived from nothing but the tools.
  directory.revision ??= `sha256:${hash('sha256', canonicalize(pinsOf(directory.tools)))}`
  return directory.revision
}

function pinsOf(tools: ReadonlyMap<string, KnownTool>): [string, string, string][] {
  const pins = [...tools].map(([id, { pin }]): [string, string, string] => [
    id,
    `${pin?.digest ?? ''}${pin?.corrections === undefined ? '' : ` ${canonicalize({ ...pin.corrections } as JsonObject)}`}`,
    pin?.status ?? '',
  ])
  return pins.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
}

export function methodEntry(kind: Exclude<OperationKind, 'tool'>): KnownTool {
  return METHODS[kind]
}
