import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { RelationStore, type Tuple } from '../index.ts'

const tuple = (object: string, relation: string, user: string): Tuple => ({ object, relation, user })

describe('what a walk remembers', () => {
  it('is never a no that only a cycle gave', async () => {
    const store = new RelationStore()
    store.writeModel(`model
  schema 1.1
type user
type document
  relations
    define parent: [document]
    define ok: [user]
    define owner: [user]
    define viewer: owner or (ok and viewer from parent)
`)
    // a → b → e → a is a cycle, looked at before a → c → d, which grants.
    store.write([
      tuple('document:a', 'parent', 'document:c'),
      tuple('document:a', 'parent', 'document:b'),
      tuple('document:b', 'parent', 'document:e'),
      tuple('document:e', 'parent', 'document:a'),
      tuple('document:c', 'parent', 'document:d'),
      tuple('document:d', 'owner', 'user:u'),
      ...['a', 'b', 'c', 'e'].map((id) => tuple(`document:${id}`, 'ok', 'user:u')),
    ])
    for (const order of ['abce', 'baec', 'ecba', 'ceba', 'aebc']) {
      const candidates = [...order].map((id) => `document:${id}`)
      const request = { type: 'document', relation: 'viewer', user: 'user:u', candidates }
      assert.deepEqual((await store.listObjects(request)).results, candidates, order)
    }
  })
})

describe('why', () => {
  const store = new RelationStore()
  store.writeModel(`model
  schema 1.1
type user
type group
  relations
    define member: [user, group#member]
type folder
  relations
    define viewer: [group#member]
type document
  relations
    define parent: [folder]
    define blocked: [user, user:*]
    define pardoned: [user]
    define banned: blocked but not pardoned
    define reader: viewer from parent
    define signed: [user]
    define viewer: (reader and signed) but not banned
`)
  const needed = [
    tuple('group:a', 'member', 'user:u'),
    tuple('group:b', 'member', 'group:a#member'),
    tuple('folder:x', 'viewer', 'group:b#member'),
    tuple('document:1', 'parent', 'folder:x'),
    tuple('document:1', 'signed', 'user:u'),
    tuple('document:1', 'pardoned', 'user:u'),
  ]
  store.write([
    ...needed,
    tuple('document:1', 'blocked', 'user:*'),
    tuple('document:1', 'signed', 'user:v'),
    tuple('group:b', 'member', 'user:v'),
  ])
  const question = { object: 'document:1', relation: 'viewer', user: 'user:u' }

  it('names the tuples of a shortest way, and the one that lifts a ban', () => {
    const why = store.why(question)
    const key = (one: Tuple) => JSON.stringify([one.object, one.relation, one.user])
    assert.deepEqual(why?.tuples.map(key).sort(), needed.map(key).sort())
    assert.deepEqual(why?.proof, {
      holds: 'document:1#viewer',
      by: 'exclusion',
      proof: {
        holds: 'document:1#viewer',
        by: 'intersection',
        proofs: [
          {
            holds: 'document:1#viewer',
            by: 'computed',
            proof: {
              holds: 'document:1#reader',
              by: 'from',
              tuple: needed[3],
              proof: {
                holds: 'folder:x#viewer',
                by: 'userset',
                tuple: needed[2],
                proof: {
                  holds: 'group:b#member',
                  by: 'userset',
                  tuple: needed[1],
                  proof: { holds: 'group:a#member', by: 'tuple', tuple: needed[0] },
                },
              },
            },
          },
          {
            holds: 'document:1#viewer',
            by: 'computed',
            proof: { holds: 'document:1#signed', by: 'tuple', tuple: needed[4] },
          },
        ],
      },
    })
  })

  it('says nothing of what is not so, and tells contextual tuples as they came', () => {
    assert.equal(store.why({ ...question, user: 'user:v' }), undefined)
    const contextualTuples = [{ ...tuple('document:1', 'pardoned', 'user:v'), expiresAt: 9e12 }]
    const why = store.why({ ...question, user: 'user:v', contextualTuples })
    assert.ok(why?.tuples.some((one) => one.expiresAt === 9e12))
  })

  it('of a userset is itself', () => {
    assert.deepEqual(store.why({ object: 'group:a', relation: 'member', user: 'group:a#member' }), {
      proof: { holds: 'group:a#member', by: 'itself' },
      tuples: [],
    })
  })
})
