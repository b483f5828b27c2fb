import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { RelationStore, type Tuple } from '@safeconduct/relations'
import fc from 'fast-check'
import { authorizedPage, filterIds, objectOf } from './authorized.ts'
import { narrowest, type Parties } from './errand.ts'

const MODEL = `model
  schema 1.1
type user
type agent
type group
  relations
    define member: [user, agent, group#member]
type folder
  relations
    define parent: [folder]
    define viewer: [user, agent, user:*, agent:*, group#member] or viewer from parent
type document
  relations
    define blocked: [user, agent, group#member]
    define parent: [folder]
    define viewer: ([user, agent, group#member] or viewer from parent) but not blocked
`
const USERS = ['user:u1', 'user:u2']
const AGENTS = ['agent:a1', 'agent:a2']
const GROUPS = ['group:g1', 'group:g2', 'group:g3']
const FOLDERS = ['folder:f1', 'folder:f2', 'folder:f3']
const DOCUMENTS = ['document:d1', 'document:d2', 'document:d3', 'document:d4']

const one = (...from: string[]) => fc.constantFrom(...from)
const members = GROUPS.map((group) => `${group}#member`)
const tuple = (objects: string[], relation: string, users: string[]) =>
  fc.record({ object: one(...objects), relation: fc.constant(relation), user: one(...users) })
const graphs = fc.array(
  fc.oneof(
    tuple(GROUPS, 'member', [...USERS, ...AGENTS, ...members]),
    tuple(FOLDERS, 'parent', FOLDERS),
    tuple(FOLDERS, 'viewer', [...USERS, ...AGENTS, ...members, 'user:*', 'agent:*']),
    tuple(DOCUMENTS, 'parent', FOLDERS),
    tuple(DOCUMENTS, 'viewer', [...USERS, ...AGENTS, ...members]),
    tuple(DOCUMENTS, 'blocked', [...USERS, ...AGENTS, ...members]),
  ),
  { maxLength: 24 },
)

/** The model by hand: sets that grow until nothing is new. `blocked` depends on nothing that depends on it. */
function holders(tuples: readonly Tuple[], subject: string): Set<string> {
  const held = new Set<string>([subject, `${subject.split(':')[0]}:*`])
  const grows = (allowed: (tuple: Tuple) => string | null) => {
    for (let before = -1; before !== held.size; ) {
      before = held.size
      for (const one of tuples) {
        const gained = allowed(one)
        if (gained !== null) held.add(gained)
      }
    }
  }
  const named = ({ user }: Tuple) => held.has(user)
  grows((one) => (one.relation === 'member' && named(one) ? `${one.object}#member` : null))
  grows((one) => {
    if (!one.object.startsWith('folder:')) return null
    if (one.relation === 'viewer' && named(one)) return `${one.object}#viewer`
    return one.relation === 'parent' && held.has(`${one.user}#viewer`) ? `${one.object}#viewer` : null
  })
  const seen = new Set<string>()
  for (const one of tuples) {
    if (!one.object.startsWith('document:')) continue
    if (one.relation === 'viewer' && named(one)) seen.add(one.object)
    if (one.relation === 'parent' && held.has(`${one.user}#viewer`)) seen.add(one.object)
  }
  for (const one of tuples)
    if (one.object.startsWith('document:') && one.relation === 'blocked' && named(one))
      seen.delete(one.object)
  return seen
}

const WANTED = { type: 'document', relation: 'viewer' }
const never = new AbortController().signal

function graphOf(tuples: readonly Tuple[]): RelationStore {
  const graph = new RelationStore()
  graph.writeModel(MODEL)
  const unique = [...new Map(tuples.map((one) => [JSON.stringify(one), one])).values()]
  graph.write(unique)
  return graph
}

async function everything(graph: RelationStore, parties: Parties, limit: number): Promise<string[]> {
  const all: string[] = []
  let cursor: string | null = null
  do {
    const page = await authorizedPage(graph, parties, WANTED, {
      limit,
      signal: never,
      ...(cursor === null ? {} : { cursor }),
    })
    all.push(...page.ids)
    cursor = page.cursor
  } while (cursor !== null)
  return all
}

