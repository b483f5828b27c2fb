/**
 * The workload: agents act for people on ten kinds of resources, under four permits for each kind and ten forbids for
 * all (50 policies), in a world of twenty entity types. Seeded, so every run and every engine sees the same questions.
 *
 * The world is plain data; each engine gets it in its own form. `allowed` is the definition in plain JavaScript, written
 * apart from the Cedar text and from every other engine's rules: all must agree with it on every request.
 * @module
 */
import type { EntityInput, RequestInput } from '@safeconduct/cedar'

export const ACTIONS = ['read', 'write', 'share', 'delete'] as const
export type Action = (typeof ACTIONS)[number]

export interface Person {
  readonly id: string
  /** Teams, and the departments they are in. */
  readonly groups: readonly string[]
}

export interface AgentFacts {
  readonly id: string
  readonly owner: Person
  readonly company: string
  readonly device: { readonly id: string; readonly managed: boolean }
  readonly suspended: boolean
  readonly clearance: number
}

export interface ResourceFacts {
  readonly id: string
  readonly kind: string
  readonly owner: string
  readonly company: string
  readonly folder: {
    readonly id: string
    readonly viewers: string
    readonly editors: string
    readonly zone: string
  }
  readonly sensitivity: number
  readonly labels: readonly string[]
}

export interface Context {
  readonly risk: number
  readonly depth: number
  readonly hour: number
  /** Seconds. */
  readonly mfaAge: number
  readonly purpose: string
  readonly signedOff: boolean
  readonly country: string
}

export interface Question {
  readonly agent: AgentFacts
  readonly action: Action
  readonly resource: ResourceFacts
  readonly context: Context
}

export interface Scenario {
  /** Resident ones. */
  readonly resources: number
  readonly kinds: readonly string[]
  readonly policies: string
  readonly schema: string
  readonly entities: readonly EntityInput[]
  readonly questions: readonly Question[]
  readonly requests: readonly RequestInput[]
  /** What each request reads, for engines that are sent entities with every call. */
  readonly entitiesOf: readonly (readonly EntityInput[])[]
  readonly allowed: readonly boolean[]
}

const REQUESTS = 2000
const TEAMS = 20
const LABELS = ['secret', 'quarantined', 'office-hours', 'draft', 'public']
const NAMES = [
  'Dataset',
  'Model',
  'Prompt',
  'Notebook',
  'Pipeline',
  'Endpoint',
  'Report',
  'Ticket',
  'Repository',
  'Invoice',
]

/** `resources` is the number of resident resources; people, agents and folders grow along. */
export function scenario(resources: number, kindCount = NAMES.length): Scenario {
  const random = generator(20_261_121)
  const pick = (n: number) => Math.floor(random() * n)
  const of = <T>(items: readonly T[]): T => item(items, pick(items.length))
  const kinds = Array.from({ length: kindCount }, (_, i) => `${item(NAMES, i)}${i < NAMES.length ? '' : i}`)

  const people = Array.from({ length: Math.max(20, resources / 25) }, (_, i): Person => {
    const teams = [...new Set([pick(TEAMS), pick(TEAMS)])]
    const departments = [...new Set(teams.map(departmentOf))]
    return { id: `u${i}`, groups: [...teams.map((t) => `t${t}`), ...departments.map((d) => `d${d}`)] }
  })
  const agents = Array.from(
    { length: Math.max(30, resources / 20) },
    (_, i): AgentFacts => ({
      id: `a${i}`,
      owner: item(people, i),
      company: `c${pick(8) === 0 ? 1 : 0}`,
      device: { id: `v${i}`, managed: pick(6) > 0 },
      suspended: pick(30) === 0,
      clearance: 1 + pick(4),
    }),
  )
  const folders = Array.from({ length: Math.max(20, resources / 25) }, (_, i) => ({
    id: `f${i}`,
    viewers: `d${pick(5)}`,
    editors: `t${pick(TEAMS)}`,
    zone: `z${i % 3}`,
  }))
  const documents = Array.from(
    { length: resources },
    (_, i): ResourceFacts => ({
      id: `r${i}`,
      kind: item(kinds, i),
      owner: of(people).id,
      company: `c${pick(8) === 0 ? 1 : 0}`,
      folder: of(folders),
      sensitivity: pick(pick(5) + 1),
      labels: LABELS.filter(() => pick(10) === 0),
    }),
  )
  const owned = Map.groupBy(documents, (each) => each.owner)
  const questions = Array.from({ length: REQUESTS }, (): Question => {
    const agent = of(agents)
    const action = of(ACTIONS)
    const own = owned.get(agent.owner.id)
    const mine = (action === 'share' || action === 'delete') && own !== undefined && pick(3) > 0
    const seen = Array.from({ length: 4 }, () => of(mine ? own : documents))
    // People mostly ask for what their teams work on.
    const likely = seen.find(({ folder }) =>
      agent.owner.groups.includes(action === 'write' ? folder.editors : folder.viewers),
    )
    return { agent, action, resource: likely ?? item(seen, 0), context: context(pick) }
  })
  const entities = world(people, agents, folders, documents)
  const byKey = new Map(entities.map((entity) => [key(entity.uid), entity]))
  const requests = questions.map(requestOf)
  return {
    resources,
    kinds,
    policies: policyText(kinds),
    schema: schemaText(kinds),
    entities,
    questions,
    requests,
    entitiesOf: requests.map((each) => reached(each, byKey)),
    allowed: questions.map(allowed),
  }
}

