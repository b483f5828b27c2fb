/** The automation of authorization mode, tried on a small authorization server that signs in and asks for consent. */
import assert from 'node:assert/strict'
import { createHash, randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { after, before, suite, test } from 'node:test'
import { AUTHORIZATION_SCENARIOS, runAuthorizationSuite } from './authorization.ts'
import { closeServer, listenOnLoopback } from './loopback.ts'

/** One authorization request under way: asked, signed in, consented. */
interface Pending {
  readonly query: URLSearchParams
  readonly csrf: string
  signedIn: boolean
}

/** A one-file authorization server: sign-in as person/secret, consent with a CSRF token, code with PKCE. */
async function startSmallServer(): Promise<{ issuer: string; close: () => Promise<void> }> {
  const pending = new Map<string, Pending>()
  const codes = new Map<string, URLSearchParams>()
  let issuer = ''

  const routes: Record<
    string,
    (request: IncomingMessage, response: ServerResponse, url: URL) => Promise<void>
  > = {
    '/.well-known/oauth-authorization-server': async (_request, response) =>
      json(response, {
        issuer,
        authorization_endpoint: `${issuer}/authorize`,
        token_endpoint: `${issuer}/token`,
        response_types_supported: ['code'],
        code_challenge_methods_supported: ['S256'],
        client_id_metadata_document_supported: true,
      }),
    '/authorize': async (_request, response, url) => {
      const id = randomUUID()
      pending.set(id, { query: url.searchParams, csrf: randomUUID(), signedIn: false })
      response.writeHead(303, { location: '/login', 'set-cookie': `flow=${id}; Path=/; HttpOnly` }).end()
    },
    '/login': async (request, response) => {
      const flow = flowOf(request)
      const form = new URLSearchParams(await bodyOf(request))
      if (form.get('user') !== 'person' || form.get('password') !== 'secret')
        return page(
          response,
          '<form method=post><input name=user><input name=password type=password><button>Sign in',
        )
      flow.signedIn = true
      redirect(response, '/consent')
    },
    '/consent': async (request, response) => {
      const flow = flowOf(request)
      const form = new URLSearchParams(await bodyOf(request))
      assert.ok(flow.signedIn)
      if (form.get('csrf') !== flow.csrf || request.headers.origin !== issuer)
        return page(
          response,
          `<form method=post><input type=hidden name=csrf value="${flow.csrf}">` +
            '<button name=decision value=deny>Deny</button><button name=decision value=allow>Allow</button>',
        )
      const code = randomUUID()
      codes.set(code, flow.query)
      const back = new URL(flow.query.get('redirect_uri') ?? '')
      back.searchParams.set('state', flow.query.get('state') ?? '')
      back.searchParams.set('iss', issuer)
      if (form.get('decision') === 'allow') back.searchParams.set('code', code)
      else back.searchParams.set('error', 'access_denied')
      redirect(response, back.href)
    },
    '/token': async (request, response) => {
      const form = new URLSearchParams(await bodyOf(request))
      const asked = codes.get(form.get('code') ?? '')
      const challenge = createHash('sha256')
        .update(form.get('code_verifier') ?? '')
        .digest('base64url')
      if (asked?.get('code_challenge') !== challenge) return json(response, { error: 'invalid_grant' }, 400)
      return json(response, { access_token: randomUUID(), token_type: 'Bearer' })
    },
  }

  const flowOf = (request: IncomingMessage): Pending => {
    const flow = pending.get(/flow=([^;]+)/.exec(request.headers.cookie ?? '')?.[1] ?? '')
    assert.ok(flow, 'the browser must bring its cookie back')
    return flow
  }
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', issuer)
    const route = routes[url.pathname]
    if (route === undefined) response.writeHead(404).end()
    else route(request, response, url).catch(() => response.writeHead(500).end())
  })
  issuer = await listenOnLoopback(server)
  return { issuer, close: () => closeServer(server) }
}

function json(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
  response.end(JSON.stringify(body))
}

function page(response: ServerResponse, form: string): void {
  response.writeHead(200, { 'content-type': 'text/html' }).end(`<!doctype html>${form}</form>`)
}

function redirect(response: ServerResponse, location: string): void {
  response.writeHead(303, { location }).end()
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = ''
  for await (const chunk of request.setEncoding('utf8')) body += chunk
  return body
}

async function freePort(): Promise<number> {
  const server = createServer()
  const origin = await listenOnLoopback(server)
  await closeServer(server)
  return Number(new URL(origin).port)
}

suite('authorization mode, automated', () => {
  let server: Awaited<ReturnType<typeof startSmallServer>>
  before(async () => {
    server = await startSmallServer()
  })
  after(() => server.close())

  const attempt = async (fields: Record<string, string>, press: readonly string[]) =>
    runAuthorizationSuite({ issuer: server.issuer, clientId: 'demo', port: await freePort(), fields, press })

  test('signs in, consents and passes every check', async () => {
    const run = await attempt({ user: 'person', password: 'secret' }, ['Sign in', 'Allow'])
    assert.equal(run.exitCode, 0)
    assert.deepEqual([...run.verdicts], [...AUTHORIZATION_SCENARIOS.map((name) => [name, 'passed'])])
    assert.deepEqual(
      run.checks.map((check) => check.status),
      ['SUCCESS', 'SUCCESS', 'SUCCESS'],
    )
  })

  test('a consent that is refused is a failed check', async () => {
    const run = await attempt({ user: 'person', password: 'secret' }, ['Sign in', 'Deny'])
    assert.equal(run.verdicts.get('authorization-code-grant'), 'failed')
    assert.match(run.checks.find((check) => check.status === 'FAILURE')?.message ?? '', /access_denied/)
  })

  test('a sign-in that never works ends the run with the page it was stuck on', async () => {
    await assert.rejects(attempt({ user: 'person', password: 'wrong' }, ['Sign in']), (error) => {
      assert.ok(error instanceof Error && error.cause instanceof Error)
      assert.match(error.cause.message, /no arrival after 25 requests; last page: .*\/login/)
      return true
    })
  })
})
