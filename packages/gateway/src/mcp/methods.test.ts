import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { clientMethod, METHOD_TABLE, serverMethod } from './methods.ts'
import { REVISIONS } from './revisions.ts'

describe('the method table', () => {
  for (const method of [
    'tasks/get',
    'tasks/result',
    'sampling/createMessage',
    'tools/Call',
    'constructor',
    '__proto__',
    'toString',
    '',
  ]) {
    it(`denies ${JSON.stringify(method)} in every revision`, () => {
      for (const revision of REVISIONS) assert.equal(clientMethod(method, revision), null)
    })
  }

  it('knows no handshake on the stateless revision, and no discovery on the others', () => {
    for (const method of [
      'initialize',
      'ping',
      'logging/setLevel',
      'resources/subscribe',
      'resources/unsubscribe',
    ]) {
      assert.equal(clientMethod(method, '2026-07-28'), null)
      assert.notEqual(clientMethod(method, '2025-11-25'), null)
    }
    for (const method of ['server/discover', 'subscriptions/listen']) {
      assert.equal(clientMethod(method, '2025-11-25'), null)
      assert.notEqual(clientMethod(method, '2026-07-28'), null)
    }
  })

  it('decides one by one whatever carries a name or values to the server', () => {
    for (const method of ['tools/call', 'resources/read', 'prompts/get', 'completion/complete']) {
      for (const revision of REVISIONS) {
        const row = clientMethod(method, revision)
        assert.ok(row !== null && ['tool', 'resource', 'prompt'].includes(row.kind), method)
        assert.notEqual(row.subject, undefined)
      }
    }
    assert.equal(clientMethod('resources/subscribe', '2025-06-18')?.kind, 'resource')
  })

  it('has a name for every governed method and items for every list', () => {
    const rows = Object.entries(METHOD_TABLE.client)
    assert.ok(rows.length > 10)
    for (const [method, row] of rows) {
      if (['tool', 'resource', 'prompt'].includes(row.kind)) assert.notEqual(row.subject, undefined, method)
      assert.equal(row.kind === 'list', row.items !== undefined, method)
      assert.ok(row.revisions.length > 0)
      assert.equal(row.kind === 'notification', method.startsWith('notifications/'))
    }
  })

  it('has sampling off, and asks clients only for what they can do', () => {
    assert.equal(serverMethod('sampling/createMessage', '2025-11-25')?.rule, 'off')
    for (const [method, row] of Object.entries(METHOD_TABLE.server)) {
      if (row.kind === 'request' && row.rule !== 'answer') assert.notEqual(row.capability, undefined, method)
    }
    assert.equal(serverMethod('tools/call', '2025-11-25'), null)
    assert.equal(serverMethod('__proto__', '2025-11-25'), null)
  })
})
