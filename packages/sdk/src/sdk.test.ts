import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { decodeJwt, decodeProtectedHeader, importJWK, jwtVerify } from 'jose'
import { createAgent, GrantError } from './agent.ts'
import { createDpopFetch } from './dpop.ts'
import { agentKey, generateAgentKey } from './keys.ts'

const ISSUER = 'https://gate.example'
const RESOURCE = `${ISSUER}/mcp/market`

/** An issuer and a resource as a function: answers in turn, remembers what was asked. */
function script(...answers: readonly (() => Response)[]) {
  const asked: { url: string; method: string; headers: Headers; form: URLSearchParams }[] = []
  const fetcher: typeof fetch = async (input, init) => {
    const url = String(input)
    if (url.endsWith('/.well-known/oauth-authorization-server')) {
      const metadata = {
        issuer: ISSUER,
        authorization_endpoint: `${ISSUER}/oauth/authorize`,
        token_endpoint: `${ISSUER}/oauth/token`,
      }
      return Response.json(metadata)
    }
    const form = new URLSearchParams(typeof init?.body === 'string' ? init.body : '')
    asked.push({ url, method: init?.method ?? 'GET', headers: new Headers(init?.headers), form })
    const answer = answers[asked.length - 1]
    if (answer === undefined) throw new Error('not expected')
    return answer()
  }
  return { asked, fetcher }
}

const token =
  (text: string, more: object = {}) =>
  () =>
    Response.json({ access_token: text, token_type: 'DPoP', expires_in: 300, ...more })

describe('an agent key', () => {
  it('signs proofs that its public half verifies, and shows nothing private', async () => {
    const { key } = await generateAgentKey()
    const proof = await key.sign({ typ: 'dpop+jwt', jwk: key.publicJwk }, { jti: 'x' })
    await jwtVerify(proof, await importJWK(key.publicJwk, key.algorithm))
    assert.deepEqual(Object.keys(Object(decodeProtectedHeader(proof).jwk)).sort(), ['crv', 'kty', 'x'])
  })

  it('is refused when it is public or of another kind', async () => {
    const { key } = await generateAgentKey()
    await assert.rejects(agentKey(key.publicJwk), TypeError)
    await assert.rejects(agentKey({ kty: 'oct', k: 'AAAA' }), TypeError)
  })
})

describe('requests with a proof', () => {
  it('carry method, URL without query, token hash and a new jti each', async () => {
    const { key } = await generateAgentKey()
    const { asked, fetcher } = script(
      () => new Response(),
      () => new Response(),
    )
    const dpop = createDpopFetch(key, fetcher, () => 1_790_000_000_000)
    await dpop(`${RESOURCE}?q=1`, { method: 'post' }, 'secret-token')
    await dpop(RESOURCE, {}, null)
    const [first, second] = asked.map((one) => decodeJwt(one.headers.get('dpop') ?? ''))
    assert.equal(first?.htm, 'POST')
    assert.equal(first?.htu, RESOURCE)
    assert.equal(first?.iat, 1_790_000_000)
    assert.equal(first?.ath, 'kwu9xRtq7VwqVnj9bije56BeiktkPPwLRCfD77hsDZQ')
    assert.equal(asked[0]?.headers.get('authorization'), 'DPoP secret-token')
    assert.equal(second?.ath, undefined)
    assert.notEqual(first?.jti, second?.jti)
  })

  it('are repeated once with the nonce that was asked for, and not for ever', async () => {
    const { key } = await generateAgentKey()
    const challenge = (nonce: string) => () =>
      new Response(null, {
        status: 401,
        headers: { 'dpop-nonce': nonce, 'www-authenticate': 'DPoP error="use_dpop_nonce"' },
      })
    const { asked, fetcher } = script(challenge('n1'), challenge('n2'))
    const response = await createDpopFetch(key, fetcher)(RESOURCE, {}, 't')
    assert.equal(response.status, 401)
    assert.deepEqual(
      asked.map((one) => decodeJwt(one.headers.get('dpop') ?? '').nonce),
      [undefined, 'n1'],
    )
  })
})

