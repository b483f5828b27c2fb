/**
 * A light MCP client over `node:http`: kept-alive connections, messages built beforehand, proofs signed beforehand. It
 * is no part of what is measured; it only must not be the bottleneck.
 * @module
 */
import { createPrivateKey, createPublicKey, hash, type KeyObject, randomUUID } from 'node:crypto'
import { Agent as Connections, request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { parsePublicJwk, signJws } from '@safeconduct/engine'
import type { AgentHandle } from './daemon-process.ts'

export type Revision = '2025-11-25' | '2026-07-28'

export interface HttpAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** Who asks: nobody in particular at a peer, an agent with a grant at the gateway. */
export interface Presence {
  headers(): Record<string, string>
  /** Signs proofs for the calls that come; outside the measured time. */
  ready(calls: number): void
  /** Sees every answer, for the nonce in it. */
  seen(answer: HttpAnswer): void
}

export interface Target {
  readonly url: URL
  /** `Host` to send when it is not the one of the URL. */
  readonly host: string | null
}

export function createTransport() {
  const connections = new Connections({ keepAlive: true, maxSockets: 256 })
  return {
    post(target: Target, headers: Readonly<Record<string, string>>, body: string): Promise<HttpAnswer> {
      return new Promise((resolve, reject) => {
        const { hostname, port, pathname } = target.url
        const request = httpRequest(
          {
            agent: connections,
            hostname,
            port,
            path: pathname,
            method: 'POST',
            headers: {
              ...(target.host === null ? {} : { host: target.host }),
              'content-type': 'application/json',
              accept: 'application/json, text/event-stream',
              'content-length': Buffer.byteLength(body),
              ...headers,
            },
          },
          (response) => {
            const chunks: Buffer[] = []
            response.on('data', (chunk: Buffer) => chunks.push(chunk))
            response.on('error', reject)
            response.on('end', () => {
              const text = Buffer.concat(chunks).toString('utf8')
              resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text })
            })
          },
        )
        request.on('error', reject)
        request.end(body)
      })
    },
    close: () => connections.destroy(),
  }
}

export type Transport = ReturnType<typeof createTransport>

export const NOBODY: Presence = { headers: () => ({}), ready: () => undefined, seen: () => undefined }

export function presenceOf({ scheme, token, key }: AgentHandle, resource: string): Presence {
  if (scheme === 'bearer' || key === null)
    return { ...NOBODY, headers: () => ({ authorization: `Bearer ${token}` }) }
  const privateKey: KeyObject = createPrivateKey(key)
  const { jwk } = parsePublicJwk(createPublicKey(privateKey).export({ format: 'jwk' }))
  const ath = hash('sha256', token, 'base64url')
  const signed: string[] = []
  let nonce: string | null = null
  const sign = () =>
    signJws(
      { typ: 'dpop+jwt', jwk: { ...jwk } },
      {
        jti: randomUUID(),
        htm: 'POST',
        htu: resource,
        iat: Math.floor(Date.now() / 1000),
        ath,
        ...(nonce === null ? {} : { nonce }),
      },
      privateKey,
    )
  return {
    headers: () => ({ authorization: `DPoP ${token}`, dpop: signed.pop() ?? sign() }),
    ready(calls) {
      // Earlier ones may be too old by now.
      signed.length = 0
      for (let i = 0; i < calls; i++) signed.push(sign())
    },
    seen({ headers }) {
      if (typeof headers['dpop-nonce'] === 'string') nonce = headers['dpop-nonce']
    },
  }
}

export interface Caller {
  /** Resolves when the call was answered with a result. @throws when it was refused */
  call(): Promise<void>
  /** The same without a judgement. */
  ask(): Promise<HttpAnswer>
  ready(calls: number): void
}

const INITIALIZE = {
  jsonrpc: '2.0',
  id: 0,
  method: 'initialize',
  params: {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'bench', version: '1.0.0' },
  },
}
const ENVELOPE = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
  'io.modelcontextprotocol/clientInfo': { name: 'bench', version: '1.0.0' },
}

/** Opens whatever the revision needs, and makes the first call, which also fetches a nonce. */
export async function openCaller(
  transport: Transport,
  target: Target,
  presence: Presence,
  revision: Revision,
): Promise<Caller> {
  let id = 1
  let extra: Record<string, string> = { 'mcp-protocol-version': revision }
  const post = async (message: object, headers = {}) => {
    const answer = await transport.post(
      target,
      { ...extra, ...headers, ...presence.headers() },
      JSON.stringify(message),
    )
    presence.seen(answer)
    return answer
  }
  const ask = () => {
    const params = {
      name: 'get_quote',
      arguments: { symbol: 'NOVA' },
      ...(revision === '2026-07-28' ? { _meta: ENVELOPE } : {}),
    }
    const headers = revision === '2026-07-28' ? { 'mcp-method': 'tools/call', 'mcp-name': 'get_quote' } : {}
    return post({ jsonrpc: '2.0', id: id++, method: 'tools/call', params }, headers)
  }
  if (revision === '2025-11-25') {
    extra = {}
    let answer = await post(INITIALIZE)
    if (answer.status === 401) answer = await post(INITIALIZE)
    const session = answer.headers['mcp-session-id']
    if (answer.status !== 200 || typeof session !== 'string') throw refused(answer)
    extra = { 'mcp-protocol-version': revision, 'mcp-session-id': session }
    await post({ jsonrpc: '2.0', method: 'notifications/initialized' })
  }
  const call = async () => {
    const answer = await ask()
    if (!passed(answer)) throw refused(answer)
  }
  const first = await ask()
  if (!passed(first)) await call()
  return { call, ask, ready: (calls) => presence.ready(calls) }
}

/** A result that is no error: what the tool answered came through. */
export function passed({ status, headers, body }: HttpAnswer): boolean {
  if (status !== 200) return false
  const stream = headers['content-type']?.startsWith('text/event-stream') === true
  const text = stream
    ? (body
        .match(/^data: ?(.+)$/gm)
        ?.at(-1)
        ?.replace(/^data: ?/, '') ?? '')
    : body
  const { result }: { result?: { isError?: boolean; structuredContent?: { symbol?: string } } } =
    JSON.parse(text)
  return result !== undefined && result.isError !== true && result.structuredContent?.symbol === 'NOVA'
}

function refused({ status, body }: HttpAnswer): Error {
  return new Error(`a call was refused (${status}): ${body.slice(0, 300)}`)
}
