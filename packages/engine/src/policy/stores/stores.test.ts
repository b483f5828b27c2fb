import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isSafeconductError, type JsonObject } from '@safeconduct/protocol'
import fc from 'fast-check'
import { askStore, compileStore, prepareSearch, type StoreQuestion, type StoreSource } from './index.ts'

const SOURCE: StoreSource = {
  schema: `
    entity team;
    entity user in [team] { role?: String, limit?: decimal };
    entity record in [team] { owner: user, status?: String, size?: Long };
    action read, share appliesTo { principal: [user], resource: [record], context: { hour?: Long } };
    action write appliesTo { principal: [user], resource: [record], context: { approved: Bool } };
    action delete appliesTo { principal: [user], resource: [record], context: { action: { soft?: Bool } } };`,
  policies: `
    @id("team-reads") permit(principal, action == Action::"read", resource) when { resource in team::"red" && principal in team::"red" };
    @id("owner-all") permit(principal, action, resource) when { resource.owner == principal };
    @id("archived") forbid(principal, action == Action::"write", resource) when { resource has status && resource.status == "archived" && !(principal has role && principal.role == "admin") };
    @id("approved-writes") permit(principal, action == Action::"write", resource) when { context.approved };
    @id("soft") @obligation("{\\"type\\":\\"notification\\",\\"properties\\":{\\"to\\":\\"owner\\"}}")
    permit(principal, action == Action::"delete", resource) when { context.action has soft && context.action.soft };
    @id("huge") forbid(principal, action == Action::"share", resource) when { resource has size && resource.size * 9223372036854775807 > 0 };`,
  entities: [
    { uid: { type: 'user', id: 'ann' }, parents: [{ type: 'team', id: 'red' }] },
    { uid: { type: 'user', id: 'bob' }, attrs: { role: 'admin' } },
    entity('r1', { owner: { type: 'user', id: 'ann' } }, 'red'),
    entity('r2', { owner: { type: 'user', id: 'bob' }, status: 'archived' }, 'red'),
    entity('r3', { owner: { type: 'user', id: 'bob' }, size: 2 }),
  ],
}
const store = compileStore(SOURCE)

function entity(id: string, attrs: JsonObject, team?: string): JsonObject {
  return {
    uid: { type: 'record', id },
    attrs,
    ...(team === undefined ? {} : { parents: [{ type: 'team', id: team }] }),
  }
}

function question(subject: string, action: string, resource: string, more: Partial<StoreQuestion> = {}) {
  const asked: StoreQuestion = {
    subject: { type: 'user', id: subject },
    action: { name: action },
    resource: { type: 'record', id: resource },
    ...more,
  }
  return asked
}

const allowed = (...asked: Parameters<typeof question>) => askStore(store, question(...asked)).allowed

const team = (at: number) => ({ type: 'team', id: `t${at}` })
const chain = (length: number) =>
  Array.from({ length }, (_, at) => ({ uid: team(at), parents: [{ __entity: team(at + 1) }] }))

