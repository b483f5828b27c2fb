/**
 * For enforcement points that are not our gateway: calls are prepared before they go out and settled before their
 * results are released; questions are asked dry (AuthZEN 1.0).
 *
 * ```ts
 * const pep = enforcementPoint({ issuer, secret: process.env.PEP_SECRET })
 * const { id, forward, operation } = await pep.prepare({ token, dpop, operation: { server: 'crm', method: 'tools/call', params } })
 * if (forward) {
 *   const result = await callTheServer(operation)
 *   await pep.settle(id, { status: 'ok', text: [result] }) // only now may the agent see it
 * }
 * ```
 * @module
 */
import type { JsonObject, JsonValue } from '@safeconduct/protocol'

export interface EnforcementPointOptions {
  readonly issuer: string
  /** As printed by `safeconduct enforcers register`. */
  readonly secret: string
  readonly fetch?: typeof fetch
  readonly now?: () => number
}

export interface Call {
  /** UUIDv7; made here when left out. The same id is the same call. */
  readonly id?: string
  /** The agent's access token. */
  readonly token: string
  /** The agent's proof, and the method and URL it was made for. */
  readonly dpop?: { readonly proof: string; readonly method: string; readonly url: string }
  readonly operation: { readonly server: string; readonly method: string; readonly params?: JsonObject }
  readonly context?: { readonly ip?: string; readonly client?: string }
}

export interface PreparedCall {
  readonly id: string
  /** Only then may the call go out, as `operation` says and no other way. */
  readonly forward: boolean
  readonly outcome: 'allow' | 'step_up' | 'approval' | 'deny'
  readonly code: string | null
  readonly remedy: string
  readonly approval?: string | null
  /** For the agent's next proof, when `code` is `use_dpop_nonce`. */
  readonly nonce?: string
  readonly operation?: {
    readonly server: string
    readonly method: string
    readonly name: string | null
    readonly args: JsonObject
  } | null
  /** ISO 8601; without an outcome by then, the call is recorded as unknown. */
  readonly settle_by?: string | null
}

export interface CallOutcome {
  readonly status: 'ok' | 'tool_error' | 'failed' | 'cancelled'
  /** What the agent will read, part by part. */
  readonly text?: readonly string[]
  readonly structured?: JsonValue
  /** `sha256:` of the canonical result. */
  readonly digest?: string
  readonly bytes?: number
  readonly error?: string
}

export interface Question {
  readonly subject: { readonly type: string; readonly id: string; readonly properties?: JsonObject }
  readonly action: { readonly name: string; readonly properties?: JsonObject }
  readonly resource: { readonly type: string; readonly id: string; readonly properties?: JsonObject }
  readonly context?: JsonObject
}

export interface EnforcementPoint {
  /** Repeated once when the connection breaks: the id makes it one call. @throws {EnforcementError} */
  prepare(call: Call): Promise<PreparedCall>
  /** @throws {EnforcementError} then the result must not be released */
  settle(id: string, outcome: CallOutcome): Promise<JsonObject>
  /** Of what a server defines, what may be shown to the agent. */
  tools(
    given: Pick<Call, 'token' | 'dpop'> & { server: string; definitions: readonly JsonObject[] },
  ): Promise<readonly JsonObject[]>
  /** Dry. `store`: a policy store other than the first one it is registered for. */
  evaluate(
    question: Question,
    store?: string,
  ): Promise<{ readonly decision: boolean; readonly context?: JsonObject }>
}

export class EnforcementError extends Error {
  override readonly name = 'EnforcementError'
  /** Of the daemon, or `unreachable`. */
  readonly code: string
  readonly status: number

  constructor(code: string, status: number, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.status = status
  }
}

export function enforcementPoint(options: EnforcementPointOptions): EnforcementPoint {
  const { fetch: fetcher = fetch, now = Date.now } = options
  const base = options.issuer.replace(/\/$/, '')
  const headers = { authorization: `Bearer ${options.secret}`, 'content-type': 'application/json' }

  async function once(path: string, body: string): Promise<Response> {
    try {
      return await fetcher(`${base}${path}`, { method: 'POST', headers, body, redirect: 'error' })
    } catch (cause) {
      throw new EnforcementError('unreachable', 0, 'The decision point cannot be reached.', cause)
    }
  }

  async function post(path: string, body: object): Promise<unknown> {
    const text = JSON.stringify(body)
    const response = await once(path, text).catch((error) => {
      if (error instanceof EnforcementError) return once(path, text)
      throw error
    })
    const answer: unknown = await response.json().catch(() => null)
    if (response.ok) return answer
    const { error, message }: { error?: unknown; message?: unknown } = Object(answer)
    const code = typeof error === 'string' ? error : 'internal'
    throw new EnforcementError(code, response.status, typeof message === 'string' ? message : code)
  }

  return {
    async prepare(call) {
      const answer = Object(await post('/api/v1/calls/prepare', { id: uuidV7(now()), ...call }))
      // Whatever is not said clearly lets nothing out.
      return { ...answer, forward: answer.forward === true && Object(answer.operation) === answer.operation }
    },
    settle: async (id, outcome) =>
      Object(await post(`/api/v1/calls/${encodeURIComponent(id)}/settle`, outcome)),
    async tools(given) {
      const { visible } = Object(await post('/api/v1/calls/tools', given))
      return Array.isArray(visible) ? visible : []
    },
    async evaluate(question, store) {
      const place = store === undefined ? '/access/v1' : `/access/v1/stores/${encodeURIComponent(store)}`
      const answer = Object(await post(`${place}/evaluation`, question))
      return { ...answer, decision: answer.decision === true }
    },
  }
}

/** RFC 9562 §5.7. */
export function uuidV7(now: number): string {
  const bytes = crypto.getRandomValues(new Uint8Array(10))
  const random = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')
  const time = now.toString(16).padStart(12, '0')
  const variant = (8 + ((bytes[2] ?? 0) & 3)).toString(16)
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(0, 3)}-${variant}${random.slice(5, 8)}-${random.slice(8, 20)}`
}
