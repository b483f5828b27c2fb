import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ATTACKERS, generate, type LoginRow, PARAMETERS } from './generate.ts'
import { measure } from './measure.ts'

const small = { ...PARAMETERS.dev, users: 40 } as NonNullable<(typeof PARAMETERS)[string]>

test('the same seed makes the same logins, in the order of time; another makes others', () => {
  const one = generate(small, 5).rows
  assert.deepEqual(generate(small, 5).rows, one)
  assert.notDeepEqual(generate(small, 6).rows, one)
  assert.ok(one.length >= 40 * 12)
  assert.ok(one.every((row, i) => i === 0 || row.at >= (one[i - 1]?.at ?? 0)))
})

test('attackers know what their kind knows', () => {
  const world = generate(small, 7)
  const history = world.rows.filter(({ user }) => user === 3).slice(0, 12)
  const usual = (pick: (row: LoginRow) => string | number) => new Set(history.map(pick))
  for (let i = 0; i < 50; i++) {
    const at = (history.at(-1)?.at ?? 0) + i
    const [, vpn, targeted, very] = ATTACKERS.map((kind) => world.attack(kind, history, at))
    assert.ok(vpn !== undefined && targeted !== undefined && very !== undefined)
    assert.ok(vpn.hosting && usual(({ country }) => country).has(vpn.country))
    assert.ok(usual(({ asn }) => asn).has(targeted.asn) && targeted.browser.startsWith('Chrome'))
    assert.ok(usual(({ asn }) => asn).has(very.asn))
    assert.ok(usual(({ userAgent }) => userAgent).has(very.userAgent))
    assert.equal(very.key, null, 'no attacker has the key')
  }
})

test('catching more costs more, and the first login is always asked about', () => {
  const results = measure(small, 9)
  assert.equal(results.length, 4 * ATTACKERS.length * 3)
  for (let i = 0; i < results.length; i += 3) {
    const [most, more, least] = results.slice(i, i + 3)
    assert.ok(most !== undefined && more !== undefined && least !== undefined)
    assert.ok(most.mean >= more.mean && more.mean >= least.mean && least.mean >= 1)
  }
})