describe('a policy store', () => {
  it('answers from its entities and says which policies decided', () => {
    assert.deepEqual(askStore(store, question('ann', 'read', 'r1')).policies, ['team-reads', 'owner-all'])
    assert.ok(allowed('ann', 'read', 'r2'))
    assert.ok(!allowed('ann', 'read', 'r3'))
    assert.ok(!allowed('nobody', 'read', 'r1'))
  })

  it('lays properties of the question over what it knows', () => {
    const archived = { resource: { type: 'record', id: 'r1', properties: { status: 'archived' } } }
    assert.ok(allowed('ann', 'write', 'r1'))
    assert.deepEqual(askStore(store, question('ann', 'write', 'r1', archived)).policies, ['archived'])
    const admin = { subject: { type: 'user', id: 'ann', properties: { role: 'admin' } } }
    assert.ok(allowed('ann', 'write', 'r1', { ...archived, ...admin }))
    // A parent stays, an undeclared property is not there.
    assert.ok(
      allowed('ann', 'read', 'r2', { subject: { type: 'user', id: 'ann', properties: { nonsense: null } } }),
    )
  })

  it('takes decimals and nulls as the schema means them and denies what does not fit', () => {
    const subject = (properties: JsonObject) => ({ subject: { type: 'user', id: 'ann', properties } })
    assert.ok(allowed('ann', 'read', 'r1', subject({ limit: 1.5, role: null })))
    assert.match(
      askStore(store, question('ann', 'read', 'r1', subject({ limit: 0.123456 }))).unfit ?? '',
      /decimal/,
    )
    assert.match(askStore(store, question('ann', 'read', 'r1', subject({ role: 7 }))).unfit ?? '', /string/)
    assert.ok(!allowed('ann', 'read', 'r1', { context: { hour: 'noon' } }))
    assert.ok(allowed('ann', 'read', 'r1', { context: { hour: 12, other: [null] } }))
  })

  it('denies unknown actions, types and names that Cedar cannot have', () => {
    for (const asked of [
      question('ann', 'fly', 'r1'),
      question('ann', 'read', 'r1', { subject: { type: 'robot', id: 'ann' } }),
      question('ann', 'read', 'r1', { resource: { type: 'user', id: 'ann' } }),
      question('ann', 'read', 'r1', { resource: { type: 'urn:x:"', id: 'r1' } }),
    ]) {
      const answer = askStore(store, asked)
      assert.equal(answer.allowed, false)
      assert.notEqual(answer.unfit, null)
    }
  })

  it('denies while a forbid errs, although the language would skip it', () => {
    const answer = askStore(store, question('bob', 'share', 'r3'))
    assert.equal(answer.allowed, false)
    assert.deepEqual(answer.policies, [])
    assert.deepEqual(
      answer.errors.map(({ id }) => id),
      ['huge'],
    )
    assert.ok(allowed('bob', 'share', 'r2'))
  })

  it('takes approval from whoever verified it, never from the question', () => {
    const asked = question('ann', 'write', 'r3', { context: { approved: true } })
    assert.equal(askStore(store, asked).allowed, false)
    assert.equal(askStore(store, asked, true).allowed, true)
    assert.equal(store.actions.get('write')?.approvable, true)
    assert.equal(store.actions.get('read')?.approvable, false)
  })

  it('names the obligations of the policies that decided', () => {
    const soft = (value: boolean) =>
      askStore(
        store,
        question('ann', 'delete', 'r3', { action: { name: 'delete', properties: { soft: value } } }),
      )
    assert.equal(soft(false).allowed, false)
    assert.deepEqual(structuredClone(soft(true).obligations), [
      { id: 'soft', type: 'notification', properties: { to: 'owner' } },
    ])
  })

  it('takes hierarchies of some hundred steps, and many parents', () => {
    const wide = Array.from({ length: 300 }, (_, at) => team(1000 + at))
    const schema = 'entity team in [team]; action read appliesTo { principal: [team], resource: [team] };'
    const policies = 'permit(principal, action, resource) when { principal in resource };'
    const entities = [...chain(250), { uid: team(-1), parents: [team(0), ...wide] }]
    const high = compileStore({ schema, policies, entities })
    const asked = (from: number, to: number) =>
      askStore(high, { subject: team(from), action: { name: 'read' }, resource: team(to) }).allowed
    assert.deepEqual([asked(-1, 250), asked(-1, 1299), asked(3, 2)], [true, true, false])
    const round = [...chain(20), { uid: team(20), parents: [team(0)] }]
    assert.throws(() => compileStore({ schema, policies, entities: round }), /its own ancestor/)
  })

  it('is refused when it is not valid', () => {
    for (const [change, message] of [
      [{ policies: 'permit(principal, action, resource) when { resource.ownr == principal };' }, /ownr/],
      [{ policies: '@obligation("{") permit(principal, action, resource);' }, /obligation/],
      [{ schema: 'entity user;;' }, /not valid/],
      [{ entities: [{ uid: { type: 'robot', id: 'x' } }] }, /robot/],
      [{ entities: [{ uid: 7 }] }, /not valid/],
      [{ policies: ' '.repeat(300_000) }, /longer/],
      [{ entities: chain(8000) }, /stacked higher/],
    ] as const) {
      assert.throws(
        () => compileStore({ ...SOURCE, ...change }),
        (error) =>
          isSafeconductError(error) && error.code === 'policy_invalid' && message.test(error.message),
      )
    }
  })
})

