/**
 * The workload: agents act for users on ten kinds of resources under 50 policies. Seeded, so every run and every
 * engine sees the same 2,000 requests.
 *
 * @module
 */

import type { EntityInput, RequestInput } from '@safeconduct/cedar'

const KINDS = 10
const USERS = 40
const AGENTS = 60
const FOLDERS = 40
const DOCUMENTS = 100
const REQUESTS = 2000

export interface Scenario {
  readonly policies: string
  readonly schema: string
  readonly entities: readonly EntityInput[]
  readonly requests: readonly RequestInput[]
  /** What each request reads, for engines that are sent entities with every call. */
  readonly entitiesOf: readonly (readonly EntityInput[])[]
}

export function scenario(): Scenario {
  const random = generator(20_261_121)
  const pick = (n: number) => Math.floor(random() * n)
  const entities = world(pick)
  const byKey = new Map(entities.map((entity) => [key(entity.uid), entity]))
  const requests = Array.from({ length: REQUESTS }, () => request(pick))
  return {
    policies: policies(),
    schema: schema(),
    entities,
    requests,
    entitiesOf: requests.map((each) => reached(each, byKey)),
  }
}

const ref = (type: string, id: string | number) => ({ type, id: String(id) })
const key = (uid: object) => JSON.stringify(uid)

function policies(): string {
  const perKind = Array.from({ length: KINDS }, (_, k) => [
    `@id("read-${k}") permit(principal, action == Action::"read", resource is Doc${k}) when { principal.owner in resource.folder.viewers && context.risk < 60 };`,
    `@id("write-${k}") permit(principal, action == Action::"write", resource is Doc${k}) when { principal.owner in resource.folder.editors && context.risk < 40 && context.mfaAge < 900 };`,
    `@id("share-${k}") permit(principal, action == Action::"share", resource is Doc${k}) when { resource.owner == principal.owner && context.purpose == "collaboration" && !resource.labels.contains("secret") };`,
    `@id("delete-${k}") permit(principal, action == Action::"delete", resource is Doc${k}) when { resource.owner == principal.owner && context.approved && context.depth <= 1 };`,
  ])
  const forbids = [
    'principal.suspended',
    'context.risk >= 90',
    'context.depth > 3',
    'context.country == "XX"',
    'resource.labels.contains("quarantined")',
    'resource.tenant != principal.tenant',
    '(context.hour < 6 || context.hour > 22) && resource.labels.contains("office-hours")',
    'context.purpose like "*exfil*"',
    'resource.sensitivity > principal.clearance && !context.approved',
    'context.mfaAge > 86400 && resource.sensitivity > 2',
  ].map((condition, i) => `@id("forbid-${i}") forbid(principal, action, resource) when { ${condition} };`)
  return [...perKind.flat(), ...forbids].join('\n')
}

function schema(): string {
  const kinds = Array.from({ length: KINDS }, (_, k) => `Doc${k}`)
  return `
    entity Team; entity User in [Team];
    entity Agent { owner: User, tenant: String, suspended: Bool, clearance: Long };
    entity Folder { viewers: Team, editors: Team };
    entity ${kinds.join(', ')} { owner: User, folder: Folder, tenant: String, sensitivity: Long, labels: Set<String> };
    action read, write, share, delete appliesTo { principal: Agent, resource: [${kinds.join(', ')}], context: {
      risk: Long, depth: Long, hour: Long, mfaAge: Long, purpose: String, approved: Bool, country: String } };`
}

function world(pick: (n: number) => number): EntityInput[] {
  const teams = Array.from({ length: 20 }, (_, i) => ({ uid: ref('Team', i), attrs: {}, parents: [] }))
  const users = Array.from({ length: USERS }, (_, i) => {
    const parents = [...new Set([pick(20), pick(20), pick(20), pick(20), pick(20)])].map((team) =>
      ref('Team', team),
    )
    return { uid: ref('User', i), attrs: {}, parents }
  })
  const agents = Array.from({ length: AGENTS }, (_, i) => ({
    uid: ref('Agent', i),
    attrs: {
      owner: { __entity: ref('User', pick(USERS)) },
      tenant: `t${pick(8) === 0 ? 1 : 0}`,
      suspended: pick(30) === 0,
      clearance: pick(5),
    },
    parents: [],
  }))
  const folders = Array.from({ length: FOLDERS }, (_, i) => ({
    uid: ref('Folder', i),
    attrs: { viewers: { __entity: ref('Team', pick(20)) }, editors: { __entity: ref('Team', pick(20)) } },
    parents: [],
  }))
  const labels = ['secret', 'quarantined', 'office-hours', 'draft', 'public']
  const documents = Array.from({ length: KINDS * DOCUMENTS }, (_, i) => ({
    uid: ref(`Doc${i % KINDS}`, i),
    attrs: {
      owner: { __entity: ref('User', pick(USERS)) },
      folder: { __entity: ref('Folder', pick(FOLDERS)) },
      tenant: `t${pick(8) === 0 ? 1 : 0}`,
      sensitivity: pick(pick(5) + 1),
      labels: labels.filter(() => pick(8) === 0),
    },
    parents: [],
  }))
  return [...teams, ...users, ...agents, ...folders, ...documents]
}

function request(pick: (n: number) => number): RequestInput {
  const document = pick(KINDS * DOCUMENTS)
  return {
    principal: ref('Agent', pick(AGENTS)),
    action: ref('Action', ['read', 'write', 'share', 'delete'][pick(4)] ?? 'read'),
    resource: ref(`Doc${document % KINDS}`, document),
    context: {
      risk: pick(pick(100) + 1),
      depth: pick(pick(5) + 1),
      hour: pick(24),
      mfaAge: pick(2000),
      purpose: ['collaboration', 'collaboration', 'support', 'exfiltrate'][pick(4)] ?? '',
      approved: pick(2) === 0,
      country: ['DE', 'FR', 'IT', 'ES', 'PT', 'XX'][pick(6)] ?? '',
    },
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

function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}
