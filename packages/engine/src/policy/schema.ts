/**
 * The Cedar schema of a tenant, generated: one action per tool in the groups `read`, `write`, `destructive` and
 * `list`, each with the facts of the engine and the tool's own arguments, typed, as its context. Used to validate
 * policies when they are written; decisions do not need it.
 * @module
 */
import type { ArgumentField, ArgumentType } from './arguments.ts'
import type { PolicyRecord, PolicyValue } from './engine.ts'

/** Groups that every action is in at least one of. */
export const GROUPS = ['read', 'write', 'destructive', 'list'] as const
export type Group = (typeof GROUPS)[number]

/** Operations that are no tool calls, as actions. */
export const METHOD_ACTIONS: Readonly<Record<string, Group>> = {
  'mcp:resource': 'read',
  'mcp:prompt': 'read',
  'mcp:list': 'list',
  'mcp:session': 'list',
}

export interface SchemaTool {
  readonly id: string
  readonly groups: readonly Group[]
  readonly fields: ReadonlyMap<string, ArgumentField>
}

const bool = { type: 'Boolean' }
const long = { type: 'Long' }
const string = { type: 'String' }
const record = (attributes: PolicyRecord): PolicyRecord => ({ type: 'Record', attributes })

export const FACTS: PolicyRecord = {
  trust: record({ level: string, rank: long }),
  risk: long,
  impact: long,
  assurance: string,
  provenance: record({ doubt: string, privateDataRead: bool, untrustedSeen: bool }),
  tool: record({
    effect: string,
    destructive: bool,
    openWorld: bool,
    reversible: bool,
    seenBefore: bool,
    quarantined: bool,
  }),
  server: record({ name: string, standing: string }),
  task: record({ purpose: string, hasIntent: bool, implicit: bool }),
  chain: record({ depth: long }),
  approved: bool,
  freshProof: bool,
  credentialDoubt: bool,
  autonomous: bool,
  hour: long,
}

/** `{"": namespace}` in Cedar's JSON schema form. */
export function policySchema(tools: Iterable<SchemaTool>): PolicyRecord {
  const actions: Record<string, PolicyValue> = {}
  for (const group of GROUPS) actions[group] = {}
  for (const [id, group] of Object.entries(METHOD_ACTIONS)) actions[id] = action([group], new Map())
  for (const tool of tools) actions[tool.id] = action(tool.groups, tool.fields)
  return {
    '': {
      entityTypes: {
        Agent: { shape: record({ owner: string, name: string, registration: string, autonomous: bool }) },
        User: {},
        Server: { shape: record({ name: string, standing: string }) },
        Tool: { memberOfTypes: ['Server'] },
        Resource: { memberOfTypes: ['Server'] },
      },
      actions,
    },
  }
}

function action(groups: readonly Group[], fields: ReadonlyMap<string, ArgumentField>): PolicyRecord {
  return {
    memberOf: groups.map((id) => ({ id })),
    appliesTo: {
      principalTypes: ['Agent', 'User'],
      resourceTypes: ['Tool', 'Resource', 'Server'],
      context: record({ ...FACTS, args: recordOf(fields) }),
    },
  }
}

function recordOf(fields: ReadonlyMap<string, ArgumentField>): PolicyRecord {
  const attributes: Record<string, PolicyValue> = {}
  for (const [name, field] of fields) {
    // A call may leave out what the schema requires, so policies have to ask (`context.args has x`).
    attributes[name] = { ...cedarType(field.type), required: false }
  }
  return record(attributes)
}

function cedarType(type: ArgumentType): PolicyRecord {
  switch (type.kind) {
    case 'long':
      return long
    case 'string':
      return string
    case 'boolean':
      return bool
    case 'decimal':
      return { type: 'Extension', name: 'decimal' }
    case 'set':
      return { type: 'Set', element: cedarType(type.of) }
    case 'record':
      return recordOf(type.fields)
  }
}
