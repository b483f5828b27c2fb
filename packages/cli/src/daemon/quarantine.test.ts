import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { ControlEvent } from '@safeconduct/engine'
import { createQuarantine } from './quarantine.ts'

it('tells what is quarantined until something usable took its place', () => {
  const told: string[] = []
  const quarantine = createQuarantine((text) => told.push(text))
  let unusable = true
  quarantine.add({ kind: 'policy', id: 'pv_1', cause: new Error('line 1') })
  quarantine.add({ kind: 'tool', id: 'a/b', cause: null })
  quarantine.add({ kind: 'tool', id: 'a/c', cause: null })
  quarantine.add({ kind: 'policy store', id: 'docs', cause: null }, () => unusable)
  assert.deepEqual(quarantine.parts()[0], { kind: 'policy', id: 'pv_1', why: 'line 1' })
  assert.equal(told.length, 4)
  const event = (of: object) => of as ControlEvent
  quarantine.lift(event({ type: 'policy', tenant: 't', version: { id: 'pv_1', status: 'retired' } }))
  assert.ok(
    quarantine.parts().some(({ kind }) => kind === 'policy'),
    'nothing took its place',
  )
  quarantine.lift(event({ type: 'policy', tenant: 't', version: { id: 'pv_2', status: 'active' } }))
  quarantine.lift(event({ type: 'tool', tool: { id: 'a/b' } }))
  unusable = false
  assert.deepEqual(
    quarantine.parts().map(({ id }) => id),
    ['a/c'],
  )
})
