/**
 * The Cedar schema of a tenant, generated: one action per tool in the groups `read`, `write`, `destructive` and
 * `list`, each with the facts of the engine and the tool's own arguments, typed, as its context. Used to validate
 * policies when they are written; decisions do not need it.
 * @module
 */
import { SafeconductError } from '@safeconduct/protocol'
import type { ArgumentField, ArgumentType } from './arguments.ts'
import { type Bindings, boundTo, NO_BINDINGS } from './bindings.ts'
import type { PolicyRecord, PolicyValue } from './engine.ts'
import { ELEVATE } from './speech.ts'

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
  /** Every argument that the tool declares, typed for Cedar or not: each has a provenance. */
  readonly names?: readonly string[]
}

/** What a version binds, and what the relation model knows. */
export interface SchemaRelations {
  readonly bindings: Bindings
  /** Names that the version speaks of, for a type whose relations nobody knows. */
  readonly spoken: readonly string[]
  /** Relations of a type; null = there is no such type, undefined = nobody knows. */
  readonly of: (type: string) => readonly string[] | null | undefined
}

const NOTHING_BOUND: SchemaRelations = { bindings: NO_BINDINGS, spoken: [], of: () => undefined }

const bool = { type: 'Boolean' }
const long = { type: 'Long' }
const string = { type: 'String' }
const strings = { type: 'Set', element: string }
const optional = (type: PolicyRecord): PolicyRecord => ({ ...type, required: false })
const record = (attributes: PolicyRecord): PolicyRecord => ({ type: 'Record', attributes })

export const FACTS: PolicyRecord = {
  trust: record({ level: string, rank: long }),
  risk: long,
  impact: long,
  assurance: string,
  provenance: record({ doubt: string, privateDataRead: bool, untrustedSeen: bool, exfiltration: bool }),
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
  weekday: long,
  place: record({ network: string, country: optional(string) }),
  client: record({ channel: string, name: string }),
  zone: record({ from: string, to: string, flow: bool }),
  sensitivity: long,
  evidence: record({ detectors: strings, bits: long }),
  elevations: strings,
}

/** `{"": namespace}` in Cedar's JSON schema form. */
export function policySchema(
  tools: Iterable<SchemaTool>,
  known: SchemaRelations = NOTHING_BOUND,
): PolicyRecord {
  const actions: Record<string, PolicyValue> = {}
  for (const group of GROUPS) actions[group] = {}
  for (const [id, group] of Object.entries(METHOD_ACTIONS)) {
    actions[id] = action({ id, groups: [group], fields: new Map() }, relationsOfMethod(id, known))
  }
  for (const tool of tools) {
    const [server = '', ...name] = tool.id.split('/')
    const bound = boundTo(known.bindings.relations, server, name.join('/'))
    actions[tool.id] = action(tool, bound === undefined ? [] : relationsOfType(bound.type, known))
  }
  actions[ELEVATE] = elevate()
  return {
    '': {
      entityTypes: {
        Agent: {
          memberOfTypes: ['Role'],
          shape: record({
            owner: string,
            name: string,
            registration: string,
            autonomous: bool,
            zone: string,
          }),
        },
        User: { memberOfTypes: ['Role'] },
        Role: {},
        Server: { shape: record({ name: string, standing: string, zone: string, sensitivity: long }) },
        Tool: { memberOfTypes: ['Server'] },
        Resource: { memberOfTypes: ['Server'] },
      },
      actions,
    },
  }
}

function action({ groups, fields, names = [] }: SchemaTool, relations: readonly string[]): PolicyRecord {
  return {
    memberOf: groups.map((id) => ({ id })),
    appliesTo: {
      principalTypes: ['Agent', 'User'],
      resourceTypes: ['Tool', 'Resource', 'Server'],
      context: record({
        ...FACTS,
        provenance: provenanceOf([...fields.keys(), ...names]),
        args: recordOf(fields),
        // Required: a policy need not ask whether it is there, and errs when it cannot be had.
        relations: record(Object.fromEntries(relations.map((name) => [name, bool]))),
      }),
    },
  }
}

/** Asking for a role, for one errand and a time. */
function elevate(): PolicyRecord {
  const context = record({
    ...FACTS,
    provenance: provenanceOf([]),
    args: record({}),
    relations: record({}),
    elevation: record({ minutes: long }),
  })
  return { appliesTo: { principalTypes: ['Agent', 'User'], resourceTypes: ['Role'], context } }
}

const ORIGIN = record({ label: string, source: string, sink: bool })

function provenanceOf(names: readonly string[]): PolicyRecord {
  const args: Record<string, PolicyValue> = {}
  for (const name of names) if (name !== '' && !name.startsWith('__')) args[name] = optional(ORIGIN)
  const { attributes } = FACTS.provenance as { readonly attributes: PolicyRecord }
  return record({ ...attributes, args: record(args) })
}

/** One action stands for a method on every server: the relations of all that bind it. */
function relationsOfMethod(id: string, known: SchemaRelations): readonly string[] {
  const names = new Set<string>()
  for (const [pattern, { type }] of known.bindings.relations) {
    if (pattern.endsWith(`/${id}`)) for (const name of relationsOfType(type, known)) names.add(name)
  }
  return [...names]
}

/** @throws {SafeconductError} `policy_invalid` for a type that the model does not have */
function relationsOfType(type: string, { of, spoken }: SchemaRelations): readonly string[] {
  const relations = of(type)
  if (relations === null) {
    const message = `A binding names the type ${type}, which the relation model does not have.`
    throw new SafeconductError('policy_invalid', { message })
  }
  return relations ?? spoken
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
