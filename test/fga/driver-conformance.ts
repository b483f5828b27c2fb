/**
 * What every driver of relations must do. The model is the same everywhere:
 * `group.member: [user, group#member]`, `document.blocked: [user]`,
 * `document.viewer: ([user, user:*, group#member]) but not blocked`.
 * @module
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { SafeconductError } from '@safeconduct/protocol'
import { fetchFacts, type RelationDriver } from '@safeconduct/server'

export const MODEL = `model
  schema 1.1
type user
type group
  relations
    define member: [user, group#member]
type document
  relations
    define blocked: [user]
    define direct: [user, user:*, group#member]
    define viewer: direct but not blocked
`

export interface Opened {
  readonly driver: RelationDriver
  close(): Promise<void>
}

const row = (user: string, relation: string, object: string) => ({ user, relation, object })
const refusal = (work: Promise<unknown>) =>
  work.then(
    () => 'taken',
    (error) => (error instanceof SafeconductError ? error.code : String(error)),
  )

export function driverConformance(name: string, open: () => Promise<Opened>): void {
  describe(`relation driver conformance: ${name}`, () => {
    let opened: Opened
    let driver: RelationDriver
    before(async () => {
      opened = await open()
      driver = opened.driver
      await driver.write(
        [
          row('user:ann', 'member', 'group:inner'),
          row('group:inner#member', 'member', 'group:outer'),
          row('group:outer#member', 'direct', 'document:plan'),
          row('user:*', 'direct', 'document:open'),
          row('user:ann', 'direct', 'document:fees'),
          row('user:ann', 'blocked', 'document:fees'),
        ],
        [],
      )
    })
    after(() => opened.close())

    it('answers many questions in their order', async () => {
      const questions = [
        row('user:ann', 'viewer', 'document:plan'),
        row('user:bob', 'viewer', 'document:plan'),
        row('user:bob', 'viewer', 'document:open'),
        row('user:ann', 'viewer', 'document:fees'),
        row('user:ann', 'viewer', 'document:unknown'),
        row('group:inner#member', 'viewer', 'document:plan'),
      ]
      assert.deepEqual(await driver.check(questions), [true, false, true, false, false, true])
      const many = Array.from({ length: 130 }, (_, i) =>
        row('user:ann', 'viewer', i % 3 === 0 ? 'document:plan' : 'document:fees'),
      )
      assert.deepEqual(
        await driver.check(many),
        many.map(({ object }) => object === 'document:plan'),
      )
      assert.deepEqual(await driver.check([]), [])
    })

    it('says neither yes nor no to what it cannot decide', async () => {
      const [unknown] = await driver.check([row('user:ann', 'nothing', 'document:plan')])
      assert.equal(unknown, null)
      const facts = await fetchFacts(driver, [row('user:ann', 'nothing', 'document:plan')], 'r1')
      assert.throws(() => facts.check('user:ann', 'nothing', 'document:plan'))
    })

    it('gives facts for a turn, and none that were not fetched', async () => {
      const asked = [row('user:ann', 'viewer', 'document:plan'), row('user:bob', 'viewer', 'document:plan')]
      const facts = await fetchFacts(driver, [...asked, ...asked], 'r1')
      assert.equal(facts.revision, 'r1')
      assert.equal(facts.check('user:ann', 'viewer', 'document:plan'), true)
      assert.equal(facts.check('user:bob', 'viewer', 'document:plan'), false)
      assert.throws(() => facts.check('user:ann', 'viewer', 'document:open'))
    })

    it('lists objects', async () => {
      const found: string[] = []
      for await (const object of driver.listObjects({
        user: 'user:ann',
        relation: 'viewer',
        type: 'document',
      }))
        found.push(object)
      assert.deepEqual(found.sort(), ['document:open', 'document:plan'])
    })

    it('writes all or nothing, and is asked afresh', async () => {
      const fresh = row('user:eve', 'direct', 'document:new')
      const there = row('user:ann', 'direct', 'document:fees')
      assert.equal(await refusal(driver.write([fresh, there], [])), 'conflict')
      assert.equal(
        await refusal(driver.write([fresh], [row('user:eve', 'direct', 'document:none')])),
        'conflict',
      )
      const asked = [row('user:eve', 'viewer', 'document:new')]
      assert.deepEqual(await driver.check(asked), [false])
      await driver.write([fresh], [])
      assert.deepEqual(await driver.check(asked), [true])
      await driver.write([], [fresh])
      assert.deepEqual(await driver.check(asked), [false])
      assert.equal(
        await refusal(driver.write([row('document:plan', 'direct', 'document:new')], [])),
        'invalid_params',
      )
    })
  })
}
