import assert from 'node:assert/strict'
import { test } from 'node:test'
import { densities } from './bound.ts'
import { ATTACKERS, generate, type LoginRow, PARAMETERS } from './generate.ts'
import { askedOf, intervalsOf } from './intervals.ts'
import { ARMS, BOUNDS, measure, resultsOf } from './measure.ts'

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
  const users = measure(small, 9)
  const results = resultsOf(users)
  assert.equal(results.length, (ARMS.length + BOUNDS.length) * ATTACKERS.length * 3)
  for (let i = 0; i < results.length; i += 3) {
    const [most, more, least] = results.slice(i, i + 3)
    assert.ok(most !== undefined && more !== undefined && least !== undefined)
    assert.ok(most.mean >= more.mean && more.mean >= least.mean && least.mean >= 1)
    const [asked] = askedOf(users, most.arm, most.attacker, [most.tpr])
    assert.deepEqual(asked, { median: most.median, mean: most.mean })
    const [interval] = intervalsOf([users], most.arm, most.attacker, [most.tpr])
    assert.ok(interval !== undefined && interval.mean[0] <= interval.mean[1] && interval.mean[0] >= 1)
  }
})

test('nobody does better than who knows how the logins are made', () => {
  const users = measure({ ...small, users: 300 }, 11)
  for (const attacker of ATTACKERS) {
    const [bound] = askedOf(users, 'bound', attacker, [0.9])
    const [asking] = askedOf(users, 'bound, new is asked', attacker, [0.9])
    assert.ok(bound !== undefined && asking !== undefined && bound.mean <= asking.mean)
    for (const arm of ARMS) {
      const [asked] = askedOf(users, arm, attacker, [0.9])
      assert.ok(asked !== undefined && bound.mean <= asked.mean + 0.05, `${arm}, ${attacker}`)
    }
  }
})

test('the densities are those of the generator', () => {
  const world = generate(small, 13)
  const known = densities(small, world.networks)
  const atHome = world.rows.find((row) => {
    const before = world.drawnFrom.get(row)?.before
    return (
      before !== undefined && before.journey === 0 && row.ip === `${before.home.asn}.${before.homeAddress}`
    )
  })
  assert.ok(atHome !== undefined)
  const drawn = world.drawnFrom.get(atHome)
  assert.ok(drawn !== undefined)
  // Round trips and hours are all that varies: what they are at must add up to the chance of the rest.
  const rest = (row: LoginRow) => {
    let sum = 0
    for (let hour = 0; hour < 24; hour++)
      for (let ms = 1; ms < 2000; ms += 2)
        sum +=
          2 * known.genuine({ ...row, at: dayStart(row) + hour * 3_600_000, roundTripMs: ms }, drawn.before)
    return sum
  }
  const chance = rest(atHome)
  assert.ok(chance > 0.2 && chance <= 1, String(chance))
  assert.ok(rest({ ...atHome, ip: `${atHome.asn}.999999` }) < chance / 1000, 'another address of the network')
  for (const row of world.rows) {
    const circumstances = world.drawnFrom.get(row)
    assert.ok(circumstances !== undefined)
    // A key of a device that came in between is the one thing that is not looked at: nobody who attacks has one.
    if (row.key === null) assert.ok(known.genuine(row, circumstances.before) > 0)
    else assert.equal(known.attack('very targeted', row, [row]), 0)
  }
})

function dayStart({ at }: LoginRow): number {
  return at - (at % 86_400_000)
}