/** The rules, by definition. */
export function allowed({ agent, action, resource, context }: Question): boolean {
  if (agent.suspended || context.risk >= 90 || context.depth > 3 || context.country === 'XX') return false
  if (resource.labels.includes('quarantined') || resource.company !== agent.company) return false
  if (resource.labels.includes('office-hours') && (context.hour < 6 || context.hour > 22)) return false
  if (context.purpose.includes('exfil')) return false
  if (resource.sensitivity > agent.clearance && !context.signedOff) return false
  if (context.mfaAge > 86_400 && resource.sensitivity > 2) return false
  const { groups, id } = agent.owner
  switch (action) {
    case 'read':
      return groups.includes(resource.folder.viewers) && context.risk < 60
    case 'write':
      return (
        groups.includes(resource.folder.editors) &&
        context.risk < 40 &&
        context.mfaAge < 3600 &&
        agent.device.managed
      )
    case 'share':
      return (
        resource.owner === id && context.purpose === 'collaboration' && !resource.labels.includes('secret')
      )
    case 'delete':
      return resource.owner === id && context.signedOff && context.depth <= 1 && resource.folder.zone !== 'z0'
  }
}

function policyText(kinds: readonly string[]): string {
  const permits = kinds.flatMap((kind) => [
    `@id("read-${kind}") permit(principal, action == Action::"read", resource is ${kind}) when { principal.owner in resource.folder.viewers && context.risk < 60 };`,
    `@id("write-${kind}") permit(principal, action == Action::"write", resource is ${kind}) when { principal.owner in resource.folder.editors && context.risk < 40 && context.mfaAge < 3600 && principal.device.managed };`,
    `@id("share-${kind}") permit(principal, action == Action::"share", resource is ${kind}) when { resource.owner == principal.owner && context.purpose == "collaboration" && !resource.labels.contains("secret") };`,
    `@id("delete-${kind}") permit(principal, action == Action::"delete", resource is ${kind}) when { resource.owner == principal.owner && context.signedOff && context.depth <= 1 && !(resource.folder in Zone::"z0") };`,
  ])
  const forbids = [
    'principal.suspended',
    'context.risk >= 90',
    'context.depth > 3',
    'context.country == "XX"',
    'resource.labels.contains("quarantined")',
    'resource.company != principal.company',
    '(context.hour < 6 || context.hour > 22) && resource.labels.contains("office-hours")',
    'context.purpose like "*exfil*"',
    'resource.sensitivity > principal.clearance && !context.signedOff',
    'context.mfaAge > 86400 && resource.sensitivity > 2',
  ].map((condition, i) => `@id("forbid-${i}") forbid(principal, action, resource) when { ${condition} };`)
  return [...permits, ...forbids].join('\n')
}

function schemaText(kinds: readonly string[]): string {
  return `
    entity Region; entity Company in [Region]; entity Department; entity Team in [Department];
    entity User in [Team]; entity Device { managed: Bool };
    entity Agent { owner: User, company: Company, device: Device, suspended: Bool, clearance: Long };
    entity Zone; entity Project in [Zone]; entity Folder in [Project] { viewers: Department, editors: Team };
    entity ${kinds.join(', ')} { owner: User, folder: Folder, company: Company, sensitivity: Long, labels: Set<String> };
    action ${ACTIONS.join(', ')} appliesTo { principal: Agent, resource: [${kinds.join(', ')}], context: {
      risk: Long, depth: Long, hour: Long, mfaAge: Long, purpose: String, signedOff: Bool, country: String } };`
}

