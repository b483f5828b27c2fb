import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { addressNumber } from './address.ts'
import { buildAsnTable, openAsnTable } from './asn-table.ts'
import { isHosting } from './hosting.ts'
import { createNetworks, type NetworkFiles } from './networks.ts'

const LINES = [
  '192.0.2.0,192.0.2.127,64500,"Example ""Net"", Inc."',
  '192.0.2.128,192.0.2.255,64501,Example Hosting',
  '198.51.100.0,198.51.100.255,64500,"Example ""Net"", Inc."',
  '2001:db8::,2001:db8:0:ffff:ffff:ffff:ffff:ffff,64502,Six',
  'not a line',
  '203.0.113.9,203.0.113.1,64503,Backwards',
  '203.0.113.9,203.0.113.9,99999999999,No number',
]

function table() {
  const builder = buildAsnTable()
  for (const line of LINES.toReversed()) builder.add(line)
  return builder.finish()
}

function folder(t: TestContext): string {
  const made = mkdtempSync(path.join(tmpdir(), 'safeconduct-networks-'))
  t.after(() => rmSync(made, { recursive: true, force: true }))
  return made
}

test('addresses sort as numbers; a mapped address is the one inside, what is no address is nothing', () => {
  assert.deepEqual(addressNumber('1.2.3.4'), { family: 4, value: 0x01020304 })
  assert.deepEqual(addressNumber('::ffff:1.2.3.4'), { family: 4, value: 0x01020304 })
  assert.deepEqual(addressNumber('2001:db8::1'), { family: 6, value: 0x20010db800000000n })
  for (const text of [
    '',
    '1.2.3',
    '1.2.3.4.5',
    '256.1.1.1',
    'fe80::1%eth0',
    '1٢.3.4.5',
    ':::',
    'a'.repeat(9999),
  ])
    assert.equal(addressNumber(text), null)
})

test('a table answers for the first and last address of each range and for none beside them', () => {
  const found = openAsnTable(table())
  assert.equal(found?.ranges, 4)
  const asn = (ip: string) => found?.lookup(ip)?.asn ?? null
  assert.deepEqual(
    ['192.0.1.255', '192.0.2.0', '192.0.2.127', '192.0.2.128', '192.0.2.255', '192.0.3.0'].map(asn),
    [null, 64500, 64500, 64501, 64501, null],
  )
  assert.deepEqual(['2001:db8::1', '2001:db8:1::'].map(asn), [64502, null])
  assert.equal(found?.lookup('198.51.100.7')?.organisation, 'Example "Net", Inc.')
})

test('a table that was cut or changed is not opened', () => {
  const whole = table()
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), fc.boolean(), (at, by, cut) => {
      const broken = cut ? whole.slice(0, at) : whole.slice()
      if (!cut) broken[at] = (broken[at] ?? 0) ^ by
      assert.equal(openAsnTable(broken), null)
    }),
  )
})

test('any ranges without overlap are found as a scan finds them', () => {
  const range = fc.tuple(fc.nat(255), fc.nat(255), fc.integer({ min: 1, max: 70000 }))
  fc.assert(
    fc.property(
      fc.uniqueArray(range, { selector: ([third]) => third, maxLength: 40 }),
      fc.nat(65535),
      (ranges, probe) => {
        const builder = buildAsnTable()
        for (const [third, last, asn] of ranges) builder.add(`10.9.${third}.0,10.9.${third}.${last},${asn},x`)
        const [third, last] = [probe >> 8, probe & 255]
        const expected = ranges.find(([one, end]) => one === third && last <= end)?.[2] ?? null
        assert.equal(openAsnTable(builder.finish())?.lookup(`10.9.${third}.${last}`)?.asn ?? null, expected)
      },
    ),
  )
})

test('who rents out machines is told from who sells access', () => {
  for (const name of ['Example Hosting', 'Hetzner Online GmbH', 'DigitalOcean, LLC', 'Example VPS Ltd'])
    assert.equal(isHosting(name), true, name)
  for (const name of [
    'Deutsche Telekom AG',
    'Example Broadband',
    'Ghost Town Council',
    'Cloud Mobile Telecom',
  ])
    assert.equal(isHosting(name), false, name)
})

test('nothing is known before it is loaded; compiled once, kept, and read again', async (t) => {
  const cache = path.join(folder(t), 'cache')
  const list = path.join(folder(t), 'asn.csv')
  writeFileSync(list, LINES.join('\n'))
  const files: NetworkFiles = { country: null, asn: [list], version: '1/../x' }
  const warned: string[] = []
  const open = () => createNetworks({ cache, files, warn: (text) => warned.push(text) })
  const first = open()
  assert.equal(first.lookup('192.0.2.200'), null)
  await first.load()
  const facts = { country: null, asn: 64501, org: 'Example Hosting', hosting: true }
  assert.deepEqual(first.lookup('192.0.2.200'), facts)
  const [kept = ''] = readdirSync(cache)
  assert.deepEqual(readdirSync(cache).length, 1)
  rmSync(list)
  const second = open()
  await second.load()
  assert.deepEqual(second.lookup('::ffff:192.0.2.200'), facts)
  // A kept table that is broken is made again; without its list there is none, and that is said.
  writeFileSync(path.join(cache, kept), readFileSync(path.join(cache, kept)).subarray(0, 50))
  const third = open()
  await third.load()
  assert.equal(third.lookup('192.0.2.200'), null)
  assert.equal(warned.length, 1)
})

test('countries come from the package that is installed', async (t) => {
  const shipped = createNetworks({ cache: folder(t) })
  await shipped.close()
  const networks = createNetworks({
    cache: folder(t),
    files: {
      country: import.meta.dirname.replace(
        /packages.*/,
        'node_modules/@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb',
      ),
      asn: null,
      version: '',
    },
  })
  await networks.load()
  assert.equal(networks.lookup('193.0.6.139')?.country, 'NL')
  assert.equal(networks.lookup('127.0.0.1'), null)
  assert.equal(networks.lookup('x'), null)
})

test('what was unknown before everything was read is looked up again', async (t) => {
  const cache = path.join(folder(t), 'cache')
  const list = path.join(folder(t), 'asn.csv')
  writeFileSync(list, LINES.join('\n'))
  const networks = createNetworks({ cache, files: { country: null, asn: [list], version: '1' } })
  const loading = networks.load()
  for (let i = 0; i < 10_000; i++) networks.lookup(`10.0.${i >> 8}.${i & 255}`)
  networks.lookup('192.0.2.200')
  await loading
  assert.equal(networks.lookup('192.0.2.200')?.asn, 64501)
  for (let i = 0; i < 10_000; i++) networks.lookup(`10.0.${i >> 8}.${i & 255}`)
  assert.equal(networks.lookup('192.0.2.200')?.asn, 64501)
  assert.equal(networks.lookup('192.0.2.200'), networks.lookup('192.0.2.200'), 'kept')
})
