import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { EntityStore } from '../entities/entity-store.ts'
import { wasmOracle } from '../oracle/wasm-oracle.ts'
import { compile } from '../policy-set.ts'
import { Datetime, Duration, parseDatetime, parseDuration } from './datetime.ts'
import { Decimal, parseDecimal } from './decimal.ts'
import { EvaluationFailure } from './failure.ts'
import { callExtension, extensionFunctions } from './functions.ts'
import { parseIp } from './ip.ts'

const fails = (work: () => unknown) => assert.throws(work, (failure) => failure instanceof EvaluationFailure)
const day = 86_400_000

test('decimal: four digits, i64 of ten-thousandths', () => {
  assert.equal(parseDecimal('-0.5').units, -5000)
  assert.equal(parseDecimal('000.0001').units, 1)
  assert.equal(parseDecimal('922337203685477.5807').units, 2n ** 63n - 1n)
  assert.equal(parseDecimal('-922337203685477.5808').units, -(2n ** 63n))
  for (const bad of ['1', '1.', '.5', '1.23456', '+1.0', '1.0 ', '--1.0', '٣.٠', '922337203685477.5808', ''])
    fails(() => parseDecimal(bad))
})

test('decimal text comes back as the same value', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), (units) =>
      assert.equal(parseDecimal(new Decimal(units).toString()).units, units),
    ),
    { seed: 5 },
  )
})

test('ip: versions, ranges and the spellings that are refused', () => {
  assert.ok(parseIp('10.1.2.3').isInRange(parseIp('10.0.0.0/8')))
  assert.ok(!parseIp('10.0.0.0/7').isInRange(parseIp('10.0.0.0/8')))
  assert.ok(!parseIp('::1').isInRange(parseIp('0.0.0.0/0')))
  assert.ok(
    parseIp('::1').isLoopback() && parseIp('127.9.9.9').isLoopback() && !parseIp('127.0.0.0/7').isLoopback(),
  )
  assert.ok(
    parseIp('ff02::1').isMulticast() &&
      parseIp('239.1.1.1').isMulticast() &&
      !parseIp('fe80::1').isMulticast(),
  )
  assert.equal(parseIp('1:2:3:4:5:6:7::').address, parseIp('1:2:3:4:5:6:7:0').address)
  assert.notEqual(parseIp('10.0.0.1/8').canonicalKey, parseIp('10.0.0.0/8').canonicalKey)
  const bad = [
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.256',
    '01.2.3.4',
    '1.2.3.4/33',
    '1.2.3.4/08',
    '1.2.3.4/',
    '::ffff:1.2.3.4',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4::5:6:7:8',
    '1:2:3:4:5:6:7',
    'fe80::1%eth0',
    '',
    '/8',
    '::1/129',
    `${'0'.repeat(44)}`,
  ]
  for (const text of bad) fails(() => parseIp(text))
})

test('ip text comes back as the same value', () => {
  for (const text of ['10.0.0.1/8', '::', 'fe80::1/64', '1:2:3:4:5:6:7:8', '255.255.255.255/0']) {
    assert.equal(parseIp(parseIp(text).toString()).canonicalKey, parseIp(text).canonicalKey)
  }
})

test('datetime: calendar, offsets and times of day', () => {
  assert.equal(parseDatetime('1970-01-02').epochMilliseconds, day)
  assert.equal(
    parseDatetime('2024-10-15T11:35:00.250+0130').epochMilliseconds,
    Date.UTC(2024, 9, 15, 10, 5, 0, 250),
  )
  assert.equal(parseDatetime('2024-10-15T11:35:00-2359').epochMilliseconds, Date.UTC(2024, 9, 16, 11, 34))
  assert.equal(parseDatetime('0000-01-01').epochMilliseconds, -62_167_219_200_000)
  const bad = [
    '2023-02-29',
    '2024-13-01',
    '2024-00-01',
    '2024-01-00',
    '2024-01-01T00:00:00',
    '2024-01-01T24:00:00Z',
    '2024-01-01T00:60:00Z',
    '2024-01-01T00:00:60Z',
    '2024-01-01T00:00:00+2400',
    '2024-01-01T00:00:00+0060',
    '2024-01-01T00:00:00.12Z',
    '24-01-01',
    '2024-01-01 ',
    '+2024-01-01',
  ]
  for (const text of bad) fails(() => parseDatetime(text))
})

