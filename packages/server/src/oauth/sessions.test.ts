import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { describe, it } from 'node:test'
import { createSessions, SESSION_LIFETIME, SIGN_IN_LIFETIME, sameSecret } from './sessions.ts'

function harness(issuer = 'http://localhost:7070') {
  const clock = { time: 1_000_000, now: () => clock.time }
  const sessions = createSessions(clock, issuer)
  const cookies: string[] = []
  const res = {
    appendHeader: (_name: string, value: string) => cookies.push(value),
  } as unknown as ServerResponse
  const request = (cookie = (cookies.at(-1) ?? '').split(';')[0] ?? '') =>
    ({ headers: { cookie } }) as unknown as IncomingMessage
  return { clock, sessions, cookies, res, request }
}

describe('sessions', () => {
  it('begin once with a secret', () => {
    const { sessions, res, request } = harness()
    const secret = sessions.createSecret('t', 'ada')
    const session = sessions.begin(secret, res)
    assert.equal(session?.user, 'ada')
    assert.equal(sessions.begin(secret, res), null)
    assert.deepEqual(sessions.find(request()), session)
  })

  it('do not begin with a secret that has expired, and the secret is then gone', () => {
    const { sessions, res, clock } = harness()
    const secret = sessions.createSecret('t', 'ada')
    clock.time += SIGN_IN_LIFETIME
    assert.equal(sessions.begin(secret, res), null)
    clock.time -= SIGN_IN_LIFETIME
    assert.equal(sessions.begin(secret, res), null)
  })

  it('end with their time', () => {
    const { sessions, res, request, clock } = harness()
    sessions.begin(sessions.createSecret('t', 'ada'), res)
    clock.time += SESSION_LIFETIME - 1
    assert.ok(sessions.find(request()))
    clock.time += 1
    assert.equal(sessions.find(request()), null)
  })

  it('are not found by anything but their cookie, given once', () => {
    const { sessions, res, request, cookies } = harness()
    sessions.begin(sessions.createSecret('t', 'ada'), res)
    const [pair = ''] = (cookies[0] ?? '').split(';')
    assert.ok(sessions.find(request(`a=b; ${pair}; c=d`)))
    assert.ok(sessions.find(request(`${pair}; ${pair}`)))
    for (const cookie of [
      '',
      pair.slice(0, -1),
      `${pair}x`,
      pair.replace('=', '2='),
      `${pair}; safeconduct_session=x`,
    ]) {
      assert.equal(sessions.find(request(cookie)), null, cookie)
    }
  })

  it('carry Secure and the host prefix over https', () => {
    const { sessions, res, cookies } = harness('https://agents.example')
    sessions.begin(sessions.createSecret('t', 'ada'), res)
    assert.match(
      cookies[0] ?? '',
      /^__Host-safeconduct=[A-Za-z0-9_-]{43}; Path=\/; HttpOnly; SameSite=Lax; Secure$/,
    )
  })

  it('are dropped with their user, links included', () => {
    const { sessions, res, request } = harness()
    const unused = sessions.createSecret('t', 'ada')
    const others = sessions.createSecret('t', 'eve')
    sessions.begin(sessions.createSecret('t', 'ada'), res)
    sessions.drop('t', 'ada')
    assert.equal(sessions.find(request()), null)
    assert.equal(sessions.begin(unused, res), null)
    assert.ok(sessions.begin(others, res))
  })

  it('are bounded in number, the oldest going first', () => {
    const { sessions, res, cookies, request } = harness()
    const first = sessions.createSecret('t', 'ada')
    for (let at = 0; at < 16; at++) sessions.createSecret('t', 'ada')
    assert.equal(sessions.begin(first, res), null)
    for (let at = 0; at < 70; at++) sessions.begin(sessions.createSecret('t', 'ada'), res)
    const alive = cookies.filter((cookie) => sessions.find(request(cookie.split(';')[0])) !== null)
    assert.equal(alive.length, 64)
    assert.ok(!alive.includes(cookies[0] ?? ''))
  })

  it('have anti-forgery tokens of their own', () => {
    const { sessions, res } = harness()
    const one = sessions.begin(sessions.createSecret('t', 'ada'), res)
    const two = sessions.begin(sessions.createSecret('t', 'ada'), res)
    assert.notEqual(one?.csrf, two?.csrf)
  })
})

describe('sameSecret', () => {
  it('compares, also what differs in length', () => {
    assert.equal(sameSecret('a', 'a'), true)
    assert.equal(sameSecret('a', 'b'), false)
    assert.equal(sameSecret('a', 'aa'), false)
    assert.equal(sameSecret('', 'a'), false)
  })
})
