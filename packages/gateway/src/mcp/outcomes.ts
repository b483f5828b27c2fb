/**
 * The one table of what an agent is told: outcome × revision × transport → status, form, challenge, resume handle.
 * The first row that fits counts; the last two fit everything. Whatever the form, the agent sees a code, a neutral
 * remedy and the id of the decision, nothing else.
 * @module
 */
import {
  type Decision,
  ERROR_TABLE,
  type ErrorCode,
  isJsonObject,
  type JsonObject,
  type OperationKind,
  type Outcome,
} from '@safeconduct/protocol'
import { type ChallengeInput, challenges } from '../auth/challenge.ts'
import type { GatewaySettings } from '../settings.ts'
import { fail, type RpcAnswer } from './message.ts'
import { type Revision, RPC } from './revisions.ts'

export type Transport = 'http' | 'stdio'

/**
 * `challenge`: HTTP status with `WWW-Authenticate`. `tool_error`: a result with `isError`, so that the model can read
 * it. `rpc_error`: a JSON-RPC error. `url_error`: -32042 with the page to open. `input_required`: the same as a
 * multi-round-trip result, which the client repeats on its own once the person has been there.
 */
export type Form = 'challenge' | 'tool_error' | 'rpc_error' | 'url_error' | 'input_required'

export interface OutcomeRow {
  readonly outcome: Exclude<Outcome, 'allow'> | 'any'
  readonly codes?: readonly ErrorCode[]
  readonly revisions?: readonly Revision[]
  readonly transports?: readonly Transport[]
  readonly kinds?: readonly OperationKind[]
  /** Only when the client said that it can send a person to a URL. */
  readonly needsUrl?: true
  readonly form: Form
  readonly status: number
  /** The answer names the approval that a repeated call will use. */
  readonly resume?: true
}

const TOKEN: readonly ErrorCode[] = ['revoked', 'expired', 'invalid_token', 'unauthenticated']
const FRESH: readonly ErrorCode[] = ['step_up_required', 'insufficient_user_authentication']

export const OUTCOME_TABLE: readonly OutcomeRow[] = [
  { outcome: 'deny', codes: TOKEN, transports: ['http'], form: 'challenge', status: 401 },
  { outcome: 'deny', codes: ['insufficient_scope'], transports: ['http'], form: 'challenge', status: 403 },
  { outcome: 'deny', codes: FRESH, transports: ['http'], form: 'challenge', status: 401 },
  { outcome: 'step_up', transports: ['http'], form: 'challenge', status: 401 },
  {
    outcome: 'approval',
    revisions: ['2025-11-25'],
    needsUrl: true,
    form: 'url_error',
    status: 200,
    resume: true,
  },
  {
    outcome: 'approval',
    revisions: ['2026-07-28'],
    needsUrl: true,
    form: 'input_required',
    status: 200,
    resume: true,
  },
  { outcome: 'approval', kinds: ['tool'], form: 'tool_error', status: 200, resume: true },
  { outcome: 'approval', form: 'rpc_error', status: 200, resume: true },
  { outcome: 'deny', codes: ['unknown_tool'], form: 'rpc_error', status: 200 },
  { outcome: 'any', kinds: ['tool'], form: 'tool_error', status: 200 },
  { outcome: 'any', form: 'rpc_error', status: 200 },
]

export interface OutcomeCase {
  readonly outcome: Exclude<Outcome, 'allow'>
  readonly code: ErrorCode
  readonly revision: Revision
  readonly transport: Transport
  readonly kind: OperationKind
  readonly url: boolean
}

export function outcomeRow(given: OutcomeCase): OutcomeRow {
  const fits = (row: OutcomeRow) =>
    (row.outcome === 'any' || row.outcome === given.outcome) &&
    (row.codes === undefined || row.codes.includes(given.code)) &&
    (row.revisions === undefined || row.revisions.includes(given.revision)) &&
    (row.transports === undefined || row.transports.includes(given.transport)) &&
    (row.kinds === undefined || row.kinds.includes(given.kind)) &&
    (row.needsUrl === undefined || given.url)
  return OUTCOME_TABLE.find(fits) ?? { outcome: 'any', form: 'rpc_error', status: 200 }
}

