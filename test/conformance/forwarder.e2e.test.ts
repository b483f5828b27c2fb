import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { suite, test } from 'node:test'
import { type AddHeaders, bearer, startForwarder } from './forwarder.ts'
import { closeServer, listenOnLoopback } from './loopback.ts'

const none: AddHeaders = () => Promise.resolve({})

async function withForwarder(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  addHeaders: AddHeaders,
  body: (url: string, targetOrigin: string) => Promise<void>,
): Promise<void> {
  const target = createServer(answer)
  const origin = await listenOnLoopback(target)
  const forwarder = await startForwarder(`${origin}/mcp/demo`, addHeaders)
  try {
    await body(forwarder.url, origin)
  } finally {
    await forwarder.close()
    await closeServer(target)
  }
}

/** Answers with what arrived, as JSON. */
function echo(incoming: IncomingMessage, outgoing: ServerResponse): void {
  const chunks: Buffer[] = []
  incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
  incoming.on('end', () => {
    const { method, url, rawHeaders } = incoming
    outgoing.writeHead(202, 'Taken', {
      'content-type': 'application/json',
      'Mcp-Session-Id': 'abc',
      'X-Two': ['1', '2'],
    })
    outgoing.end(JSON.stringify({ method, url, rawHeaders, body: Buffer.concat(chunks).toString('utf8') }))
  })
}

interface Echoed {
  readonly method: string
  readonly url: string
  readonly rawHeaders: readonly string[]
  readonly body: string
}

function headerOf({ rawHeaders }: Echoed, name: string): readonly string[] {
  return rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === name)
}

/** One request with exactly these headers, `Host` and `Origin` included, which `fetch` would not let us set. */
async function send(url: string, headers: Record<string, string>, body: string): Promise<Echoed> {
  const outgoing = request(url, { method: 'POST', headers })
  outgoing.end(body)
  const [response]: IncomingMessage[] = await once(outgoing, 'response')
  assert.ok(response)
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) text += chunk
  return JSON.parse(text)
}

suite('forwarder', () => {
  test('adds the token and keeps method, path, status, headers and body', () =>
    withForwarder(
      echo,
      bearer(() => Promise.resolve('t0ken')),
      async (url) => {
        const response = await fetch(`${url}?q=1`, {
          method: 'POST',
          headers: {
            'Mcp-Method': 'tools/call',
            'Mcp-Param-Region': '=?base64?SGk=?=',
            authorization: 'Bearer old',
          },
          body: '{"grüße":1}',
        })
        assert.equal(response.status, 202)
        assert.equal(response.statusText, 'Taken')
        assert.equal(response.headers.get('mcp-session-id'), 'abc')
        assert.equal(response.headers.get('x-two'), '1, 2')
        const seen: Echoed = JSON.parse(await response.text())
        assert.equal(seen.method, 'POST')
        assert.equal(seen.url, '/mcp/demo?q=1')
        assert.equal(seen.body, '{"grüße":1}')
        assert.deepEqual(headerOf(seen, 'authorization'), ['Bearer t0ken'])
        assert.deepEqual(headerOf(seen, 'mcp-method'), ['tools/call'])
        assert.deepEqual(headerOf(seen, 'mcp-param-region'), ['=?base64?SGk=?='])
      },
    ))

  test('its own Host and Origin become the target, forged ones arrive as they are', () =>
    withForwarder(echo, none, async (url, targetOrigin) => {
      const own = new URL(url)
      const honest = await send(url, { Host: own.host, Origin: own.origin }, '')
      assert.deepEqual(headerOf(honest, 'host'), [new URL(targetOrigin).host])
      assert.deepEqual(headerOf(honest, 'origin'), [targetOrigin])
      const forged = await send(url, { Host: 'evil.example.com', Origin: 'http://evil.example.com' }, '')
      assert.deepEqual(headerOf(forged, 'host'), ['evil.example.com'])
      assert.deepEqual(headerOf(forged, 'origin'), ['http://evil.example.com'])
    }))

  test('names the target in the request it asks headers for, as a DPoP proof needs', () => {
    const asked: string[] = []
    const note: AddHeaders = ({ method, url }) => {
      asked.push(`${method} ${url}`)
      return Promise.resolve({ DPoP: 'proof' })
    }
    return withForwarder(echo, note, async (url, targetOrigin) => {
      const seen = await send(url, {}, 'x')
      assert.deepEqual(asked, [`POST ${targetOrigin}/mcp/demo`])
      assert.deepEqual(headerOf(seen, 'dpop'), ['proof'])
    })
  })

  test('hands on each event while the stream is open, and an end on our side ends the target', async () => {
    const ended = Promise.withResolvers<void>()
    await withForwarder(
      (_request, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        response.write('id: 1\ndata: {"first":true}\n\n')
        response.once('close', () => ended.resolve())
      },
      none,
      async (url) => {
        const response = await fetch(url)
        const reader = response.body?.getReader()
        assert.ok(reader)
        const { value } = await reader.read()
        assert.equal(new TextDecoder().decode(value), 'id: 1\ndata: {"first":true}\n\n')
        await reader.cancel()
        await ended.promise
      },
    )
  })

  test('a stream the target cuts is cut, not ended', () =>
    withForwarder(
      (_request, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        response.write('data: 1\n\n', () => response.destroy())
      },
      none,
      async (url) => {
        const response = await fetch(url)
        await assert.rejects(response.text())
      },
    ))

  test('a target that is gone, or a token that cannot be had, answers 502', async () => {
    const dead = createServer()
    const origin = await listenOnLoopback(dead)
    await closeServer(dead)
    const gone = await startForwarder(origin, none)
    const tokenless = await startForwarder(
      origin,
      bearer(() => Promise.reject(new Error('no token'))),
    )
    try {
      assert.equal((await fetch(gone.url, { method: 'POST', body: 'x' })).status, 502)
      assert.equal((await fetch(tokenless.url)).status, 502)
    } finally {
      await gone.close()
      await tokenless.close()
    }
  })
})
