import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ARGUMENT_KIND_NAMES, toolCorrections } from '@safeconduct/protocol'
import { corrected } from './corrections.ts'
import { deriveRoles, emptyFlow, trace } from './index.ts'
import { ARGUMENT_KINDS } from './lexicon.ts'

const roles = deriveRoles({
  name: 'pump_start',
  description: 'Start a pump.',
  inputSchema: { properties: { pump: { type: 'string' }, remark: { type: 'string' } } },
})

test('kinds on the wire are the kinds of the derivation, and two more', () => {
  const derived = ARGUMENT_KINDS.map(({ kind }) => kind)
  assert.deepEqual([...ARGUMENT_KIND_NAMES].sort(), [...derived, 'object', 'scalar'].sort())
})

test('single facts and arguments are replaced, the rest stays', () => {
  const told = toolCorrections.parse({
    destructive: true,
    reversible: false,
    args: { remark: 'command', pump: 'free' },
  })
  const found = corrected(roles, told)
  assert.deepEqual([found.destructive, found.reversible, found.effect], [true, false, roles.effect])
  assert.deepEqual([found.args.remark?.weight, found.args.remark?.sink], [1, true])
  assert.deepEqual([found.args.pump?.sink, found.args.pump?.freeText], [false, true])
  assert.deepEqual(corrected(roles, null), roles)
})

test('a tool that is told to be a read steers nothing but addresses', () => {
  const read = corrected(roles, { effect: 'read', args: { pump: 'url' } })
  const call = { server: 's', tool: 'pump_start', roles: read, args: { remark: 'x', pump: 'pump.example' } }
  assert.deepEqual(
    trace(emptyFlow('Look at the pump.'), call).labels.map(({ kind, sink }) => [kind, sink]),
    [['url', true]],
  )
})

test('what is no correction is refused where it is told', () => {
  for (const wrong of [{ effect: 'both' }, { args: { a: 'magic' } }, { trusted: true }])
    assert.equal(toolCorrections.safeParse(wrong).success, false)
})
