/**
 * What can go wrong with an upstream, said in our codes. `details.effect` says whether the request may have been
 * carried out: it decides whether the outcome is recorded as failed or as unknown.
 * @module
 */
import { type ErrorCode, isSafeconductError, SafeconductError } from '@safeconduct/protocol'

export type Effect = 'none' | 'unknown'

export function upstreamFailure(
  code: Extract<ErrorCode, `upstream_${string}` | 'ssrf_refused'>,
  effect: Effect,
  options: { readonly message?: string; readonly cause?: unknown } = {},
): SafeconductError {
  return new SafeconductError(code, { ...options, details: { effect } })
}

/** Unknown unless the failure says that nothing was sent. */
export function effectOf(error: SafeconductError): Effect {
  return error.details.effect === 'none' ? 'none' : 'unknown'
}

const NEVER_CONNECTED = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'UND_ERR_CONNECT_TIMEOUT',
])
const TLS =
  /^(CERT_|UNABLE_TO_|ERR_TLS_|ERR_SSL_|DEPTH_ZERO|SELF_SIGNED|HOSTNAME_MISMATCH|INVALID_CA|EPROTO$)/
const NONSENSE = /^(HPE_|UND_ERR_HEADERS_OVERFLOW|UND_ERR_RESPONSE|UND_ERR_RES_|UND_ERR_BODY)/

/** Sorts what a connection threw. Our own errors pass. */
export function fromConnection(cause: unknown): SafeconductError {
  for (const error of chain(cause)) {
    if (isSafeconductError(error)) return withEffect(error, 'none')
    const code = codeOf(error)
    if (TLS.test(code)) return upstreamFailure('upstream_tls', 'none', { cause })
    if (NEVER_CONNECTED.has(code)) return upstreamFailure('upstream_unavailable', 'none', { cause })
    if (NONSENSE.test(code)) return upstreamFailure('upstream_invalid', 'unknown', { cause })
  }
  return upstreamFailure('upstream_unavailable', 'unknown', { cause })
}

function withEffect(error: SafeconductError, effect: Effect): SafeconductError {
  if (error.details.effect !== undefined) return error
  return new SafeconductError(error.code, {
    message: error.message,
    details: { ...error.details, effect },
    cause: error,
  })
}

function* chain(error: unknown): Generator<unknown> {
  for (let depth = 0; depth < 5 && error instanceof Error; depth++) {
    yield error
    if (error instanceof AggregateError) yield* error.errors
    error = error.cause
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}

/** Whatever a message from an upstream was wrong with: size, depth, JSON, JSON-RPC. */
export function nonsense(cause: unknown): SafeconductError {
  if (isSafeconductError(cause) && cause.code.startsWith('upstream_')) return cause
  const message = isSafeconductError(cause)
    ? `The server behind the gateway gave an invalid answer. ${cause.message}`
    : undefined
  return upstreamFailure('upstream_invalid', 'unknown', {
    ...(message === undefined ? {} : { message }),
    cause,
  })
}
