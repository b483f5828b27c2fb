/**
 * @module Revocation reaches what already stands open, whoever revoked and on whatever path: a client that gave its token
 * back, a refresh token used twice, the owner.
 */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { epoch, host, TENANT } from '../../packages/engine/src/testing/world.ts'

it('a raised epoch is told to whoever holds streams and calls open, once; nothing else is', async () => {
  const at = host()
  const ended: string[] = []
  at.ports.bus.subscribe((message) => {
    if (message.type === 'revoked') ended.push(`${message.kind} ${message.id}`)
  })
  const tell = (kind: 'task' | 'delegation', id: string, number: number) =>
    at.decider.control({ type: 'epoch', tenant: TENANT, ref: epoch(kind, id, number) })
  tell('delegation', 'new-link', 3)
  tell('task', 'task-1', 1)
  assert.deepEqual(ended, [])
  tell('task', 'task-1', 2)
  tell('task', 'task-1', 2)
  tell('task', 'task-1', 1)
  tell('delegation', 'new-link', 4)
  assert.deepEqual(ended, ['task task-1', 'delegation new-link'])
  await at.decider.close()
})
