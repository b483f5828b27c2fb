import assert from 'node:assert/strict'
import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { describe, it } from 'node:test'
import { type Enforcer, type Grant, isSafeconductError } from '@safeconduct/protocol'
import fc from 'fast-check'
import { callerOf, isLocal, isSameCaller, markLocal, requireAccess, type Verdict, verdict } from './access.ts'
import { type Caller, route, type Who } from './route.ts'

const OWNER: Caller = { kind: 'owner', user: 'user-1', tenant: 't1', csrf: 'token' }
const CALLERS: Readonly<Record<Caller['kind'], Caller>> = {
  owner: OWNER,
  local: { kind: 'local', tenant: 't1' },
  anonymous: { kind: 'anonymous', tenant: 't1' },
  enforcer: { kind: 'enforcer', enforcer: {} as Enforcer, tenant: 't1' },
  agent: { kind: 'agent', grant: {} as Grant, proof: { kind: 'bearer', provenAt: null }, tenant: 't1' },
}

function request(headers: Record<string, string> = {}): IncomingMessage {
  const incoming = new IncomingMessage(new Socket())
  Object.assign(incoming.headers, headers)
  return incoming
}

type Verdicts = readonly [Verdict, Verdict, Verdict, Verdict, Verdict, Verdict]

/** Who → verdict for anonymous elsewhere, anonymous on this machine, local, owner, enforcement point, agent. */
const TRUTH: Readonly<Record<Who, Verdicts>> = {
  public: ['yes', 'yes', 'yes', 'yes', 'yes', 'yes'],
  loopback: ['no', 'yes', 'yes', 'yes', 'no', 'no'],
  local: ['no', 'no', 'yes', 'no', 'no', 'no'],
  reader: ['no', 'no', 'yes', 'yes', 'no', 'no'],
  owner: ['no', 'no', 'no', 'yes', 'no', 'no'],
  confirmed: ['no', 'no', 'ask', 'yes', 'no', 'no'],
  asker: ['no', 'no', 'yes', 'yes', 'yes', 'yes'],
  enforcer: ['no', 'no', 'no', 'no', 'yes', 'no'],
}

const peer = (address: string | undefined, host = 'localhost:7070') => ({ address, host })

describe('verdict', () => {
  it('is this table', () => {
    for (const [who, expected] of Object.entries(TRUTH) as [Who, readonly Verdict[]][]) {
      const elsewhere = '203.0.113.7'
      assert.deepEqual(
        [
          verdict(who, 'anonymous', peer(elsewhere)),
          verdict(who, 'anonymous', peer('127.0.0.1')),
          verdict(who, 'local', peer(undefined)),
          verdict(who, 'owner', peer(elsewhere)),
          verdict(who, 'enforcer', peer(elsewhere)),
          verdict(who, 'agent', peer(elsewhere)),
        ],
        expected,
        who,
      )
    }
  })

  it('takes a proxy on this machine, which asks under the public name, for what it is', () => {
    assert.equal(verdict('loopback', 'anonymous', peer('127.0.0.1', 'gate.example')), 'no')
    assert.equal(verdict('loopback', 'anonymous', peer('127.0.0.1', 'localhost.evil.example')), 'no')
  })

  it('takes nothing for this machine that only looks like it', () => {
    for (const remote of ['::1', '::ffff:127.0.0.1'])
      assert.equal(verdict('loopback', 'anonymous', peer(remote)), 'yes')
    for (const remote of [
      undefined,
      '',
      '127.0.0.2',
      '128.0.0.1',
      '127.0.0.1.evil.example',
      '::ffff:10.0.0.1',
    ]) {
      assert.equal(verdict('loopback', 'anonymous', peer(remote)), 'no', remote)
    }
  })

  it('is no for whatever is not in it', () => {
    fc.assert(
      fc.property(fc.string(), fc.constantFrom('anonymous', 'local', 'owner'), (who, caller) => {
        fc.pre(!(who in TRUTH))
        assert.equal(verdict(who as Who, caller as Caller['kind'], peer('127.0.0.1')), 'no')
      }),
    )
  })
})

describe('callerOf', () => {
  it('knows a request of the control socket by its mark, not by anything it says', () => {
    const marked = request()
    markLocal(marked)
    assert.equal(isLocal(marked), true)
    assert.deepEqual(
      callerOf(marked, () => assert.fail('no session is read'), 't1'),
      CALLERS.local,
    )
    const claiming = request({ 'x-local': 'true', host: 'localhost' })
    assert.equal(isLocal(claiming), false)
    assert.equal(callerOf(claiming, () => null, 't1').kind, 'anonymous')
  })

  it('takes the owner of another tenant for nobody', () => {
    const session = { user: 'user-1', tenant: 't2', csrf: 'token' }
    assert.deepEqual(
      callerOf(request(), () => session, 't1'),
      CALLERS.anonymous,
    )
    assert.deepEqual(
      callerOf(request(), () => ({ ...session, tenant: 't1' }), 't1'),
      OWNER,
    )
  })
})

describe('isSameCaller', () => {
  it('sees a session that ended or changed hands', () => {
    for (const [a, before] of Object.entries(CALLERS)) {
      for (const [b, now] of Object.entries(CALLERS))
        assert.equal(isSameCaller(before, now), a === b, `${a} ${b}`)
    }
    assert.equal(isSameCaller(OWNER, { ...OWNER, user: 'user-2' }), false)
    assert.equal(isSameCaller(OWNER, { ...OWNER, csrf: 'signed in again' }), true)
  })
})

describe('requireAccess', () => {
  const row = (method: 'GET' | 'POST', who: Who) =>
    route({ method, path: '/x', who, summary: 'A row.', handle: async () => ({}) })
  const refusal = (work: () => unknown): string => {
    try {
      work()
    } catch (error) {
      if (isSafeconductError(error)) return error.code
      throw error
    }
    return 'none'
  }

  it('says to each what would help: sign in, or ask the owner', () => {
    const of = (who: Who, caller: Caller) => refusal(() => requireAccess(row('GET', who), caller, request()))
    assert.equal(of('reader', CALLERS.anonymous), 'unauthenticated')
    assert.equal(of('owner', CALLERS.local), 'owner_session_required')
    assert.equal(of('local', OWNER), 'forbidden')
    assert.equal(of('reader', OWNER), 'none')
  })

  it('asks the owner’s page for the token with every change, and nobody else', () => {
    const post = (caller: Caller, headers: Record<string, string> = {}) =>
      refusal(() => requireAccess(row('POST', 'reader'), caller, request(headers)))
    assert.equal(post(OWNER), 'forbidden')
    assert.equal(post(OWNER, { 'x-csrf-token': 'token' }), 'none')
    assert.equal(post(CALLERS.local), 'none')
    assert.equal(
      refusal(() => requireAccess(row('POST', 'public'), OWNER, request())),
      'forbidden',
    )
    fc.assert(
      fc.property(fc.string(), (given) => {
        assert.equal(post(OWNER, { 'x-csrf-token': given }), given === 'token' ? 'none' : 'forbidden')
      }),
    )
  })
})