const ref = (type: string, id: string) => ({ type, id })
const to = (type: string, id: string) => ({ __entity: ref(type, id) })
const key = (uid: object) => JSON.stringify(uid)
const departmentOf = (team: number) => team % 5

function world(
  people: readonly Person[],
  agents: readonly AgentFacts[],
  folders: readonly ResourceFacts['folder'][],
  documents: readonly ResourceFacts[],
): EntityInput[] {
  const bare = (type: string, id: string, ...parents: { type: string; id: string }[]) => ({
    uid: ref(type, id),
    attrs: {},
    parents,
  })
  return [
    bare('Region', 'eu'),
    ...['c0', 'c1'].map((id) => bare('Company', id, ref('Region', 'eu'))),
    ...Array.from({ length: 5 }, (_, d) => bare('Department', `d${d}`)),
    ...Array.from({ length: TEAMS }, (_, t) =>
      bare('Team', `t${t}`, ref('Department', `d${departmentOf(t)}`)),
    ),
    ...people.map(({ id, groups }) =>
      bare('User', id, ...groups.filter((group) => group.startsWith('t')).map((group) => ref('Team', group))),
    ),
    ...agents.map(({ device }) => ({
      uid: ref('Device', device.id),
      attrs: { managed: device.managed },
      parents: [],
    })),
    ...agents.map((agent) => ({
      uid: ref('Agent', agent.id),
      attrs: {
        owner: to('User', agent.owner.id),
        company: to('Company', agent.company),
        device: to('Device', agent.device.id),
        suspended: agent.suspended,
        clearance: agent.clearance,
      },
      parents: [],
    })),
    ...['z0', 'z1', 'z2'].map((id) => bare('Zone', id)),
    ...['z0', 'z1', 'z2'].map((zone) => bare('Project', `p-${zone}`, ref('Zone', zone))),
    ...folders.map((folder) => ({
      uid: ref('Folder', folder.id),
      attrs: { viewers: to('Department', folder.viewers), editors: to('Team', folder.editors) },
      parents: [ref('Project', `p-${folder.zone}`)],
    })),
    ...documents.map((each) => ({
      uid: ref(each.kind, each.id),
      attrs: {
        owner: to('User', each.owner),
        folder: to('Folder', each.folder.id),
        company: to('Company', each.company),
        sensitivity: each.sensitivity,
        labels: each.labels,
      },
      parents: [],
    })),
  ]
}

function context(pick: (n: number) => number): Context {
  return {
    risk: pick(pick(100) + 1),
    depth: pick(pick(5) + 1),
    hour: pick(24),
    mfaAge: pick(20) === 0 ? 90_000 : pick(4500),
    purpose: item(['collaboration', 'collaboration', 'support', 'exfiltrate'], pick(4)),
    signedOff: pick(2) === 0,
    country: item(['DE', 'FR', 'IT', 'ES', 'PT', 'NL', 'BE', 'XX'], pick(8)),
  }
}

function requestOf({ agent, action, resource, context }: Question): RequestInput {
  return {
    principal: ref('Agent', agent.id),
    action: ref('Action', action),
    resource: ref(resource.kind, resource.id),
    context,
  }
}

/** Over attributes and parents, as a caller who sends what is needed would collect it. */
function reached(request: RequestInput, byKey: ReadonlyMap<string, EntityInput>): EntityInput[] {
  const keys = new Set([key(request.principal), key(request.resource)])
  const found: EntityInput[] = []
  for (const each of keys) {
    const entity = byKey.get(each)
    if (entity === undefined) continue
    found.push(entity)
    for (const parent of entity.parents ?? []) keys.add(key(parent))
    for (const value of Object.values(entity.attrs ?? {}))
      if (value?.__entity !== undefined) keys.add(key(value.__entity))
  }
  return found
}

/** Round and round. */
function item<T>(items: readonly T[], i: number): T {
  const found = items[i % items.length]
  if (found === undefined) throw new Error('an empty list has no items')
  return found
}

/** Mulberry32: uniform in [0, 1). */
function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}
