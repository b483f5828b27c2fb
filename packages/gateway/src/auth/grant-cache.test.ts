import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { SigningKey } from '@safeconduct/engine'
import type { Grant } from '@safeconduct/protocol'
import { createIssuer, grant } from '../testing/world.ts'
import { createGrantCache, type GrantCache } from './grant-cache.ts'

const NOW = 1_000_000
const keys = createIssuer('https://one.example').keys
const valid = grant({ issuedAt: NOW - 1000, expiresAt: NOW + 1000 })

function asked(
  cache: GrantCache,
  presented: Partial<Parameters<GrantCache['get']>[0]> = {},
  verified: Grant = valid,
): { readonly grant: Grant; readonly checked: boolean } {
  let checked = false
  const given = { token: 'token', resource: 'resource', keys, now: NOW, ...presented }
  const found = cache.get(given, () => {
    checked = true
    return verified
  })
  return { grant: found, checked }
}

describe('grants of tokens that were checked', () => {
  it('checks a token once', () => {
    const cache = createGrantCache()
    assert.deepEqual(asked(cache), { grant: valid, checked: true })
    assert.deepEqual(asked(cache), { grant: valid, checked: false })
  })

  it('checks again for another token and for another resource', () => {
    const cache = createGrantCache()
    asked(cache)
    assert.equal(asked(cache, { token: 'tokeN' }).checked, true)
    assert.equal(asked(cache, { resource: 'other' }).checked, true)
  })

  for (const [name, now] of [
    ['when it has expired', valid.expiresAt],
    ['before it was issued', valid.issuedAt - 1],
  ] as const) {
    it(`checks again ${name}`, () => {
      const cache = createGrantCache()
      asked(cache)
      assert.equal(asked(cache, { now }).checked, true)
    })
  }

  it('keeps nothing of a token that was refused, also when it was known before', () => {
    const cache = createGrantCache()
    asked(cache)
    const refuse = () =>
      cache.get({ token: 'token', resource: 'resource', keys, now: valid.expiresAt }, () => {
        throw new Error('expired')
      })
    assert.throws(refuse, /expired/)
    assert.equal(cache.size, 0)
  })

  it('forgets everything when a key goes, comes or is another one under the same name', () => {
    const others = createIssuer('https://two.example').keys
    const [kid = '', key] = [...keys][0] ?? []
    assert.ok(key !== undefined)
    const variants: readonly ReadonlyMap<string, SigningKey>[] = [
      new Map(),
      others,
      new Map([...keys, ['k2', key]]),
    ]
    assert.deepEqual([...others.keys()], [kid], 'the same name')
    for (const changed of variants) {
      const cache = createGrantCache()
      asked(cache)
      assert.equal(asked(cache, { keys: changed }).checked, true)
      assert.equal(asked(cache).checked, true, 'the former keys are new again')
    }
  })

  it('keeps as many as it may, the least recently used going first', () => {
    const cache = createGrantCache(2)
    for (const token of ['a', 'b', 'a', 'c']) asked(cache, { token })
    assert.equal(cache.size, 2)
    assert.equal(asked(cache, { token: 'a' }).checked, false)
    assert.equal(asked(cache, { token: 'b' }).checked, true)
  })
})
