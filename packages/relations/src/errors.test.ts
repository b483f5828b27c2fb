import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { RelationStore, RelationsError, type RelationsErrorCode } from './index.ts'
import { nearest } from './model/nearest.ts'
import { parseObject, parseUser } from './names.ts'

const MODEL = `model
  schema 1.1
type user
type group
  relations
    define member: [user, group#member]
type document
  relations
    define viewer: [user, group#member]
`
const code = (wanted: RelationsErrorCode) => (error: unknown) =>
  error instanceof RelationsError && error.code === wanted

function ready(limits = {}): RelationStore {
  const store = new RelationStore({ limits })
  store.writeModel(MODEL)
  return store
}

describe('bad input', () => {
  it('an id can be read in one way only', () => {
    for (const bad of [
      'user:a:b',
      'user:a#b',
      'user:',
      ':a',
      'user',
      'user:a b',
      'user:a\n',
      '',
      'us er:a',
      'user:\ud800',
      'user:*',
      '#a:b',
    ])
      assert.equal(parseObject(bad), undefined, bad)
    for (const bad of [
      'group:a#',
      'group:a#b#c',
      'group:*#member',
      'group:a#b:c',
      'group:a#*',
      7,
      null,
      `user:${'a'.repeat(600)}`,
    ])
      assert.equal(parseUser(bad), undefined, String(bad))
    assert.deepEqual(parseUser('user:a@b.example'), {
      type: 'user',
      name: 'user:a@b.example',
      wildcard: false,
    })
    assert.deepEqual(parseUser('group:a#member'), {
      type: 'group',
      name: 'group:a',
      relation: 'member',
      wildcard: false,
    })
    assert.equal(parseUser('user:*')?.wildcard, true)
  })

  it('injected separators are refused everywhere and change nothing', async () => {
    const store = ready()
    const viewer = { object: 'document:1', relation: 'viewer' }
    for (const user of [
      'user:a#member',
      'user:a:b',
      'user:a@user:b#x',
      'user:*',
      'group:a#nothing',
      'robot:1',
    ]) {
      assert.throws(() => store.write([{ ...viewer, user }]), code('invalid_tuple'), user)
    }
    assert.throws(
      () => store.write([{ object: 'document:1#viewer', relation: 'viewer', user: 'user:a' }]),
      code('invalid_tuple'),
    )
    assert.throws(() => store.check({ ...viewer, object: 'document:*', user: 'user:a' }), code('validation'))
    assert.throws(() => store.check({ ...viewer, user: 'user:a#b:c' }), code('validation'))
    const listing = { type: 'document', relation: 'viewer', user: 'user:a' }
    await assert.rejects(
      store.listObjects({ ...listing, candidates: ['document:1', 'group:1'] }),
      code('validation'),
    )
    await assert.rejects(
      store.listObjects({ ...listing, parent: { relation: 'viewr', object: 'group:1' } }),
      code('relation_not_found'),
    )
    assert.equal(store.size.objects, 0)
  })

  it('a model that cannot be read says where, and what was probably meant', () => {
    const store = new RelationStore()
    assert.throws(
      () => store.writeModel(MODEL.replace('viewer: [user,', 'viewer: [usr,')),
      (error: unknown) => {
        assert.ok(error instanceof RelationsError)
        assert.equal(error.code, 'model_invalid')
        assert.deepEqual(error.problems[0]?.position, { line: 9, column: 21 })
        assert.equal(error.problems[0]?.didYouMean, 'user')
        return true
      },
    )
    assert.throws(() => store.writeModel('model\n  schema 1.1\ntype'), code('model_syntax'))
    assert.throws(() => store.writeModel('x'.repeat(300_000)), code('model_syntax'))
    assert.throws(
      () => store.check({ object: 'document:1', relation: 'viewer', user: 'user:a' }),
      code('model_not_found'),
    )
  })

  it('conditions that do not fit are refused with the model', () => {
    const refused = (expression: string, parameters = 'x: int') => {
      const dsl = `${MODEL.replace('viewer: [user,', 'viewer: [user with c,')}condition c(${parameters}) {\n  ${expression}\n}\n`
      assert.throws(() => new RelationStore().writeModel(dsl), code('model_invalid'), expression)
    }
    refused('x + 1')
    refused('x == "text"')
    refused('y < 3')
    refused('s.matches("(a+)+$")', 's: string')
    const lists = 'xs: list<int>, ys: list<int>, s: string'
    refused('xs.all(x, ys.exists(y, x == y))', lists)
    refused('xs.filter(x, xs.all(y, x <= y)).size() > 0', lists)
    refused('xs.map(x, xs + xs).map(l, l + l).size() > 0', lists)
    refused('cel.bind(a, xs + xs, cel.bind(b, a + a, size(b) > 0))', lists)
    refused('s.split("").all(c, c != "x")', lists)
    refused(`xs.all(x, size(${Array(40).fill('xs').join(' + ')}) > x)`, lists)
    refused(Array(5).fill('xs.all(x, x > 0)').join(' && '), lists)
    for (const taken of [
      'xs.all(x, x in ys)',
      'xs.filter(x, x > 1).map(x, x * 2).exists(x, x > 2)',
      'xs.exists_one(x, x == 1) && ys.all(y, y > 0)',
    ]) {
      const store = new RelationStore()
      store.writeModel(
        `${MODEL.replace('viewer: [user,', 'viewer: [user with c,')}condition c(${lists}) {\n  ${taken}\n}\n`,
      )
      const tuple = { object: 'document:1', relation: 'viewer', user: 'user:a' }
      store.write([{ ...tuple, condition: { name: 'c', context: { ys: [1, 2], s: '' } } }])
      const given = (xs: number[]) => ({ ...tuple, context: { xs } })
      assert.equal(store.check(given([1, 2])).allowed, true, taken)
      const many = Array.from({ length: 1001 }, () => 1)
      assert.throws(() => store.check(given(many)), code('validation'))
    }
  })

  it('unknown names get a hint', () => {
    assert.equal(nearest('documnt', ['user', 'document']), 'document')
    assert.equal(nearest('zebra', ['user', 'document']), undefined)
    assert.throws(
      () => ready().check({ object: 'document:1', relation: 'viewr', user: 'user:a' }),
      /did you mean viewer/,
    )
  })

  it('every bound is kept', async () => {
    const store = ready({
      maxTuplesPerWrite: 2,
      maxChecksPerBatch: 1,
      maxContextualTuples: 1,
      maxCandidates: 1,
      maxPageSize: 5,
      maxModels: 1,
    })
    const check = { object: 'document:1', relation: 'viewer', user: 'user:a' }
    assert.throws(() => store.write([check, check, check]), code('limit_exceeded'))
    await assert.rejects(store.batchCheck([check, check]), code('limit_exceeded'))
    assert.throws(() => store.check({ ...check, contextualTuples: [check, check] }), code('limit_exceeded'))
    const listing = { type: 'document', relation: 'viewer', user: 'user:a' }
    await assert.rejects(
      store.listObjects({ ...listing, candidates: ['document:1', 'document:2'] }),
      code('limit_exceeded'),
    )
    await assert.rejects(store.listObjects({ ...listing, pageSize: 6 }), code('limit_exceeded'))
    await assert.rejects(store.listObjects({ ...listing, pageSize: 0 }), code('validation'))
    assert.throws(() => store.writeModel(MODEL), code('limit_exceeded'))
    assert.throws(() => new RelationStore({ limits: { maxDepth: 5000 } }), code('validation'))
  })

  it('1,000 groups in one another: too deep for one check, found by a listing, found by a deeper check', async () => {
    const nested = Array.from({ length: 1000 }, (_, i) => ({
      object: `group:${i}`,
      relation: 'member',
      user: `group:${i + 1}#member`,
    }))
    const ends = [
      { object: 'document:1', relation: 'viewer', user: 'group:0#member' },
      { object: 'group:1000', relation: 'member', user: 'user:a' },
    ]
    const check = { object: 'document:1', relation: 'viewer', user: 'user:a' }
    const store = ready()
    store.write([...nested, ...ends])
    assert.throws(() => store.check(check), code('resolution_too_complex'))
    assert.deepEqual((await store.listObjects({ type: 'document', ...check })).results, ['document:1'])
    const deep = ready({ maxDepth: 1100 })
    deep.write([...nested, ...ends])
    assert.equal(deep.check(check).allowed, true)
    assert.equal(deep.check({ ...check, user: 'user:b' }).allowed, false)
    const small = ready({ maxDepth: 1100, maxWork: 100 })
    small.write([...nested, ...ends])
    assert.throws(() => small.check(check), code('resolution_too_complex'))
  })

  it('nested exclusions use up the depth, not the stack', () => {
    const store = new RelationStore({ limits: { maxDepth: 2000 } })
    store.writeModel(`model
  schema 1.1
type user
type folder
  relations
    define parent: [folder]
    define owner: [user]
    define viewer: (owner or viewer from parent) but not owner
`)
    store.write(
      Array.from({ length: 3000 }, (_, i) => ({
        object: `folder:${i}`,
        relation: 'parent',
        user: `folder:${i + 1}`,
      })),
    )
    const check = { object: 'folder:0', relation: 'viewer', user: 'user:a' }
    assert.throws(() => store.check(check), code('resolution_too_complex'))
  })

  it('cycles end, and grant nothing through but not', async () => {
    const store = new RelationStore()
    store.writeModel(`model
  schema 1.1
type user
type document
  relations
    define viewer: [user, document#viewer] but not restricted
    define restricted: [user, document#viewer]
`)
    store.write([
      { object: 'document:1', relation: 'viewer', user: 'user:a' },
      { object: 'document:1', relation: 'restricted', user: 'document:1#viewer' },
      { object: 'document:2', relation: 'viewer', user: 'document:3#viewer' },
      { object: 'document:3', relation: 'viewer', user: 'document:2#viewer' },
      { object: 'document:4', relation: 'viewer', user: 'user:a' },
      { object: 'document:5', relation: 'viewer', user: 'document:4#viewer' },
      { object: 'document:5', relation: 'restricted', user: 'document:2#viewer' },
    ])
    const allowed = [1, 2, 3, 4, 5].filter(
      (i) => store.check({ object: `document:${i}`, relation: 'viewer', user: 'user:a' }).allowed,
    )
    assert.deepEqual(allowed, [4, 5])
    const { results } = await store.listObjects({ type: 'document', relation: 'viewer', user: 'user:a' })
    assert.deepEqual([...results].sort(), ['document:4', 'document:5'])
  })
})
