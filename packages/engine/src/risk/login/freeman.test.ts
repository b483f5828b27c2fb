import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decode, encode } from '../../plain.ts'
import {
  countLogin,
  emptyLogins,
  freemanScore,
  type Login,
  type LoginCounts,
  REFERENCE_WEIGHTS,
} from './freeman.ts'

/** A row of the public RBA schema, the columns that the score reads. */
interface Row {
  readonly userid: string
  readonly ip: string
  readonly asn: string
  readonly country: string
  readonly ua: string
  readonly browser: string
  readonly os: string
  readonly device: string
}

const CHAINS = [
  ['ip', 'asn', 'country'],
  ['ua', 'browser', 'os', 'device'],
] as const

/** The definition of the reference, over rows and without any counts kept. */
function bruteForce(login: Row, all: readonly Row[], users: number): number {
  const own = all.filter((row) => row.userid === login.userid)
  const unique = (rows: readonly Row[], columns: readonly (keyof Row)[]) =>
    columns.reduce((sum, column) => sum + new Set(rows.map((row) => row[column])).size, 1)
  const likelihood = (rows: readonly Row[], chain: readonly (keyof Row)[], k: number, smoothing: boolean) => {
    const column = chain[k] as keyof Row
    const count = rows.filter((row) => row[column] === login[column]).length
    const unseen = smoothing || count === 0 ? unique(rows, chain.slice(k + 1)) : 0
    if (count > 0) return (count / rows.length) * (1 - unseen / (rows.length + unseen))
    return smoothing ? 1 / (rows.length + unseen) : 0
  }
  let score = 1
  CHAINS.forEach((chain, feature) => {
    const side = (rows: readonly Row[], smoothFirst: boolean) =>
      chain.reduce((sum, column, k) => {
        const smoothing = smoothFirst && k === 0
        const within = rows.filter((row) => row[column] === login[column])
        const weight = REFERENCE_WEIGHTS[feature]?.[k] ?? 0
        return sum + weight * likelihood(within, chain, k, smoothing) * likelihood(rows, chain, k, smoothing)
      }, 0)
    const global = side(all, true)
    const local = side(own, false)
    score *= global / (local === 0 ? global / 4 : local)
  })
  return (score * (1 / users)) / (own.length / all.length)
}

const loginOf = (row: Row): Login => CHAINS.map((chain) => chain.map((column) => row[column]))

const rows = fc.array(
  fc.record({
    userid: fc.constantFrom('u1', 'u2', 'u3'),
    ip: fc.constantFrom('192.0.2.1', '192.0.2.2', '198.51.100.1', '203.0.113.1'),
    asn: fc.constantFrom('1', '2', '__proto__'),
    country: fc.constantFrom('NO', 'DE'),
    ua: fc.constantFrom('a', 'b', 'c', 'constructor'),
    browser: fc.constantFrom('Chrome 1', 'Chrome 2', 'Firefox 1'),
    os: fc.constantFrom('Windows 10', 'iOS 13'),
    device: fc.constantFrom('desktop', 'mobile'),
  }),
  { minLength: 2, maxLength: 40 },
)

function counted(all: readonly Row[], limit = 1000): LoginCounts {
  const counts = emptyLogins()
  for (const row of all) countLogin(counts, loginOf(row), limit)
  return counts
}

test('the score is the one that the definition gives over all rows, number for number', () => {
  fc.assert(
    fc.property(rows, fc.integer({ min: 1, max: 50 }), (all, users) => {
      const [login] = all
      if (login === undefined) return
      const strange = { ...login, ip: 'never', ua: 'never', browser: 'never', os: 'never', device: 'never' }
      for (const each of [login, strange, { ...strange, asn: 'never', country: 'never' }]) {
        const ours = freemanScore(
          loginOf(each),
          counted(all.filter((row) => row.userid === each.userid)),
          counted(all),
          users,
        )
        const theirs = bruteForce(each, all, users)
        assert.ok(Math.abs(ours - theirs) <= 1e-12 * theirs, `${ours} is not ${theirs}`)
      }
    }),
    { numRuns: 300 },
  )
})

test('counts stay bounded; what is forgotten still counts for its network and country', () => {
  const counts = emptyLogins()
  for (let i = 0; i < 5000; i++)
    countLogin(
      counts,
      [
        [`ip${i}`, 'as1', 'NO'],
        ['ua', 'b', 'o', 'd'],
      ],
      100,
    )
  assert.ok((counts.features[0]?.levels[0]?.size ?? 0) <= 100)
  assert.ok((counts.features[0]?.below.size ?? 0) <= 100)
  assert.equal(counts.features[0]?.levels[1]?.get('as1'), 5000)
})

test('counts in a snapshot score as before', () => {
  fc.assert(
    fc.property(rows, (all) => {
      const [login] = all
      if (login === undefined) return
      const [user, everybody] = [counted([login]), counted(all)]
      const again = (counts: LoginCounts) => decode(JSON.parse(JSON.stringify(encode(counts)))) as LoginCounts
      const score = (u: LoginCounts, e: LoginCounts) => freemanScore(loginOf(login), u, e, 3)
      assert.equal(score(again(user), again(everybody)), score(user, everybody))
    }),
  )
})
