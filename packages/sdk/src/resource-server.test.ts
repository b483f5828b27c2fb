import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import { base64url } from './dpop.ts'
import { type AgentKey, generateAgentKey } from './keys.ts'
import { honoMiddleware, nodeMiddleware, ResourceError, resourceServer } from './resource-server.ts'

const ISSUER = 'https://gate.example'
const RESOURCE = 'https://api.example/orders'
const NOW = Date.now()

async function world(more: { replayLimit?: number } = {}) {
  const { privateKey, publicKey } = await generateKeyPair('ES256')
  const { key } = await generateAgentKey()
  const asked: string[] = []
  const fetcher: typeof fetch = async (input) => {
    const url = String(input instanceof Request ? input.url : input)
    asked.push(url)
    if (url === `${ISSUER}/.well-known/oauth-authorization-server`)
      return Response.json({ issuer: ISSUER, jwks_uri: `${ISSUER}/oauth/jwks` })
    return Response.json({ keys: [{ ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256' }] })
  }
  const server = resourceServer({
    issuer: ISSUER,
    resource: RESOURCE,
    fetch: fetcher,
    now: () => NOW,
    ...more,
  })
  const token = (claims: JWTPayload = {}, typ = 'at+jwt') =>
    new SignJWT({
      iss: ISSUER,
      aud: RESOURCE,
      sub: 'user-1',
      scope: 'read write',
      jti: 'token-0001',
      iat: Math.floor(NOW / 1000),
      exp: Math.floor(NOW / 1000) + 300,
      cnf: { jkt: key.thumbprint },
      ...claims,
    })
      .setProtectedHeader({ alg: 'ES256', kid: 'k1', typ })
      .sign(privateKey)
  return { server, token, key, asked }
}

async function proof(key: AgentKey, token: string, more: object = {}, typ = 'dpop+jwt'): Promise<string> {
  const ath = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(token))
  return key.sign(
    { typ, jwk: key.publicJwk },
    {
      jti: crypto.randomUUID(),
      htm: 'GET',
      htu: 'https://api.example/orders/1',
      iat: Math.floor(NOW / 1000),
      ath: base64url(new Uint8Array(ath)),
      ...more,
    },
  )
}

const GET = { method: 'GET', path: '/orders/1?x=1' }

async function refused(code: ResourceError['code'], work: Promise<unknown>): Promise<void> {
  await assert.rejects(work, (error) => error instanceof ResourceError && error.code === code)
}

describe('an API that takes grants', () => {
  it('lets in who holds the key that the token is bound to, and asks the issuer for its keys once', async () => {
    const { server, token, key, asked } = await world()
    const bound = await token()
    for (let time = 0; time < 2; time++) {
      const holder = await server.verify({
        ...GET,
        authorization: `DPoP ${bound}`,
        dpop: await proof(key, bound),
      })
      assert.deepEqual(
        [holder.claims.sub, holder.scope, holder.jkt],
        ['user-1', ['read', 'write'], key.thumbprint],
      )
    }
    assert.equal(asked.length, 2)
  })

  it('refuses tokens of others, for others, over or unbound', async () => {
    const { server, token, key } = await world()
    const stranger = await world()
    const seconds = Math.floor(NOW / 1000)
    for (const wrong of [
      await token({ iss: 'https://evil.example' }),
      await token({ aud: 'https://api.example' }),
      await token({ iat: seconds - 600, exp: seconds - 60 }),
      await token({ cnf: {} }),
      await token({}, 'JWT'),
      await stranger.token({ cnf: { jkt: key.thumbprint } }),
      'nonsense',
    ]) {
      const dpop = await proof(key, wrong)
      await refused('invalid_token', server.verify({ ...GET, authorization: `DPoP ${wrong}`, dpop }))
    }
    const bound = await token()
    const dpop = await proof(key, bound)
    await refused('invalid_token', server.verify({ ...GET, authorization: `Bearer ${bound}`, dpop }))
    await refused('unauthenticated', server.verify({ ...GET, authorization: undefined, dpop }))
  })

  it('refuses proofs of another key, token, method, URL, time or type, and one used before', async () => {
    const { server, token, key } = await world()
    const bound = await token()
    const authorization = `DPoP ${bound}`
    const { key: other } = await generateAgentKey()
    const seconds = Math.floor(NOW / 1000)
    for (const dpop of [
      undefined,
      'nonsense',
      await proof(other, bound),
      await proof(key, await token({ jti: 'token-0002' })),
      await proof(key, bound, { htm: 'POST' }),
      await proof(key, bound, { htu: 'https://api.example/orders/2' }),
      await proof(key, bound, { iat: seconds - 90 }),
      await proof(key, bound, { jti: 'x' }),
      await proof(key, bound, {}, 'JWT'),
    ]) {
      await refused('invalid_dpop_proof', server.verify({ ...GET, authorization, dpop }))
    }
    const dpop = await proof(key, bound)
    await server.verify({ ...GET, authorization, dpop })
    await refused('invalid_dpop_proof', server.verify({ ...GET, authorization, dpop }))
  })

  it('is not led to another origin by a path', async () => {
    const { server, token, key } = await world()
    const bound = await token()
    for (const [path, htu] of [
      ['//evil.example/x', 'https://evil.example/x'],
      ['.evil.example/x', 'https://api.example.evil.example/x'],
      ['@evil.example/x', 'https://evil.example/x'],
    ] as const) {
      const dpop = await proof(key, bound, { htu })
      await refused(
        'invalid_dpop_proof',
        server.verify({ method: 'GET', path, authorization: `DPoP ${bound}`, dpop }),
      )
    }
  })

  it('refuses rather than forgets when it remembers as many proofs as it may', async () => {
    const { server, token, key } = await world({ replayLimit: 1 })
    const bound = await token()
    const authorization = `DPoP ${bound}`
    await server.verify({ ...GET, authorization, dpop: await proof(key, bound) })
    await refused(
      'invalid_dpop_proof',
      server.verify({ ...GET, authorization, dpop: await proof(key, bound) }),
    )
  })

  it('stands before handlers of node:http and of Hono', async () => {
    const { server, token, key } = await world()
    const bound = await token()
    const headers = async () => ({ authorization: `DPoP ${bound}`, dpop: await proof(key, bound) })
    const seen: string[] = []
    const response = {
      writeHead: (status: number, more: Record<string, string>) =>
        seen.push(`${status} ${more['www-authenticate']}`),
      end: (text: string) => seen.push(text),
    }
    const plain = nodeMiddleware(server)
    const next = (holder: { jkt: string }) => seen.push(holder.jkt)
    await plain(
      { method: 'GET', url: '/1', originalUrl: '/orders/1', headers: await headers() },
      response,
      next,
    )
    await plain({ method: 'GET', url: '/orders/1', headers: {} }, response, next)
    assert.deepEqual(seen, [key.thumbprint, '401 DPoP algs="ES256 EdDSA"', '{"error":"unauthenticated"}'])

    const given = await headers()
    const set: string[] = []
    const context = (found: Readonly<Record<string, string>>) => ({
      req: { method: 'GET', url: 'http://internal:8080/orders/1', header: (name: string) => found[name] },
      set: (_name: 'holder', holder: { jkt: string }) => {
        set.push(holder.jkt)
      },
    })
    const hono = honoMiddleware(server)
    assert.equal(await hono(context(given), async () => undefined), undefined)
    assert.deepEqual(set, [key.thumbprint])
    assert.equal((await hono(context({}), async () => undefined))?.status, 401)
  })
})
