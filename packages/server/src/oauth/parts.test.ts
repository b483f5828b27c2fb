import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { verifyAccessToken } from '@safeconduct/engine'
import { ERROR_TABLE, type ErrorCode, SafeconductError } from '@safeconduct/protocol'
import { parseDetail, parseDetailsParameter, refuseForeignTask } from './details.ts'
import { joinEpochs } from './epochs.ts'
import { OAuthError, toOAuthError } from './errors.ts'
import { loadKeys } from './keys.ts'
import { actClaim, claimsOf, mint, type TokenContent } from './mint.ts'
import { resourceOf, scopeCovers, serverOf, splitScope } from './resources.ts'
import { detailsDigest, intentDigest } from './tasks.ts'
import { createTransient } from './transient.ts'

const secrets = () => {
  const kept = new Map<string, Uint8Array>()
  return {
    kept,
    get: async (name: string) => kept.get(name) ?? null,
    putIfAbsent: async (name: string, value: Uint8Array) => {
      const stored = kept.get(name) ?? value
      kept.set(name, stored)
      return stored
    },
  }
}
const content = (more: Partial<TokenContent> = {}): TokenContent => ({
  issuer: 'http://localhost:7070',
  tenant: 't',
  id: 'token-id',
  agent: 'trader',
  user: 'ada',
  actors: ['trader', 'planner'],
  audience: ['http://localhost:7070/mcp/market'],
  scope: ['mcp:read'],
  task: 'task',
  details: { type: 'safeconduct_task', task: 'task' },
  epochs: [{ kind: 'task', id: 'task', epoch: 3 }],
  jkt: 'thumb',
  now: 1_700_000_000_000,
  expiresAt: 1_700_000_100_000,
  authenticatedAt: 1_699_999_999_999,
  ...more,
})

describe('signing keys', () => {
  it('are made once and the same ever after', async () => {
    const store = secrets()
    const [one, two] = [await loadKeys(store), await loadKeys(store)]
    assert.deepEqual(one.jwks, two.jwks)
    assert.deepEqual([...store.kept.keys()], ['oauth/signing/es256', 'oauth/signing/ed25519'])
    assert.equal(one.main.alg, 'ES256')
  })

  it('of two starts at once are those that were stored first', async () => {
    const store = secrets()
    const racing = { ...store, get: async () => null }
    const [one, two] = await Promise.all([loadKeys(racing), loadKeys(racing)])
    assert.deepEqual(one.jwks, two.jwks)
  })

  it('of another kind than their name says are refused', async () => {
    const store = secrets()
    await loadKeys(store)
    store.kept.set('oauth/signing/es256', store.kept.get('oauth/signing/ed25519') ?? new Uint8Array())
    await assert.rejects(loadKeys(store), /cannot be read/)
  })
})

describe('an access token', () => {
  it('is read by the gateway as it was meant', async () => {
    const keys = await loadKeys(secrets())
    const grant = verifyAccessToken(mint(keys.main, content()), {
      issuer: 'http://localhost:7070',
      audience: 'http://localhost:7070/mcp/market',
      keys: keys.verifying,
      now: 1_700_000_000_000,
    })
    assert.equal(grant.agent, 'trader')
    assert.equal(grant.user, 'ada')
    assert.deepEqual(grant.via, ['planner'])
    assert.equal(grant.jkt, 'thumb')
    assert.deepEqual(grant.epochs, [{ kind: 'task', id: 'task', epoch: 3 }])
    assert.equal(grant.authenticatedAt, 1_699_999_999_000)
    assert.equal(grant.expiresAt, 1_700_000_100_000)
  })

  it('of an agent alone has it as its subject and no actor', () => {
    const claims = claimsOf(content({ user: null, actors: [], jkt: null, authenticatedAt: null }))
    assert.equal(claims.sub, 'trader')
    for (const member of ['act', 'cnf', 'auth_time']) assert.ok(!(member in claims))
  })

  it('names several audiences as a list and one as itself', () => {
    assert.equal(claimsOf(content()).aud, 'http://localhost:7070/mcp/market')
    assert.deepEqual(claimsOf(content({ audience: ['a', 'b'] })).aud, ['a', 'b'])
    assert.deepEqual(claimsOf(content({ audience: [] })).aud, [])
  })

  it('nests actors with the one that acts now outermost', () => {
    assert.equal(actClaim([]), undefined)
    assert.deepEqual(actClaim(['c', 'b', 'a']), {
      sub: 'c',
      client_id: 'c',
      act: { sub: 'b', client_id: 'b', act: { sub: 'a', client_id: 'a' } },
    })
  })
})

