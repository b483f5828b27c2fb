import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { RelationsError } from '../errors.ts'
import { modelFromJson, modelToJson } from './json.ts'

const DSL = `model
  schema 1.1
type user
type group
  relations
    define member: [user, group#member]
type folder
  relations
    define owner: [user]
    define viewer: [user, user:* with hours, group#member] or owner
type document
  relations
    define blocked: [user]
    define parent: [folder]
    define viewer: ([user] or viewer from parent) but not blocked
    define auditor: [user] and viewer
condition hours(now: timestamp, end: timestamp) {
  now < end
}
`

const refusal = (json: unknown) => {
  try {
    modelFromJson(json)
  } catch (error) {
    assert.ok(error instanceof RelationsError, String(error))
    return `${error.code}: ${error.message}`
  }
  return 'taken'
}

describe('a model as JSON', () => {
  it('says the same as its text, there and back', () => {
    const json = modelToJson(DSL)
    assert.deepEqual(modelToJson(modelFromJson(json)), json)
    // As clients send what they read, and as proto3 JSON leaves empty members.
    assert.deepEqual(modelToJson(modelFromJson({ ...json, id: 'x', conditions: json.conditions })), json)
  })

  it('is refused when a name could be read as more than a name', () => {
    const types = (...names: string[]) => ({
      schema_version: '1.1',
      type_definitions: names.map((type) => ({ type })),
    })
    assert.equal(refusal(types('user')), 'taken')
    for (const name of ['user\ntype admin', 'a:b', 'a#b', '', 'a b', 'a\u0000'])
      assert.match(refusal(types(name)), /model_invalid.*is not a type name/, JSON.stringify(name))
    assert.match(refusal(types('user', 'user')), /twice/)
    const relation = { type: 'doc', relations: { 'a\n    define b': { this: {} } } }
    assert.match(refusal({ schema_version: '1.1', type_definitions: [relation] }), /not a relation name/)
  })

  it('is refused when it is of another schema, or no model', () => {
    assert.match(refusal({ schema_version: '1.0', type_definitions: [{ type: 'user' }] }), /schema_version/)
    for (const json of [null, [], 'model', {}, { schema_version: '1.1', type_definitions: 'x' }])
      assert.match(refusal(json), /^model_/)
  })

  it('is refused when an expression would end early and say more', () => {
    const expression = 'now < end\n}\ncondition more(now: timestamp) {\n  now == now'
    const json = modelToJson(DSL)
    const hours = { name: 'hours', expression, parameters: { now: { type_name: 'TYPE_NAME_TIMESTAMP' } } }
    assert.match(refusal({ ...json, conditions: { hours } }), /^model_/)
  })
})
