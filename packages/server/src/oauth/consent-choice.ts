/**
 * From what a client asked and what the person ticked to the details of a task. The person can only narrow.
 * @module
 */
import {
  narrowDetails,
  SafeconductError,
  TASK_DETAILS_TYPE,
  type TaskDetails,
  toolCovers,
} from '@safeconduct/protocol'
import { MAX_INTENT } from '../pages/consent-page.ts'
import { OAuthError } from './errors.ts'
import type { Form } from './http.ts'

/** Longest task a person can choose, seconds. */
export const LONGEST_TASK = 7 * 24 * 60 * 60

export interface Choice {
  readonly intent: string | null
  readonly details: TaskDetails
  readonly write: boolean
  /** Milliseconds. */
  readonly until: number
}

/**
 * What the request asks for, within the servers of its resources.
 * @throws {OAuthError} `invalid_authorization_details` when it names other servers
 */
export function askedDetails(servers: readonly string[], given: TaskDetails | null): TaskDetails {
  const all: TaskDetails = { type: TASK_DETAILS_TYPE, servers: [...servers] }
  try {
    return given === null ? all : narrowDetails(all, given)
  } catch (cause) {
    if (!(cause instanceof SafeconductError)) throw cause
    throw new OAuthError('invalid_authorization_details', cause.message, cause)
  }
}

/** Patterns and names of one server that the request covers. */
export function coveredTools(
  asked: TaskDetails,
  server: string,
  known: readonly string[],
): { readonly patterns: readonly string[]; readonly tools: readonly string[] } {
  const everything = `${server}/*`
  if (asked.tools === undefined || asked.tools.includes(everything))
    return { patterns: [everything], tools: known }
  const mine = asked.tools.filter((tool) => tool.startsWith(`${server}/`))
  return { patterns: [], tools: mine }
}

/** @throws {OAuthError} `invalid_request` for a form that was tampered with or filled in wrongly */
export function readChoice(form: Form, asked: TaskDetails, wantsWrite: boolean, now: number): Choice {
  const intent = (form.one('intent') ?? '').replace(/\r\n?/g, '\n').trim()
  if (intent.length > MAX_INTENT || !intent.isWellFormed()) throw wrong('The words are too long.')
  const lifetime = whole(form.one('lifetime'), 'Until')
  if (lifetime === null || lifetime < 60 || lifetime > LONGEST_TASK)
    throw wrong('“Until” is not one of the choices.')
  const expires = Math.min(Math.floor(now / 1000) + lifetime, asked.expires ?? Number.POSITIVE_INFINITY)
  if (expires * 1000 <= now) throw wrong('What the agent asked for has expired.')
  const servers = form.all('server')
  // Without any server behind the gateway there is nothing to tick, and the grant opens nothing.
  if (servers.length === 0 && asked.servers?.length !== 0) throw wrong('Tick at least one server, or refuse.')
  const calls = whole(form.one('calls'), 'Calls')
  const writes = whole(form.one('writes'), 'Changes')
  const tools = chosenTools(asked, servers, form.all('tool'), form.all('listed'))
  const chosen: TaskDetails = {
    type: TASK_DETAILS_TYPE,
    servers: [...servers],
    ...(tools === null ? {} : { tools }),
    ...(calls === null && writes === null
      ? {}
      : { budget: { ...(calls === null ? {} : { calls }), ...(writes === null ? {} : { writes }) } }),
    expires,
  }
  return {
    intent: intent === '' ? null : intent,
    details: narrowOrRefuse(asked, chosen),
    write: wantsWrite && form.one('write') === 'yes',
    until: expires * 1000,
  }
}

/**
 * null = every tool of the chosen servers, when that is what was asked and left ticked. A tool that was shown and
 * unticked is refused: then “every tool” of its server no longer holds, and only what is ticked does.
 */
function chosenTools(
  asked: TaskDetails,
  servers: readonly string[],
  ticked: readonly string[],
  listed: readonly string[],
): string[] | null {
  const wild = (server: string) =>
    ticked.includes(`${server}/*`) &&
    listed.every((tool) => !toolCovers(`${server}/*`, tool) || ticked.includes(tool))
  if (asked.tools === undefined && servers.every(wild)) return null
  return ticked.filter((tool) => {
    const server = servers.find((name) => tool.startsWith(`${name}/`))
    if (server === undefined) return false
    const pattern = `${server}/*`
    if (wild(server)) return tool === pattern || !toolCovers(pattern, tool)
    // One that was never asked for stays in, to be refused with the rest.
    return tool !== pattern || asked.tools?.includes(pattern) === false
  })
}

function narrowOrRefuse(asked: TaskDetails, chosen: TaskDetails): TaskDetails {
  try {
    return narrowDetails(asked, chosen)
  } catch (cause) {
    if (!(cause instanceof SafeconductError)) throw cause
    throw wrong('You can only narrow what the agent asked for.', cause)
  }
}

function whole(text: string | null, what: string): number | null {
  if (text === null) return null
  if (!/^\d{1,9}$/.test(text)) throw wrong(`“${what}” must be a whole number.`)
  return Number(text)
}

function wrong(message: string, cause?: unknown): OAuthError {
  return new OAuthError('invalid_request', message, cause)
}
