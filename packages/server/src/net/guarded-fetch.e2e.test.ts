import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { isSafeconductError } from '@safeconduct/protocol'
import { selfSigned } from '../testing/self-signed.ts'
import {
  createGuardedFetch,
  type GuardedFetch,
  type GuardOptions,
  judgedLookup,
  type ResolvedAddress,
} from './guarded-fetch.ts'

interface Listening {
  readonly port: number
  close(): Promise<void>
}

async function listen(
  server: ReturnType<typeof createServer> | ReturnType<typeof createTcpServer>,
): Promise<Listening> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        if ('closeAllConnections' in server) server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work
  } catch (thrown) {
    if (isSafeconductError(thrown)) return thrown.code
    throw thrown
  }
  return 'it was fetched'
}

const LOCAL: ResolvedAddress = { address: '127.0.0.1', family: 4 }
const PUBLIC: ResolvedAddress = { address: '93.184.215.14', family: 4 }

describe('the guarded fetch', () => {
  const guards: GuardedFetch[] = []
  const guard = (options: GuardOptions = {}) => {
    const made = createGuardedFetch(options)
    guards.push(made)
    return made
  }
  let plain: Listening
  let reached = 0
  const answers: Record<string, RequestListener> = {
    '/ok': (_req, res) => res.setHeader('content-type', 'application/json').end('{"ok":true}'),
    '/redirect': (_req, res) => res.writeHead(302, { location: '/ok' }).end(),
    '/empty': (_req, res) => res.writeHead(204).end(),
    '/big': (_req, res) => res.end('x'.repeat(100_000)),
    '/endless': (_req, res) => {
      const timer = setInterval(() => res.write('x'.repeat(1000)), 1)
      res.on('close', () => clearInterval(timer))
    },
    '/silent': () => undefined,
    '/echo': (req, res) => res.end(`${req.method} ${req.headers['x-test'] ?? ''}`),
  }
  before(async () => {
    plain = await listen(
      createServer((req, res) => {
        reached += 1
        answers[req.url ?? '']?.(req, res)
      }),
    )
  })
  after(async () => {
    await Promise.all(guards.map((one) => one.close()))
    await plain.close()
  })
  const at = (path: string, host = '127.0.0.1') => `http://${host}:${plain.port}${path}`

  it('refuses everything but https to a public address, before connecting', async () => {
    const fetch = guard()
    const before = reached
    for (const url of [
      at('/ok'),
      at('/ok', 'localhost'),
      `https://127.0.0.1:${plain.port}/ok`,
      `https://2130706433:${plain.port}/ok`,
      `https://0x7f.1:${plain.port}/ok`,
      `https://0177.0.0.1:${plain.port}/ok`,
      `https://127.1:${plain.port}/ok`,
      `https://[::1]:${plain.port}/ok`,
      `https://[::ffff:127.0.0.1]:${plain.port}/ok`,
      `https://[::ffff:a9fe:a9fe]/latest/meta-data`,
      'https://169.254.169.254/latest/meta-data',
      'https://10.0.0.1/',
      'https://user:pass@example.com/',
      'file:///etc/passwd',
      'ftp://example.com/',
      'data:text/plain,x',
      'not a url',
      '',
    ]) {
      assert.equal(await codeOf(fetch(url)), 'ssrf_refused', url)
    }
    assert.equal(reached, before)
  })

  it('refuses a name that leads to a private address, alone or among others', async () => {
    for (const addresses of [
      [LOCAL],
      [PUBLIC, LOCAL],
      [{ address: '::ffff:127.0.0.1', family: 6 }],
      [{ address: '10.0.0.1', family: 4 }],
      [{ address: '::1', family: 6 }],
      [],
    ]) {
      const fetch = guard({ resolve: async () => addresses })
      assert.equal(await codeOf(fetch(`https://rebind.example:${plain.port}/ok`)), 'ssrf_refused')
    }
  })

  it('judges the very answer it connects to: a second, private answer is refused as well', async () => {
    const turns = [[PUBLIC], [LOCAL]]
    const lookup = judgedLookup(async () => turns.shift() ?? [], false)
    const ask = (all: boolean) =>
      new Promise((resolve) => {
        lookup('rebind.example', { all }, (error, address) => resolve(error ?? address))
      })
    assert.deepEqual(await ask(true), [PUBLIC])
    const second = await ask(false)
    assert.ok(isSafeconductError(second) && second.code === 'ssrf_refused')
  })

  it('connects to the judged address and asks no second time', async () => {
    let asked = 0
    const fetch = guard({
      allowPrivate: true,
      resolve: async () => {
        asked += 1
        return asked === 1 ? [LOCAL] : [{ address: '127.9.9.9', family: 4 }]
      },
    })
    const { cert, key } = selfSigned('rebind.example')
    const tls = await listen(createTlsServer({ cert, key }, (_req, res) => res.end()))
    assert.equal(
      await codeOf(fetch(`https://rebind.example:${tls.port}/`)),
      'upstream_tls',
      'the first was reached',
    )
    assert.equal(asked, 1)
    await tls.close()
  })

  it('goes to private addresses only when told so, and by http only to this machine', async () => {
    const fetch = guard({
      allowPrivate: true,
      resolve: async (name) => (name === 'far.example' ? [PUBLIC] : [LOCAL]),
    })
    const answer = await fetch(at('/ok'))
    assert.deepEqual(await answer.json(), { ok: true })
    assert.equal(answer.headers.get('content-type'), 'application/json')
    assert.equal((await fetch(at('/ok', 'near.example'))).status, 200)
    assert.equal(await codeOf(fetch('http://far.example/ok')), 'ssrf_refused')
    assert.equal(await codeOf(fetch('http://93.184.215.14/ok')), 'ssrf_refused')
  })

  it('follows no redirect', async () => {
    const answer = await guard({ allowPrivate: true })(at('/redirect'))
    assert.equal(answer.status, 302)
    assert.equal(answer.headers.get('location'), '/ok')
  })

  it('passes method and headers on and takes answers without a body', async () => {
    const fetch = guard({ allowPrivate: true })
    const answer = await fetch(at('/echo'), { method: 'POST', headers: { 'x-test': 'yes' }, body: 'b' })
    assert.equal(await answer.text(), 'POST yes')
    assert.equal((await fetch(at('/empty'))).status, 204)
  })

  it('is bounded in bytes and in time', async () => {
    const fetch = guard({ allowPrivate: true, maxBytes: 10_000, timeout: 300 })
    assert.equal(await codeOf(fetch(at('/big'))), 'too_large')
    assert.equal(await codeOf(fetch(at('/endless'))), 'too_large')
    assert.equal(await codeOf(fetch(at('/silent'))), 'upstream_timeout')
  })

  it('says what is wrong with a server that talks nonsense, is gone, or hangs up', async () => {
    const fetch = guard({ allowPrivate: true, timeout: 1000 })
    const nonsense = await listen(
      createTcpServer((socket) => {
        socket.on('error', () => undefined)
        socket.resume().end('nonsense\r\n\r\n')
      }),
    )
    assert.equal(await codeOf(fetch(`http://127.0.0.1:${nonsense.port}/`)), 'upstream_unavailable')
    await nonsense.close()
    assert.equal(await codeOf(fetch(`http://127.0.0.1:${nonsense.port}/`)), 'upstream_unavailable')
  })

  it('checks certificates by name', async () => {
    const { cert, key } = selfSigned('trusted.example')
    const tls = await listen(createTlsServer({ cert, key }, (_req, res) => res.end('over tls')))
    const resolve = async () => [LOCAL]
    const url = (name: string) => `https://${name}:${tls.port}/`
    const trusting = guard({ allowPrivate: true, resolve, ca: cert })
    assert.equal(await (await trusting(url('trusted.example'))).text(), 'over tls')
    assert.equal(await codeOf(trusting(url('other.example'))), 'upstream_tls')
    const careful = guard({ allowPrivate: true, resolve })
    assert.equal(await codeOf(careful(url('trusted.example'))), 'upstream_tls')
    await tls.close()
  })
})
