import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isSafeconductError } from '@safeconduct/protocol'
import fc from 'fast-check'
import { createStateSeal, type StateBinding } from './request-state.ts'

const binding: StateBinding = {
  subject: ['acme', 'agent-1', 'user-1', 'client-1'],
  server: 'server-1',
  method: 'tools/call',
  name: 'pay',
  args: { amount: 5, to: 'ada' },
}
const refused = (attempt: () => unknown) =>
  assert.throws(attempt, (error) => isSafeconductError(error) && error.code === 'invalid_params')

function world(ttl = 1_000) {
  const clock = { time: 0, now: () => clock.time }
  return { clock, seal: createStateSeal(clock, ttl) }
}

describe('sealed request state', () => {
  it('opens to what was sealed, and says nothing of it', () => {
    const { seal } = world()
    const text = seal.seal(binding, { upstream: 'opaque secret' })
    assert.ok(!Buffer.from(text, 'base64url').toString('latin1').includes('opaque'))
    assert.deepEqual({ ...seal.open(binding, text) }, { upstream: 'opaque secret' })
  })

  it('opens whatever the order of the arguments', () => {
    const { seal } = world()
    const text = seal.seal(binding, {})
    seal.open({ ...binding, args: { to: 'ada', amount: 5 } }, text)
  })

  it('opens once', () => {
    const { seal } = world()
    const text = seal.seal(binding, {})
    seal.open(binding, text)
    refused(() => seal.open(binding, text))
  })

  it('expires', () => {
    const { seal, clock } = world(1_000)
    const text = seal.seal(binding, {})
    clock.time = 1_000
    refused(() => seal.open(binding, text))
  })

  const others: Readonly<Record<string, Partial<StateBinding>>> = {
    'another agent': { subject: ['acme', 'agent-2', 'user-1', 'client-1'] },
    'another user': { subject: ['acme', 'agent-1', 'user-2', 'client-1'] },
    'another tenant': { subject: ['evil', 'agent-1', 'user-1', 'client-1'] },
    'parts shifted between fields': { subject: ['acme', 'agent-1', 'user-1'], server: 'client-1' },
    'another server': { server: 'server-2' },
    'another method': { method: 'prompts/get' },
    'another tool': { name: 'pay2' },
    'other arguments': { args: { amount: 500, to: 'ada' } },
    'no arguments': { args: {} },
  }
  for (const [name, extra] of Object.entries(others)) {
    it(`does not open for ${name}, and is not used up by the attempt`, () => {
      const { seal } = world()
      const text = seal.seal(binding, {})
      refused(() => seal.open({ ...binding, ...extra }, text))
      seal.open(binding, text)
    })
  }

  it('does not open in another process', () => {
    const text = world().seal.seal(binding, {})
    refused(() => world().seal.open(binding, text))
  })

  it('does not open after any change of any byte', () => {
    const { seal } = world()
    const text = seal.seal(binding, { a: 1 })
    const bytes = Buffer.from(text, 'base64url')
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const changed = Buffer.from(bytes)
        changed.writeUInt8((changed.readUInt8(at) ^ mask) & 0xff, at)
        refused(() => seal.open(binding, changed.toString('base64url')))
      }),
    )
  })

  for (const text of ['', 'x', 'äöü', `${'A'.repeat(40)}=`, null, 7, {}] as const) {
    it(`refuses ${JSON.stringify(text)}`, () => refused(() => world().seal.open(binding, text)))
  }
})