const DEFAULT_CODE: Readonly<Record<Outcome, ErrorCode>> = {
  allow: 'internal',
  deny: 'denied',
  approval: 'approval_required',
  step_up: 'step_up_required',
}

export function codeOf(decision: Decision): ErrorCode {
  return decision.code ?? DEFAULT_CODE[decision.outcome]
}

/** What every form carries for programs. Keys under our prefix do not collide with the protocol's. */
export interface Refusal {
  readonly code: ErrorCode
  readonly remedy: string
  readonly decision: string
  readonly approval?: string
  readonly url?: string
}

export function refusalOf(decision: Decision, row: OutcomeRow, settings: GatewaySettings): Refusal {
  const code = codeOf(decision)
  const remedy = decision.remedy === '' ? ERROR_TABLE[code].message : decision.remedy
  const resume =
    row.resume === true && decision.approval !== null
      ? { approval: decision.approval, url: settings.approvalUrl(decision.approval) }
      : {}
  return { code, remedy, decision: decision.id, ...resume }
}

const REFUSAL_META = 'safeconduct/refusal'

function toolError(refusal: Refusal, revision: Revision): RpcAnswer {
  const lines = [
    refusal.remedy,
    `code: ${refusal.code}`,
    `decision: ${refusal.decision}`,
    ...(refusal.approval === undefined ? [] : [`approval: ${refusal.approval}`, `open: ${refusal.url}`]),
  ]
  const result = {
    content: [{ type: 'text', text: lines.join('\n') }],
    isError: true,
    _meta: { [REFUSAL_META]: { ...refusal } },
  }
  return { ok: true, result: revision === '2026-07-28' ? { resultType: 'complete', ...result } : result }
}

function urlElicitation(refusal: Refusal): JsonObject {
  return { mode: 'url', message: refusal.remedy, url: refusal.url ?? '' }
}

/** The answer for a form. `state` is the sealed requestState of an `input_required`. */
export function refusalAnswer(
  form: Form,
  refusal: Refusal,
  revision: Revision,
  state: string | null,
): RpcAnswer {
  const data = { ...refusal }
  if (form === 'tool_error') return toolError(refusal, revision)
  if (form === 'url_error' && refusal.url !== undefined) {
    const elicitations = [{ ...urlElicitation(refusal), elicitationId: refusal.approval ?? '' }]
    return fail(RPC.urlElicitation, refusal.remedy, { ...data, elicitations })
  }
  if (form === 'input_required' && refusal.url !== undefined && state !== null) {
    const inputRequests = {
      [APPROVAL_KEY]: { method: 'elicitation/create', params: urlElicitation(refusal) },
    }
    return {
      ok: true,
      result: {
        resultType: 'input_required',
        inputRequests,
        requestState: state,
        _meta: { [REFUSAL_META]: data },
      },
    }
  }
  return fail(ERROR_TABLE[refusal.code].rpc, refusal.remedy, data)
}

/** Key of our own question among the `inputRequests`. */
export const APPROVAL_KEY = 'safeconduct_approval'

export function refusalHeaders(
  row: OutcomeRow,
  settings: GatewaySettings,
  input: Omit<ChallengeInput, 'code'> & { readonly code: ErrorCode },
): Record<string, readonly string[]> {
  return row.form === 'challenge' ? { 'www-authenticate': challenges(settings, input) } : {}
}

/** Whether the client can send a person to a URL. Declared per request or at `initialize`. */
export function canOpenUrl(capabilities: JsonObject): boolean {
  const { elicitation } = capabilities
  return isJsonObject(elicitation) && elicitation.url !== undefined
}
