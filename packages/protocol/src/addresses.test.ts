import assert from 'node:assert/strict'
import { BlockList } from 'node:net'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { isLoopbackAddress, isPublicAddress } from './addresses.ts'

describe('isPublicAddress', () => {
  it('takes globally routable unicast addresses', () => {
    for (const address of [
      '1.1.1.1',
      '93.184.215.14',
      '2606:4700::1111',
      '2a00:1450:4001::1',
      '2606:4700:0:0:0:0:0:1111',
    ]) {
      assert.equal(isPublicAddress(address), true, address)
    }
  })

  const refused: Record<string, readonly string[]> = {
    loopback: ['127.0.0.1', '127.255.255.254', '::1', '::ffff:127.0.0.1', '::ffff:7f00:1'],
    unspecified: ['0.0.0.0', '0.1.2.3', '::', '::ffff:0.0.0.0'],
    private: [
      '10.0.0.1',
      '172.16.0.1',
      '172.31.255.255',
      '192.168.1.1',
      '::ffff:10.0.0.1',
      'fc00::1',
      'fd12::1',
    ],
    'link-local and metadata services': [
      '169.254.169.254',
      '::ffff:169.254.169.254',
      'fe80::1',
      'fe80::1%eth0',
    ],
    'carrier-grade NAT': ['100.64.0.1', '100.127.255.255'],
    'documentation and tests': [
      '192.0.2.1',
      '198.51.100.7',
      '203.0.113.9',
      '198.18.0.1',
      '198.19.255.255',
      '2001:db8::1',
      '3fff::1',
    ],
    'multicast, broadcast, reserved': [
      '224.0.0.1',
      '239.255.255.255',
      '255.255.255.255',
      '240.0.0.1',
      'ff02::1',
      '192.88.99.1',
    ],
    'IPv4 in disguise': [
      '::ffff:8.8.8.8',
      '::ffff:808:808',
      '::8.8.8.8',
      '64:ff9b::7f00:1',
      '64:ff9b::a00:1',
      '2002:7f00:1::',
      '2001:0:4136:e378::',
      '::7f00:1',
      '::ffff:0:127.0.0.1',
    ],
    'other spellings': ['0177.0.0.1', '0x7f.0.0.1', '2130706433', '127.1', '0x7f000001', '1.1.1', '01.1.1.1'],
    'not addresses': [
      '',
      'localhost',
      'example.com',
      '1.1.1.1 ',
      '1.1.1.1/8',
      '[::1]',
      '256.1.1.1',
      '1.1.1.1%1',
    ],
  }
  for (const [what, addresses] of Object.entries(refused)) {
    it(`refuses ${what}`, () => {
      for (const address of addresses) assert.equal(isPublicAddress(address), false, address)
    })
  }

  it('judges every IPv4 address as the system does that would connect to it', () => {
    const special = new BlockList()
    for (const [net, bits] of [
      ['10.0.0.0', 8],
      ['127.0.0.0', 8],
      ['169.254.0.0', 16],
      ['172.16.0.0', 12],
    ] as const)
      special.addSubnet(net, bits, 'ipv4')
    const near = fc.constantFrom('10', '127', '169.254', '172.15', '172.16', '172.31', '172.32', '9', '11')
    fc.assert(
      fc.property(near, fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255)), (start, rest) => {
        const address = `${start}.${rest.join('.')}`.split('.').slice(0, 4).join('.')
        assert.equal(isPublicAddress(address), !special.check(address, 'ipv4'), address)
      }),
    )
  })

  it('judges every spelling of an IPv6 address alike', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(0xffff), { minLength: 8, maxLength: 8 }), (groups) => {
        const long = groups.map((group) => group.toString(16).padStart(4, '0')).join(':')
        const short = new URL(`http://[${long}]`).hostname.slice(1, -1)
        assert.equal(isPublicAddress(long), isPublicAddress(short))
        assert.equal(isPublicAddress(long.toUpperCase()), isPublicAddress(short))
        const first = groups[0] ?? 0
        if (first < 0x2000 || first > 0x3fff) assert.equal(isPublicAddress(short), false)
      }),
    )
  })

  it('never throws', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.ipV6()), (text) => typeof isPublicAddress(text) === 'boolean'),
    )
  })
})

describe('isLoopbackAddress', () => {
  it('knows this machine in both families', () => {
    for (const address of ['127.0.0.1', '127.8.8.8', '::1', '0:0:0:0:0:0:0:1']) {
      assert.equal(isLoopbackAddress(address), true, address)
    }
    for (const address of ['10.0.0.1', '1.1.1.1', '::2', '::ffff:127.0.0.1', '0177.0.0.1', 'localhost', '']) {
      assert.equal(isLoopbackAddress(address), false, address)
    }
  })
})