describe('an agent', () => {
  const agentWith = async (fetcher: typeof fetch) => {
    const { key } = await generateAgentKey()
    return createAgent({ issuer: ISSUER, clientId: 'ag_1', key, fetch: fetcher })
  }

  it('proves itself to the token endpoint and calls with what it got', async () => {
    const { asked, fetcher } = script(token('one'), () => new Response('data'))
    const held = await (await agentWith(fetcher)).clientCredentials({ resource: RESOURCE })
    assert.equal(await (await held.fetch(RESOURCE)).text(), 'data')
    const [grant, call] = asked
    assert.equal(grant?.form.get('grant_type'), 'client_credentials')
    assert.equal(grant?.form.get('resource'), RESOURCE)
    assert.equal(decodeJwt(grant?.form.get('client_assertion') ?? '').aud, ISSUER)
    assert.equal(call?.headers.get('authorization'), 'DPoP one')
  })

  it('renews a grant before it ends, once for many calls', async () => {
    const calls = [() => new Response('a'), () => new Response('b')]
    const { asked, fetcher } = script(token('old', { expires_in: 1 }), token('new'), ...calls)
    const held = await (await agentWith(fetcher)).clientCredentials({ resource: RESOURCE })
    await Promise.all([held.fetch(RESOURCE), held.fetch(RESOURCE)])
    assert.equal(asked.filter((one) => one.url.endsWith('/oauth/token')).length, 2)
    assert.equal(held.accessToken(), 'new')
  })

  it('takes back only the answer to its own request, from its own issuer (RFC 9207)', async () => {
    const { fetcher } = script()
    const { url, finish } = await (await agentWith(fetcher)).authorize({
      resource: RESOURCE,
      redirectUri: 'http://127.0.0.1:9/cb',
    })
    const state = new URL(url).searchParams.get('state')
    assert.equal(new URL(url).searchParams.get('code_challenge_method'), 'S256')
    for (const wrong of [
      `state=other&iss=${ISSUER}`,
      `state=${state}&iss=https://evil.example`,
      `state=${state}`,
    ]) {
      await assert.rejects(finish(`http://127.0.0.1:9/cb?code=c&${wrong}`), { error: 'invalid_response' })
    }
    await assert.rejects(finish(`http://127.0.0.1:9/cb?error=access_denied&state=${state}&iss=${ISSUER}`), {
      error: 'access_denied',
    })
  })

  it('says what the issuer refused with', async () => {
    const { fetcher } = script(() =>
      Response.json({ error: 'invalid_scope', error_description: 'It would grow.' }, { status: 400 }),
    )
    const agent = await agentWith(fetcher)
    await assert.rejects(
      agent.exchange('t', { resource: RESOURCE }),
      (error) => error instanceof GrantError && error.error === 'invalid_scope',
    )
  })

  it('answers a demand for a nonce with another proof and another assertion: each is good once', async () => {
    const demand = () =>
      Response.json({ error: 'use_dpop_nonce' }, { status: 400, headers: { 'dpop-nonce': 'n1' } })
    const { asked, fetcher } = script(demand, token('one'))
    await (await agentWith(fetcher)).clientCredentials({ resource: RESOURCE })
    const ids = asked.map(({ form }) => decodeJwt(form.get('client_assertion') ?? '').jti)
    assert.equal(new Set(ids).size, 2)
    assert.equal(decodeJwt(asked[1]?.headers.get('dpop') ?? '').nonce, 'n1')
  })

  it('does not take a grant that anybody could use', async () => {
    const { fetcher } = script(token('loose', { token_type: 'Bearer' }))
    const asked = (await agentWith(fetcher)).clientCredentials({ resource: RESOURCE })
    await assert.rejects(asked, { error: 'invalid_response' })
  })

  it('sends a Request as it was made, with or without a body', async () => {
    const bodies: unknown[] = []
    const fetcher: typeof fetch = async (input, init) => {
      if (/token$/.test(String(input))) return token('one')()
      if (/well-known/.test(String(input))) return script().fetcher(input)
      // What fetch itself would refuse, for example a GET with a body, is refused here, too.
      bodies.push(await new Request(String(input), init).text())
      return new Response()
    }
    const held = await (await agentWith(fetcher)).clientCredentials({ resource: RESOURCE })
    await held.fetch(new Request(RESOURCE))
    await held.fetch(new Request(RESOURCE, { method: 'POST', body: 'é' }))
    assert.deepEqual(bodies, ['', 'é'])
  })

  it('looks for the issuer again after it was away', async () => {
    const { fetcher } = script(token('one'))
    let away = true
    const agent = await agentWith(async (...request) => {
      if (away) throw new TypeError('fetch failed')
      return fetcher(...request)
    })
    await assert.rejects(agent.clientCredentials({ resource: RESOURCE }), TypeError)
    away = false
    assert.equal((await agent.clientCredentials({ resource: RESOURCE })).accessToken(), 'one')
  })

  it('does not trust metadata that names another issuer', async () => {
    const agent = await agentWith(async () => Response.json({ issuer: 'https://evil.example' }))
    await assert.rejects(agent.clientCredentials({ resource: RESOURCE }), { error: 'invalid_response' })
  })
})
