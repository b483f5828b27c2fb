/**
 * CPU per token request of ours against bare `oidc-provider`, in the same run: `client_credentials` with
 * `private_key_jwt` and `resource`, with and without DPoP, all ES256; and against the least that a token request costs in
 * Node (read, check signatures, sign, answer), which bounds the ratio that anybody can reach. Each server runs in a process of its own, so the
 * client's signing is not counted. `node scripts/bootstrap.mjs bench/token.ts [--json]`, about 35 s.
 *
 * Ours also opens the task, checks epochs and asks a gate (which agrees at once); its store is the memory store, as the
 * library's is a plain map. A new DPoP key comes with every fifth request.
 *
 * @module
 */
import { generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto'
import { Agent, request } from 'node:http'
import type { PublicJwk } from '@safeconduct/protocol'
import { type BenchProcess, startBench } from './lib/child.ts'
import { benchOptions } from './lib/options.ts'
import { median } from './lib/stats.ts'
import type { TokenServerInput, TokenServerReady } from './token/server.ts'

const ROUNDS = 5
const REQUESTS = 400
const WARM_UP = 1200
const CONNECTIONS = 8

type Kind = TokenServerInput['kind']
interface Prepared {
  readonly body: string
  readonly proof: string | null
}

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

function jws(header: object, payload: object, key: KeyObject): string {
  const text = `${encode(header)}.${encode(payload)}`
  return `${text}.${sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
}

const clientPair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const clientKey = { ...clientPair.publicKey.export({ format: 'jwk' }), kid: 'client' } as PublicJwk
let proofPair = generateKeyPairSync('ec', { namedCurve: 'P-256' })

function prepare(ready: TokenServerReady, count: number, dpop: boolean): Prepared[] {
  return Array.from({ length: count }, (_, at) => {
    const now = Math.floor(Date.now() / 1000)
    const assertion = jws(
      { alg: 'ES256', kid: 'client' },
      { iss: ready.client, sub: ready.client, aud: ready.issuer, jti: randomUUID(), iat: now, exp: now + 60 },
      clientPair.privateKey,
    )
    if (at % 5 === 0) proofPair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const proof = jws(
      { typ: 'dpop+jwt', alg: 'ES256', jwk: proofPair.publicKey.export({ format: 'jwk' }) },
      { jti: randomUUID(), htm: 'POST', htu: `${ready.issuer}/oauth/token`, iat: now },
      proofPair.privateKey,
    )
    const body = new URLSearchParams({
      grant_type: 'client_credentials',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: assertion,
      resource: ready.resource,
      scope: 'mcp:read',
    })
    return { body: body.toString(), proof: dpop ? proof : null }
  })
}

const KINDS: readonly Kind[] = ['ours', 'bare', 'least']

const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })

function post(ready: TokenServerReady, { body, proof }: Prepared): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = {
      'content-type': 'application/x-www-form-urlencoded',
      'content-length': Buffer.byteLength(body),
      ...(proof === null ? {} : { dpop: proof }),
    }
    const sent = request(`${ready.issuer}/oauth/token`, { method: 'POST', headers, agent }, (res) => {
      const parts: Buffer[] = []
      res.on('data', (part: Buffer) => parts.push(part))
      res.on('end', () => {
        const text = Buffer.concat(parts).toString()
        if (res.statusCode === 200 && text.includes('access_token')) resolve()
        else reject(new Error(`${res.statusCode} ${text}`))
      })
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

async function run(ready: TokenServerReady, requests: readonly Prepared[]): Promise<void> {
  let next = 0
  const worker = async () => {
    for (let one = requests[next++]; one !== undefined; one = requests[next++]) await post(ready, one)
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, worker))
}

/** Microseconds of CPU per request. */
async function measure(
  server: BenchProcess<TokenServerReady>,
  count: number,
  dpop: boolean,
): Promise<number> {
  const requests = prepare(server.ready, count, dpop)
  const before = await server.cpu()
  await run(server.ready, requests)
  return ((await server.cpu()) - before) / count
}

const { values: flags } = benchOptions(
  { name: 'token', about: 'Our token endpoint beside bare oidc-provider, in turns.' },
  {},
)
const module = new URL('./token/server.ts', import.meta.url)
const servers: Record<Kind, BenchProcess<TokenServerReady>> = {
  ours: await startBench<TokenServerReady>(module, { kind: 'ours', clientKey } satisfies TokenServerInput),
  bare: await startBench<TokenServerReady>(module, { kind: 'bare', clientKey } satisfies TokenServerInput),
  least: await startBench<TokenServerReady>(module, { kind: 'least', clientKey } satisfies TokenServerInput),
}
try {
  const rows = []
  for (const dpop of [true, false]) {
    const seen: Record<Kind, number[]> = { ours: [], bare: [], least: [] }
    for (const kind of KINDS) await measure(servers[kind], WARM_UP, dpop)
    for (let round = 0; round < ROUNDS; round++) {
      const order = round % 2 === 0 ? KINDS : KINDS.toReversed()
      for (const kind of order) seen[kind].push(await measure(servers[kind], REQUESTS, dpop))
    }
    const ratioTo = (kind: Kind) => {
      const ratios = seen[kind].map((micros, at) => (seen.bare[at] ?? Number.NaN) / micros)
      return Number(median(ratios).toFixed(2))
    }
    rows.push({
      request: dpop ? 'private_key_jwt + DPoP + resource' : 'private_key_jwt + resource',
      oursMicros: Math.round(median(seen.ours)),
      bareMicros: Math.round(median(seen.bare)),
      leastMicros: Math.round(median(seen.least)),
      ratio: ratioTo('ours'),
      mostPossible: ratioTo('least'),
    })
  }
  if (flags.json === true)
    process.stdout.write(`${JSON.stringify({ bench: 'token', rounds: ROUNDS, requests: REQUESTS, rows })}\n`)
  else {
    process.stdout.write('CPU per token request, microseconds (server process only, medians)\n')
    for (const row of rows) {
      process.stdout.write(
        `${row.request.padEnd(36)} ours ${row.oursMicros}  oidc-provider ${row.bareMicros}  ${row.ratio}x (at most ${row.mostPossible}x)\n`,
      )
    }
  }
} finally {
  agent.destroy()
  await Promise.all(Object.values(servers).map((server) => server.stop()))
}
