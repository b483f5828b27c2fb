/**
 * The command line's way to the daemon: HTTP over `<data>/control.sock`, which only this user can open.
 * @module
 */
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import {
  ERROR_TABLE,
  type ErrorCode,
  isJsonObject,
  type JsonObject,
  parseJson,
  SafeconductError,
} from '@safeconduct/protocol'

export interface ControlClient {
  readonly socketPath: string
  get(path: string): Promise<JsonObject>
  post(path: string, body: object): Promise<JsonObject>
  /** The raw exchange, for streams. The caller reads or destroys the response. */
  open(options: RequestOptions, body?: string): Promise<IncomingMessage>
}

/** No answer of the administration takes this long; streams are opened otherwise and may. */
const ANSWER_TIMEOUT_MS = 60_000
const ANSWER_LIMITS = { maxLength: 64 * 1024 * 1024, maxDepth: 128 }

export function createControlClient(socketPath: string): ControlClient {
  const open: ControlClient['open'] = (options, body) =>
    new Promise((resolve, reject) => {
      const request = httpRequest(
        { socketPath, ...options, headers: { host: 'localhost', ...options.headers } },
        resolve,
      )
      request.on('error', (cause: NodeJS.ErrnoException) => {
        const absent = cause.code === 'ENOENT' || cause.code === 'ECONNREFUSED'
        reject(
          new SafeconductError('not_running', {
            ...(absent ? {} : { message: `The daemon did not answer (${cause.code ?? 'unknown error'}).` }),
            cause,
          }),
        )
      })
      request.end(body)
    })

  async function exchange(method: string, path: string, body?: object): Promise<JsonObject> {
    const text = body === undefined ? undefined : JSON.stringify(body)
    const headers =
      text === undefined
        ? {}
        : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }
    const signal = AbortSignal.timeout(ANSWER_TIMEOUT_MS)
    const response = await open({ method, path, headers, signal }, text)
    const answer = await readJson(response)
    const status = response.statusCode ?? 500
    if (status >= 200 && status < 300) return answer
    throw asError(answer)
  }

  return {
    socketPath,
    open,
    get: (path) => exchange('GET', path),
    post: (path, body) => exchange('POST', path, body),
  }
}

async function readJson(response: IncomingMessage): Promise<JsonObject> {
  const chunks: Buffer[] = []
  let total = 0
  for await (const chunk of response) {
    total += chunk.length
    if (total > ANSWER_LIMITS.maxLength) throw new SafeconductError('too_large')
    chunks.push(chunk)
  }
  if (total === 0) return {}
  const value = parseJson(Buffer.concat(chunks), ANSWER_LIMITS)
  if (isJsonObject(value)) return value
  throw new SafeconductError('internal', { message: 'The daemon gave an answer that is not understood.' })
}

/** The daemon's typed error, as if it had been thrown here. */
export function asError(answer: JsonObject): SafeconductError {
  const code =
    typeof answer.error === 'string' && answer.error in ERROR_TABLE ? (answer.error as ErrorCode) : 'internal'
  return new SafeconductError(code, typeof answer.message === 'string' ? { message: answer.message } : {})
}
