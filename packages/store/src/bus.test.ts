import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { test } from 'node:test'
import type { BusMessage } from '@safeconduct/engine'
import { createBus } from './bus.ts'
import { busConformance } from './conformance/ports.ts'

busConformance('in process', () => createBus())

const turn = () => new Promise((resolve) => setImmediate(resolve))
const message = (id: string): BusMessage => ({ type: 'revoked', tenant: 'acme', kind: 'agent', id })
const idOf = (one: BusMessage) => (one.type === 'revoked' ? one.id : one.type)

test('what listeners throw and reject with is reported', async () => {
  const errors: string[] = []
  const bus = createBus({ onError: (error) => errors.push(String(error)) })
  bus.subscribe(() => {
    throw new Error('thrown')
  })
  bus.subscribe(async () => Promise.reject(new Error('rejected')))
  bus.publish(message('1'))
  await turn()
  await turn()
  assert.deepEqual(errors, ['Error: thrown', 'Error: rejected'])
})

test('above the limit the oldest waiting messages are dropped', async () => {
  const bus = createBus({ limit: 3 })
  const seen: string[] = []
  bus.subscribe((one) => seen.push(idOf(one)))
  for (let at = 0; at < 10; at++) bus.publish(message(String(at)))
  await turn()
  assert.deepEqual(seen, ['7', '8', '9'])
})

test('a listener runs in the context of its subscription, not of the publisher', async () => {
  const context = new AsyncLocalStorage<string>()
  const bus = createBus()
  const seen: (string | undefined)[] = []
  bus.subscribe(() => seen.push(context.getStore()))
  context.run('subscriber', () => bus.subscribe(() => seen.push(context.getStore())))
  context.run('publisher', () => bus.publish(message('1')))
  await turn()
  assert.deepEqual(seen, [undefined, 'subscriber'])
})
