import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { modelFromJson, modelToJson, RelationStore, RelationsError } from '../index.ts'
import { MAX_MODEL_NESTING } from '../limits.ts'
import { withoutIdleBrackets } from './brackets.ts'
import { parseModel } from './parse.ts'

const model = (...definitions: string[]) => `model
  schema 1.1
type user
type document
  relations
    define a: [user]
    define b: [user]
    define c: [user]
${definitions.map((one, at) => `    define v${at}: ${one}`).join('\n')}
`
const around = (depth: number, inner: string) => '('.repeat(depth) + inner + ')'.repeat(depth)

describe('brackets of definitions', () => {
  it('go where they stand directly around others, and nothing moves', () => {
    for (const [given, wanted] of [
      ['define v: ((a or b))', 'define v:  (a or b) '],
      ['define v: ( ( (a) ) ) or b', 'define v:     (a)     or b'],
      ['define v: ((a) or b)', 'define v: ((a) or b)'],
      ['define v: ((a) or (b))', 'define v: ((a) or (b))'],
      ['define v: a # ((b))', 'define v: a # ((b))'],
      ['define v: a # ((b', 'define v: a # ((b'],
      ['  ((a == 1)) && ((b == 2))', '  ((a == 1)) && ((b == 2))'],
    ])
      assert.equal(withoutIdleBrackets(`x\n${given}\ny`), `x\n${wanted}\ny`)
  })

  it('mean what they meant', () => {
    const plain = parseModel(model('a or b', '(a or b) but not c', 'a and (b but not c)'))
    const many = model(
      around(MAX_MODEL_NESTING, 'a or b'),
      `((${around(20, 'a or b')})  but not ((c)))`,
      `(a) and ( (${around(20, 'b but not c')}) )`,
    )
    const store = new RelationStore()
    const { dsl } = store.writeModel(many)
    assert.equal(dsl, many, 'the text stays as it was written')
    assert.deepEqual(parseModel(many), plain)
    assert.deepEqual(parseModel(modelFromJson(modelToJson(many))), plain)
  })

  it('have a partner on their line', () => {
    for (const [definition, column] of [
      ['(a or (b)', 16],
      ['a or (b', 21],
      ['(a or b)) and c', 24],
      [')', 16],
    ] as const)
      assert.throws(
        () => new RelationStore().writeModel(model('a', definition)),
        (error: unknown) => {
          assert.ok(error instanceof RelationsError)
          assert.equal(error.code, 'model_syntax')
          assert.deepEqual(error.problems[0]?.position, { line: 10, column })
          return true
        },
        definition,
      )
  })

  it('are refused by place where they are nested too deeply, for which no parser has to run', () => {
    for (const depth of [MAX_MODEL_NESTING + 1, 1000, 100_000])
      for (const deep of [
        around(depth, 'a'),
        `${'('.repeat(depth)}a${' but not b)'.repeat(depth)}`,
        '('.repeat(depth),
      ]) {
        const text = model('a', deep)
        if (text.length > 256 * 1024) continue
        assert.throws(
          () => new RelationStore().writeModel(text),
          (error: unknown) => {
            assert.ok(error instanceof RelationsError)
            assert.equal(error.code, 'model_invalid')
            assert.deepEqual(error.problems[0]?.position, { line: 10, column: 16 + MAX_MODEL_NESTING })
            return true
          },
        )
      }
    let rewrite: object = { computedUserset: { relation: 'a' } }
    for (let i = 0; i < 1000; i++)
      rewrite = { difference: { base: rewrite, subtract: { computedUserset: { relation: 'b' } } } }
    const json = { ...modelToJson(model('a')) }
    const types = json.type_definitions as { type: string; relations?: Record<string, object> }[]
    for (const type of types) if (type.relations?.v0 !== undefined) type.relations.v0 = rewrite
    assert.throws(
      () => modelFromJson(json),
      (error: unknown) => error instanceof RelationsError && error.code === 'model_invalid',
    )
  })
})
