import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { isSafeconductError } from './errors.ts'
import { narrowDetails, toolCovers } from './narrow.ts'
import { type ArgumentLimit, type TaskDetails, taskDetailsSchema } from './task.ts'

const type = 'safeconduct_task'
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined })
const tool = fc.constantFrom('m/*', 'm/a', 'm/b', 'n/*', 'n/c', '__proto__')
const limit = fc.record(
  {
    max: fc.integer({ min: -3, max: 3 }),
    min: fc.integer({ min: -3, max: 3 }),
    prefix: fc.constantFrom('', 'a', 'ab'),
    oneOf: fc.subarray(['x', 'y', 1, true] as (string | number | boolean)[]),
  },
  { requiredKeys: [] },
)
const details: fc.Arbitrary<TaskDetails> = fc
  .record(
    {
      tools: optional(fc.array(tool, { maxLength: 3 })),
      servers: optional(fc.subarray(['m', 'n'])),
      resources: optional(fc.subarray(['file:///', 'file:///a', 'db://'])),
      expires: optional(fc.integer({ min: 1, max: 4 })),
      budget: optional(
        fc.record(
          {
            calls: fc.nat(4),
            writes: fc.nat(4),
            sums: fc.dictionary(fc.constantFrom('s', 'constructor'), fc.nat(4)),
          },
          { requiredKeys: [] },
        ),
      ),
      argument_limits: optional(
        fc.dictionary(
          fc.constantFrom('m/a', 'toString'),
          fc.dictionary(fc.constantFrom('q', 'valueOf'), limit),
        ),
      ),
    },
    { requiredKeys: [] },
  )
  .map((members) => taskDetailsSchema.parse({ type, ...stripUndefined(members) }))

function stripUndefined(value: object): object {
  return JSON.parse(JSON.stringify(value))
}

const TOOLS = ['m/a', 'm/b', 'n/c', '__proto__', 'm/zzz']
const allowsTool = (d: TaskDetails, name: string) =>
  d.tools === undefined || d.tools.some((t) => toolCovers(t, name))
const allowsValue = (l: ArgumentLimit | undefined, v: string | number | boolean) =>
  l === undefined ||
  ((l.max === undefined || (typeof v === 'number' && v <= l.max)) &&
    (l.min === undefined || (typeof v === 'number' && v >= l.min)) &&
    (l.prefix === undefined || (typeof v === 'string' && v.startsWith(l.prefix))) &&
    (l.oneOf === undefined || l.oneOf.includes(v)))
const own = <T>(r: Record<string, T> | undefined, k: string) => (r && Object.hasOwn(r, k) ? r[k] : undefined)

/** Everything `inner` lets through, `outer` lets through: checked by trying, not by comparing descriptions. */
function assertInside(outer: TaskDetails, inner: TaskDetails): void {
  for (const name of TOOLS) if (allowsTool(inner, name)) assert.ok(allowsTool(outer, name), `tool ${name}`)
  for (const name of ['m', 'n', 'z']) {
    if (!inner.servers || inner.servers.includes(name))
      assert.ok(!outer.servers || outer.servers.includes(name))
  }
  for (const uri of ['file:///', 'file:///ab', 'file:///b', 'db://x', 'http://']) {
    const allows = (d: TaskDetails) => d.resources === undefined || d.resources.some((p) => uri.startsWith(p))
    if (allows(inner)) assert.ok(allows(outer), `resource ${uri}`)
  }
  assert.ok((inner.expires ?? Infinity) <= (outer.expires ?? Infinity), 'expires')
  assert.ok((inner.budget?.calls ?? Infinity) <= (outer.budget?.calls ?? Infinity), 'calls')
  assert.ok((inner.budget?.writes ?? Infinity) <= (outer.budget?.writes ?? Infinity), 'writes')
  for (const key of ['s', 'constructor']) {
    assert.ok(
      (own(inner.budget?.sums, key) ?? Infinity) <= (own(outer.budget?.sums, key) ?? Infinity),
      'sums',
    )
  }
  for (const name of ['m/a', 'toString']) {
    for (const path of ['q', 'valueOf']) {
      for (const value of ['x', 'y', 'a', 'ab', 'abc', true, 1, -3, 0, 3]) {
        const reach = (d: TaskDetails) => allowsValue(own(own(d.argument_limits, name), path), value)
        if (reach(inner)) assert.ok(reach(outer), `limit ${name} ${path} ${String(value)}`)
      }
    }
  }
}

describe('narrowDetails', () => {
  it('never widens, whatever the chain', () => {
    let narrowed = 0
    fc.assert(
      fc.property(details, fc.array(details, { minLength: 1, maxLength: 4 }), (root, steps) => {
        let held = root
        for (const step of steps) {
          try {
            held = narrowDetails(held, step)
            narrowed++
          } catch (error) {
            assert.ok(isSafeconductError(error) && error.code === 'widening')
          }
          assertInside(root, held)
        }
      }),
      { numRuns: 2000 },
    )
    assert.ok(narrowed > 200, 'the property saw real narrowing')
  })

  it('inherits what the child leaves out', () => {
    const parent: TaskDetails = { type, task: 't', tools: ['m/a'], expires: 5, budget: { calls: 3 } }
    assert.deepEqual(narrowDetails(parent, { type }), parent)
  })

  it('keeps the parent bounds of an argument the child limits in another way', () => {
    const narrowed = narrowDetails(
      { type, argument_limits: { 'm/a': { q: { max: 10 } } } },
      { type, argument_limits: { 'm/a': { q: { min: 2 } } } },
    )
    assert.deepEqual(narrowed.argument_limits, { 'm/a': { q: { max: 10, min: 2 } } })
  })

  it('refuses another task or intent', () => {
    assert.throws(() => narrowDetails({ type, task: 'a' }, { type, task: 'b' }), { code: 'widening' })
    assert.throws(() => narrowDetails({ type }, { type, intent_digest: 'b' }), { code: 'widening' })
  })
})
