import assert from 'node:assert/strict'
import type { LookupAddress } from 'node:dns'
import { describe, it } from 'node:test'
import { isSafeconductError } from '@safeconduct/protocol'
import { checkUpstreamUrl, guardedLookup } from './address.ts'

const ssrf = (error: unknown) => isSafeconductError(error) && error.code === 'ssrf_refused'

describe('URLs of servers', () => {
  for (const url of ['https://example.com/mcp', 'https://93.184.216.34/']) {
    it(`takes ${url}`, () => assert.equal(checkUpstreamUrl(url, false).href, url))
  }
  for (const url of [
    'http://example.com/',
    'https://127.0.0.1/',
    'https://[::1]/',
    'https://user:secret@example.com/',
    'file:///etc/passwd',
    'https://2130706433/',
    'https://0x7f.1/',
    'nonsense',
    'ftp://example.com',
  ]) {
    it(`refuses ${url}`, () => assert.throws(() => checkUpstreamUrl(url, false), ssrf))
  }
  it('takes private addresses and plain http only where the owner said so', () => {
    assert.equal(checkUpstreamUrl('http://127.0.0.1:9/mcp', true).port, '9')
    assert.throws(() => checkUpstreamUrl('file:///etc/passwd', true), ssrf)
  })
})

describe('resolving names', () => {
  const resolving = (addresses: LookupAddress[], allowPrivate: boolean) =>
    new Promise<string | LookupAddress[]>((resolve, reject) => {
      guardedLookup(allowPrivate, (_name, _options, done) => done(null, addresses))(
        'name.example',
        { all: true },
        (error, found) => (error === null ? resolve(found) : reject(error)),
      )
    })
  const pub = { address: '93.184.216.34', family: 4 }
  const loopback = { address: '127.0.0.1', family: 4 }
  it('hands out public addresses', async () => assert.deepEqual(await resolving([pub], false), [pub]))
  it('refuses a name with one private address among public ones', () =>
    assert.rejects(resolving([pub, loopback], false), ssrf))
  it('refuses a name without addresses', () => assert.rejects(resolving([], true), ssrf))
  it('hands out private ones where allowed', async () =>
    assert.deepEqual(await resolving([loopback], true), [loopback]))
})