test('datetime: the day before 1970 ends at midnight too', () => {
  const late = parseDatetime('1969-12-31T23:00:00Z')
  assert.equal(late.toDate().epochMilliseconds, -day)
  assert.equal(late.toTime().milliseconds, 23 * 3_600_000)
  fails(() => new Datetime(-(2n ** 63n)).toDate())
  fails(() => new Datetime(2n ** 63n - 1n).offset(new Duration(1)))
  fails(() => new Datetime(2n ** 63n - 1n).durationSince(new Datetime(-1)))
  assert.equal(late.durationSince(parseDatetime('1970-01-01')).toString(), '-3600000ms')
})

test('duration: ordered parts, rounding toward zero', () => {
  assert.equal(parseDuration('1d2h3m4s5ms').milliseconds, 93_784_005)
  assert.equal(parseDuration('-90s').in('minutes'), -1)
  assert.equal(parseDuration('25h').in('days'), 1)
  assert.equal(parseDuration('-9223372036854775808ms').milliseconds, -(2n ** 63n))
  for (const bad of [
    '',
    '-',
    '1',
    '1h1d',
    '1d1d',
    '1.5h',
    '+1h',
    '1 h',
    '9223372036854775808ms',
    '106751991168d',
  ])
    fails(() => parseDuration(bad))
})

test('calls check the number and the types of arguments', () => {
  fails(() => callExtension('ip', []))
  fails(() => callExtension('ip', ['::1', '::1']))
  fails(() => callExtension('ip', [1]))
  fails(() => callExtension('isInRange', [parseIp('::1')]))
  fails(() => callExtension('isInRange', [parseIp('::1'), parseDecimal('1.0')]))
  fails(() => callExtension('lessThan', [parseDecimal('1.0'), 1]))
  fails(() => callExtension('toDate', [parseDuration('1d')]))
  fails(() => callExtension('offset', [parseDatetime('1970-01-01'), 1]))
  fails(() => callExtension('toString', ['x']))
  assert.equal(extensionFunctions.size, 22)
})

/** Texts near the grammars of all four constructors. */
const nearText = fc
  .array(
    fc.constantFrom(
      '0',
      '1',
      '9',
      '00',
      '10',
      '12',
      '24',
      '29',
      '31',
      '59',
      '60',
      '255',
      '256',
      '2024',
      '1970',
      'ff',
      '.',
      ':',
      '::',
      '/',
      '-',
      '+',
      'd',
      'h',
      'm',
      's',
      'ms',
      'T',
      'Z',
      ' ',
      '922337203685477',
    ),
    { maxLength: 9 },
  )
  .map((parts) => parts.join(''))
const shaped = fc.oneof(
  nearText,
  fc.tuple(fc.nat(99999), fc.nat(999999)).map(([a, b]) => `${a}.${b}`),
  fc
    .tuple(fc.nat(10000), fc.nat(14), fc.nat(32))
    .map(([y, m, d]) =>
      [String(y).padStart(4, '0'), String(m).padStart(2, '0'), String(d).padStart(2, '0')].join('-'),
    ),
  fc
    .tuple(
      fc.nat(25),
      fc.nat(61),
      fc.nat(61),
      fc.constantFrom('Z', '', '+0000', '-2359', '+2400', '.000Z', '.5Z'),
    )
    .map(([h, m, s, z]) => `2024-02-29T${[h, m, s].map((n) => String(n).padStart(2, '0')).join(':')}${z}`),
  fc.ipV4(),
  fc.ipV4Extended(),
  fc.ipV6(),
  fc.tuple(fc.ipV6(), fc.nat(130)).map(([a, p]) => `${a}/${p}`),
  fc
    .array(fc.tuple(fc.bigInt(0n, 2n ** 64n), fc.constantFrom('d', 'h', 'm', 's', 'ms')), { maxLength: 3 })
    .map((parts) => parts.map(([n, u]) => `${n}${u}`).join('')),
)

test('each constructor accepts exactly what cedar-wasm accepts', () => {
  const texts = fc.sample(shaped, { numRuns: 1200, seed: 11 })
  const policies = texts.flatMap((text) =>
    ['ip', 'decimal', 'datetime', 'duration'].map((fn) => {
      const call = `${fn}(${JSON.stringify(text)})`
      return `permit(principal, action, resource) when { ${call} == ${call} };`
    }),
  )
  const set = compile({ policies: policies.join('\n'), validate: 'none' })
  const ask = {
    principal: { type: 'U', id: 'u' },
    action: { type: 'Action', id: 'a' },
    resource: { type: 'U', id: 'u' },
    entities: new EntityStore(),
  }
  const ours = set.authorize(ask)
  assert.deepEqual(ours.reasons, wasmOracle(set).authorize(ask).reasons)
  assert.ok(ours.reasons.length > 200 && ours.errors.length > 1000)
})