describe('documents of an errand', () => {
  it('are, for any graph, those that the definition gives to every party', async () => {
    await fc.assert(
      fc.asyncProperty(
        graphs,
        fc.option(one('u1', 'u2')),
        fc.uniqueArray(one('a1', 'a2'), { minLength: 1 }),
        fc.shuffledSubarray([...DOCUMENTS, 'document:unknown']),
        fc.integer({ min: 1, max: 3 }),
        async (tuples, user, agents, ids, limit) => {
          const graph = graphOf(tuples)
          const parties: Parties = { user, agents, prefixes: null }
          const subjects = [
            ...(user === null ? [] : [`user:${user}`]),
            ...agents.map((agent) => `agent:${agent}`),
          ]
          const sets = subjects.map((subject) => holders(tuples, subject))
          const open = (id: string) => sets.every((set) => set.has(id))
          assert.deepEqual(await filterIds(graph, parties, WANTED, ids), ids.filter(open))
          assert.deepEqual((await everything(graph, parties, limit)).sort(), DOCUMENTS.filter(open))
        },
      ),
      { numRuns: 150 },
    )
  })

  it('are limited to what the task names', async () => {
    const graph = graphOf([
      { object: 'folder:f1', relation: 'viewer', user: 'user:*' },
      { object: 'folder:f1', relation: 'viewer', user: 'agent:*' },
      ...DOCUMENTS.map((object) => ({ object, relation: 'parent', user: 'folder:f1' })),
    ])
    const parties = { user: 'u1', agents: ['a1'], prefixes: ['document:d1', 'document:d4'] }
    assert.deepEqual(await filterIds(graph, parties, WANTED, DOCUMENTS), ['document:d1', 'document:d4'])
    assert.deepEqual(await filterIds(graph, { ...parties, prefixes: [] }, WANTED, DOCUMENTS), [])
    assert.deepEqual(
      await filterIds(graph, { ...parties, prefixes: null }, WANTED, ['d2', 'd9', 'document:d3']),
      ['d2', 'document:d3'],
    )
  })

  it('are none where nothing can be decided', async () => {
    const graph = graphOf([{ object: 'document:d1', relation: 'viewer', user: 'user:u1' }])
    const parties = { user: 'u1', agents: [], prefixes: null }
    assert.deepEqual(await filterIds(graph, parties, WANTED, ['d1']), ['d1'])
    for (const wanted of [
      { type: 'paper', relation: 'viewer' },
      { type: 'document', relation: 'owner' },
    ])
      assert.deepEqual(await filterIds(graph, parties, wanted, ['d1', 'document:d1']), [])
    for (const id of ['', 'd1#viewer', 'document:d1#viewer', 'a:b', 'd1 ', '*'])
      assert.deepEqual(await filterIds(graph, parties, WANTED, [id]), [], JSON.stringify(id))
    assert.deepEqual(await filterIds(graph, { ...parties, user: '*' }, WANTED, ['d1']), [])
    assert.deepEqual(await filterIds(graph, { ...parties, user: 'u1#x' }, WANTED, ['d1']), [])
  })

  it('are named with or without their type', () => {
    assert.equal(objectOf('document', 'd1'), 'document:d1')
    assert.equal(objectOf('document', 'document:d1'), 'document:d1')
  })

  it('are limited by every link, and a limit said many times over costs no more', () => {
    const often = Array.from({ length: 128 }, () => 'document:')
    assert.deepEqual(narrowest(Array.from({ length: 16 }, () => often)), ['document:'])
    assert.deepEqual(
      narrowest([undefined, ['document:a', 'folder:'], undefined, ['document:', 'folder:x']]),
      ['document:a', 'folder:x'],
    )
    assert.deepEqual(narrowest([['document:a'], ['document:b']]), [])
    assert.equal(narrowest([undefined]), null)
  })
})
