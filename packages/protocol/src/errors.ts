/**
 * The one closed union of error codes, and the one error class that carries them.
 *
 * An error has a public face (`code`, `message`, `details`) that may leave the process, and a private
 * cause that never does. `Error.cause` is only for logs and debuggers; nothing serialises it.
 * @module
 */

/** HTTP status, JSON-RPC code and default public sentence of every error code. */
export const ERROR_TABLE = {
  invalid_request: { status: 400, rpc: -32600, message: 'The request is not valid.' },
  invalid_json: { status: 400, rpc: -32700, message: 'The body is not valid JSON.' },
  duplicate_key: { status: 400, rpc: -32700, message: 'The JSON has an object with a key given twice.' },
  too_deep: { status: 400, rpc: -32700, message: 'The JSON is nested too deeply.' },
  too_large: { status: 413, rpc: -32600, message: 'The body is larger than allowed.' },
  invalid_params: { status: 400, rpc: -32602, message: 'The parameters are not valid.' },
  method_not_found: {
    status: 404,
    rpc: -32601,
    message: 'The method does not exist or is not allowed here.',
  },
  unauthenticated: { status: 401, rpc: -32001, message: 'A valid access token is needed.' },
  invalid_token: { status: 401, rpc: -32001, message: 'The access token is not valid.' },
  invalid_dpop_proof: { status: 401, rpc: -32001, message: 'The DPoP proof is not valid.' },
  use_dpop_nonce: { status: 401, rpc: -32001, message: 'The DPoP proof needs the nonce given here.' },
  revoked: { status: 401, rpc: -32001, message: 'The grant has been revoked.' },
  insufficient_scope: { status: 403, rpc: -32003, message: 'The access token lacks a needed scope.' },
  insufficient_user_authentication: {
    status: 401,
    rpc: -32001,
    message: 'A fresher or stronger authentication is needed.',
  },
  forbidden: { status: 403, rpc: -32003, message: 'This is not allowed.' },
  owner_session_required: {
    status: 403,
    rpc: -32003,
    message: 'The signed-in owner must confirm this in the browser.',
  },
  not_found: { status: 404, rpc: -32004, message: 'There is nothing by that name.' },
  conflict: { status: 409, rpc: -32009, message: 'It exists already or was changed meanwhile.' },
  denied: { status: 403, rpc: -32003, message: 'The call was refused.' },
  approval_required: { status: 403, rpc: -32042, message: 'A person has to approve this call.' },
  approval_refused: { status: 403, rpc: -32003, message: 'A person refused this call.' },
  step_up_required: { status: 401, rpc: -32001, message: 'A fresh proof of the key is needed.' },
  unknown_tool: { status: 404, rpc: -32602, message: 'There is no such tool.' },
  tool_quarantined: { status: 403, rpc: -32003, message: 'The tool changed and waits for re-approval.' },
  budget_exhausted: { status: 403, rpc: -32003, message: 'The budget of the task is used up.' },
  rate_limited: { status: 429, rpc: -32029, message: 'Too many requests; try again later.' },
  overloaded: { status: 503, rpc: -32050, message: 'Too much work at once; try again later.' },
  policy_missing: { status: 503, rpc: -32003, message: 'No policy is loaded, so nothing is allowed.' },
  policy_invalid: { status: 422, rpc: -32602, message: 'The policy is not valid.' },
  widening: { status: 400, rpc: -32602, message: 'A delegation may only narrow what it was given.' },
  chain_too_long: { status: 400, rpc: -32602, message: 'The delegation chain is too long.' },
  expired: { status: 403, rpc: -32003, message: 'It has expired.' },
  upstream_unavailable: {
    status: 502,
    rpc: -32060,
    message: 'The server behind the gateway cannot be reached.',
  },
  upstream_timeout: {
    status: 504,
    rpc: -32060,
    message: 'The server behind the gateway did not answer in time.',
  },
  upstream_invalid: {
    status: 502,
    rpc: -32060,
    message: 'The server behind the gateway gave an invalid answer.',
  },
  upstream_tls: {
    status: 502,
    rpc: -32060,
    message: 'The certificate of the server behind the gateway is not valid.',
  },
  disk_full: {
    status: 507,
    rpc: -32070,
    message: 'The disk is full, so calls cannot be recorded and are refused.',
  },
  ledger_unavailable: {
    status: 503,
    rpc: -32070,
    message: 'The ledger cannot record calls, so they are refused.',
  },
  ledger_corrupt: { status: 500, rpc: -32070, message: 'The ledger does not match its own records.' },
  shutting_down: { status: 503, rpc: -32050, message: 'The gateway is shutting down.' },
  already_running: { status: 409, rpc: -32009, message: 'A daemon already runs on this data directory.' },
  not_running: { status: 503, rpc: -32050, message: 'No daemon runs on this data directory.' },
  host_refused: { status: 403, rpc: -32003, message: 'The Host header is not one of ours.' },
  origin_refused: { status: 403, rpc: -32003, message: 'The Origin header is not one of ours.' },
  ssrf_refused: { status: 400, rpc: -32602, message: 'That address may not be fetched from here.' },
  internal: { status: 500, rpc: -32603, message: 'Something went wrong here.' },
} as const satisfies Record<string, { status: number; rpc: number; message: string }>

export type ErrorCode = keyof typeof ERROR_TABLE

export interface ErrorOptions {
  /** Public sentence instead of the default one. Must not hold secrets, thresholds or untrusted text. */
  readonly message?: string
  /** Public machine-readable facts, for example `{ limit: 1048576 }`. */
  readonly details?: Readonly<Record<string, string | number | boolean | readonly string[]>>
  /** Private; never serialised. */
  readonly cause?: unknown
}

/** The only error class that may cross a package boundary of ours. */
export class SafeconductError extends Error {
  readonly code: ErrorCode
  readonly details: Readonly<Record<string, string | number | boolean | readonly string[]>>

  constructor(code: ErrorCode, options: ErrorOptions = {}) {
    super(
      options.message ?? ERROR_TABLE[code].message,
      options.cause === undefined ? undefined : { cause: options.cause },
    )
    this.name = 'SafeconductError'
    this.code = code
    this.details = options.details ?? {}
  }

  get status(): number {
    return ERROR_TABLE[this.code].status
  }

  get rpc(): number {
    return ERROR_TABLE[this.code].rpc
  }

  /** What may leave the process. */
  toJSON(): { error: ErrorCode; message: string; details?: object } {
    const face = { error: this.code, message: this.message }
    return Object.keys(this.details).length === 0 ? face : { ...face, details: this.details }
  }
}

export function isSafeconductError(value: unknown): value is SafeconductError {
  return value instanceof SafeconductError
}

/** Wraps anything thrown: ours passes through, everything else becomes `internal` with a private cause. */
export function toSafeconductError(value: unknown, fallback: ErrorCode = 'internal'): SafeconductError {
  return isSafeconductError(value) ? value : new SafeconductError(fallback, { cause: value })
}