describe('searching a policy store', () => {
  const found = (search: Parameters<typeof prepareSearch>[1]) => {
    const prepared = prepareSearch(store, search)
    return prepared.candidates.filter((candidate) => prepared.ask(candidate)?.allowed === true)
  }
  const ann = { type: 'user', id: 'ann' }
  const r2 = { type: 'record', id: 'r2' }

  it('finds subjects, resources and actions', () => {
    assert.deepEqual(found({ kind: 'subject', type: 'user', action: { name: 'read' }, resource: r2 }), [
      'ann',
      'bob',
    ])
    assert.deepEqual(found({ kind: 'resource', type: 'record', action: { name: 'read' }, subject: ann }), [
      'r1',
      'r2',
    ])
    assert.deepEqual(found({ kind: 'action', subject: ann, resource: r2 }), ['read'])
    assert.deepEqual(found({ kind: 'action', subject: { type: 'user', id: 'bob' }, resource: r2 }), [
      'delete',
      'read',
      'share',
      'write',
    ])
  })

  it('finds nothing for what it does not know', () => {
    const stranger = { type: 'user', id: 'zoe' }
    assert.deepEqual(
      found({ kind: 'resource', type: 'record', action: { name: 'read' }, subject: stranger }),
      [],
    )
    assert.deepEqual(found({ kind: 'resource', type: 'boat', action: { name: 'read' }, subject: ann }), [])
    assert.deepEqual(found({ kind: 'subject', type: 'user', action: { name: 'fly' }, resource: r2 }), [])
    assert.deepEqual(found({ kind: 'action', subject: ann, resource: { type: 'boat', id: 'r2' } }), [])
  })

  it('says exactly what single questions say', () => {
    const id = fc.constantFrom('ann', 'bob')
    const action = fc.constantFrom('read', 'write', 'share', 'delete')
    const role = fc.option(fc.constantFrom('admin', 'clerk'), { nil: undefined })
    fc.assert(
      fc.property(id, action, role, fc.boolean(), (who, name, given, soft) => {
        const subject = {
          type: 'user',
          id: who,
          ...(given === undefined ? {} : { properties: { role: given } }),
        }
        const rest = { subject, action: { name, properties: { soft } }, context: { hour: 3 } }
        const each = ['r1', 'r2', 'r3'].filter(
          (record) => askStore(store, { ...rest, resource: { type: 'record', id: record } }).allowed,
        )
        assert.deepEqual(found({ kind: 'resource', type: 'record', ...rest }), each)
      }),
      { numRuns: 60 },
    )
  })

  it('reads what comes with the question once, not once for every candidate', () => {
    let reads = 0
    const context = {
      get hour() {
        reads++
        return 12
      },
    }
    const asked = { action: { name: 'read' }, context } as const
    assert.deepEqual(found({ kind: 'subject', type: 'user', resource: r2, ...asked }), ['ann', 'bob'])
    const candidates = store.ids.get('record')?.length ?? 0
    assert.deepEqual(found({ kind: 'resource', type: 'record', subject: ann, ...asked }), ['r1', 'r2'])
    assert.ok(reads > 0 && reads < 2 + candidates, String(reads))
  })

  it('spares candidates that cannot fit', () => {
    const prepared = prepareSearch(store, {
      kind: 'resource',
      type: 'record',
      action: { name: 'read' },
      subject: ann,
    })
    assert.equal(prepared.ask('r3'), null)
  })
})