describe('authorization details', () => {
  it('are one of ours, or refused', () => {
    assert.equal(parseDetailsParameter(null), null)
    assert.deepEqual(parseDetailsParameter('[{"type":"safeconduct_task","tools":[]}]'), {
      type: 'safeconduct_task',
      tools: [],
    })
    for (const bad of [
      '',
      '[]',
      '{}',
      'null',
      '[1]',
      '[{"type":"x"}]',
      '[{"type":"safeconduct_task","type":"x"}]',
      '[{"type":"safeconduct_task"},{"type":"safeconduct_task"}]',
      '[{"type":"safeconduct_task","unknown":1}]',
      '[{"type":"safeconduct_task","budget":{"calls":-1}}]',
      `${'['.repeat(10_000)}${']'.repeat(10_000)}`,
      `[{"type":"safeconduct_task","purpose":"${'x'.repeat(40_000)}"}]`,
    ]) {
      assert.throws(() => parseDetailsParameter(bad), OAuthError, bad.slice(0, 60))
    }
  })

  it('of a new errand name neither task nor intent', () => {
    assert.throws(() => refuseForeignTask(parseDetail({ type: 'safeconduct_task', task: 'x' })), /named here/)
    assert.throws(
      () => refuseForeignTask(parseDetail({ type: 'safeconduct_task', intent_digest: 'x' })),
      /from the user/,
    )
  })

  it('have a digest that does not depend on their order', () => {
    assert.equal(
      detailsDigest({ type: 'safeconduct_task', tools: ['a'], purpose: 'p' }),
      detailsDigest({ purpose: 'p', tools: ['a'], type: 'safeconduct_task' }),
    )
    assert.notEqual(
      detailsDigest({ type: 'safeconduct_task', tools: ['a'] }),
      detailsDigest({ type: 'safeconduct_task', tools: ['b'] }),
    )
  })

  it('carry the digest of the intent’s bytes', () => {
    assert.equal(
      intentDigest('abc'),
      'sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    )
  })
})

describe('resources and scopes', () => {
  const issuer = 'http://localhost:7070'
  it('stand for a server in one spelling only', () => {
    assert.equal(serverOf(issuer, resourceOf(issuer, 'market')), 'market')
    for (const bad of [
      `${issuer}/mcp/`,
      `${issuer}/mcp/Market`,
      `${issuer}/mcp/a/b`,
      `${issuer}/mcp/market/`,
      `${issuer}/mcp/market#x`,
      `${issuer}/mcp/%6darket`,
      'http://localhost:70700/mcp/market',
      'HTTP://localhost:7070/mcp/market',
      'market',
    ]) {
      assert.equal(serverOf(issuer, bad), null, bad)
    }
  })

  it('are words, each once', () => assert.deepEqual(splitScope(' a  b a '), ['a', 'b']))

  it('cover reading by writing and nothing the other way', () => {
    assert.equal(scopeCovers(['mcp:write'], 'mcp:read'), true)
    assert.equal(scopeCovers(['mcp:read'], 'mcp:write'), false)
    assert.equal(scopeCovers([], 'mcp:read'), false)
  })
})

describe('errors', () => {
  it('of every code become an OAuth error, and the unknown becomes server_error with its cause kept in', () => {
    for (const code of Object.keys(ERROR_TABLE) as ErrorCode[]) {
      assert.ok(toOAuthError(new SafeconductError(code)).status >= 400, code)
    }
    const hidden = toOAuthError(new Error('a secret'))
    assert.equal(hidden.error, 'server_error')
    assert.ok(!hidden.message.includes('secret'))
    assert.equal(toOAuthError(new SafeconductError('disk_full')).error, 'temporarily_unavailable')
    assert.equal(toOAuthError(new SafeconductError('widening')).error, 'invalid_authorization_details')
    assert.equal(toOAuthError(new SafeconductError('internal')).error, 'server_error')
  })
})

describe('epochs', () => {
  it('of two chains are all to be alive', () => {
    const one = { kind: 'agent', id: 'a', epoch: 1 } as const
    assert.deepEqual(joinEpochs([one], [one]), [one])
    assert.deepEqual(joinEpochs([one], [{ ...one, epoch: 2 }]), [one, { ...one, epoch: 2 }])
  })
})

describe('records in memory', () => {
  it('expire, are bounded, and are copies', () => {
    const kept = createTransient(2)
    const value = { uid: 'u', list: [1] }
    kept.set('a', value, 100)
    value.list.push(2)
    assert.deepEqual(kept.get('a', 50), { uid: 'u', list: [1] })
    assert.deepEqual(kept.find('uid', 'u', 50), { uid: 'u', list: [1] })
    assert.equal(kept.find('uid', 'v', 50), null)
    assert.equal(kept.get('a', 100), null)
    for (const id of ['b', 'c', 'd']) kept.set(id, {}, 1000)
    assert.equal(kept.get('b', 0), null)
    assert.deepEqual(kept.get('d', 0), {})
    kept.delete('d')
    assert.equal(kept.get('d', 0), null)
  })
})
