/**
 * What must happen with an allow: read from a policy's annotation, met on arguments and results. One that cannot be read,
 * or not be met, denies.
 *
 * `@obligation("…")`, several separated by `;`:
 *
 * | entry | met by |
 * |---|---|
 * | `notify:owner` | the live page and its events |
 * | `rate:10/60` | the engine: 10 calls of the agent in 60 seconds, counted for this policy |
 * | `redact:args.note`, `mask:args.iban` | the arguments are forwarded without the value, or with it masked |
 * | `redact:result.salary`, `mask:result.iban` | the same for the result; one that has no structure is withheld |
 * | `mask:emails`, `mask:numbers`, `redact:…` | every e-mail address, or number of nine digits and more, in the result |
 * @module
 */
import {
  isJsonArray,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  type Obligation,
} from '@safeconduct/protocol'
import type { Reservation, Spent } from '../delegation/budget.ts'

const MAX_RATE = 1_000_000
const MAX_SECONDS = 86_400
const PATH = /^(?:args|result)(?:\.[^\s.;]{1,128}){1,16}$/

/** null stands for an entry that cannot be read, so that nobody can meet it. */
export function readObligations(policy: string, text: string): (Obligation | null)[] {
  const entries = text.split(';').map((entry) => entry.trim())
  return entries.map((entry, i) =>
    readObligation(entries.length === 1 ? policy : `${policy}#${i + 1}`, entry),
  )
}

function readObligation(id: string, entry: string): Obligation | null {
  const [type = '', ...rest] = entry.split(':')
  const target = rest.join(':')
  switch (type) {
    case 'notify':
    case 'watermark':
      return { id, type, properties: { target } }
    case 'rate': {
      const [, calls = '', seconds = ''] = /^(\d{1,7})\/(\d{1,5})$/.exec(target) ?? []
      const limit = { calls: Number(calls), seconds: Number(seconds) }
      const sound =
        calls !== '' && limit.calls <= MAX_RATE && limit.seconds >= 1 && limit.seconds <= MAX_SECONDS
      return sound ? { id, type, properties: { target, ...limit } } : null
    }
    case 'redact':
    case 'mask':
      return PATH.test(target) || Object.hasOwn(PATTERNS, target)
        ? { id, type, properties: { target } }
        : null
    default:
      return null
  }
}

// ── Rate ─────────────────────────────────────────────────────────────────────────────────────────────────────

export interface Rated {
  readonly reservations: readonly Reservation[]
  /** The obligation whose calls are used up. */
  readonly exceeded: Obligation | null
}

/** Counts in fixed windows, per policy and agent, beside the budgets: reserved in the turn, given back with them. */
export function rated(
  obligations: readonly Obligation[],
  spent: ReadonlyMap<string, Spent>,
  agent: string,
  at: number,
): Rated {
  const reservations: Reservation[] = []
  for (const obligation of obligations) {
    const { calls, seconds } = obligation.properties
    if (obligation.type !== 'rate' || typeof calls !== 'number' || typeof seconds !== 'number') continue
    const window = Math.floor(at / (seconds * 1000))
    const key = `rate:${JSON.stringify([obligation.id, agent, seconds, window])}`
    if ((spent.get(key)?.calls ?? 0) >= calls) return { reservations: [], exceeded: obligation }
    // A policy that speaks for several of a chain, or in both layers, counts the call once.
    if (reservations.some((one) => one.key === key)) continue
    const expiresAt = (window + 1) * seconds * 1000
    reservations.push({ key, expiresAt, calls: 1, writes: 0, sums: [] })
  }
  return { reservations, exceeded: null }
}

// ── Redact and mask ──────────────────────────────────────────────────────────────────────────────────────────

/** Bounded on both sides, so that no text makes them slow. */
const PATTERNS = {
  emails: /[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}/g,
  numbers: /\d(?:[ -]?\d){8,}/g,
} as const

const REDACTED = '[redacted]'
const SHOWN = 2

function masked(text: string): string {
  return text.length >= 8 ? `***${text.slice(-SHOWN)}` : '***'
}

/** Types whose obligations change what is sent or released. */
function changes({ type }: Obligation): boolean {
  return type === 'redact' || type === 'mask'
}

function targetOf({ properties }: Obligation): string {
  return String(properties.target)
}

/** The arguments as they are forwarded. The decision, its digest and its labels are those of what was asked. */
export function meetOnArguments(args: JsonObject, obligations: readonly Obligation[]): JsonObject {
  let met = args
  for (const obligation of obligations) {
    const [root, ...path] = targetOf(obligation).split('.')
    if (changes(obligation) && root === 'args') met = at(met, path, obligation.type) as JsonObject
  }
  return met
}

/** Whether anything of a result has to be looked at before it is released. */
export function touchesResult(obligations: readonly Obligation[]): boolean {
  return obligations.some((one) => changes(one) && !targetOf(one).startsWith('args.'))
}

/** Members of a part of a result (MCP's content, resources, messages) that say what it is. */
const LABELS: ReadonlySet<string> = new Set(['type', 'role', 'mimeType', 'uri', 'resultType', 'requestState'])
const LABELS_OF_BYTES: ReadonlySet<string> = new Set([...LABELS, 'data'])
/** Where a link leads is part of the answer. */
const LABELS_OF_LINKS: ReadonlySet<string> = new Set(['type', 'mimeType'])
const NO_LABELS: ReadonlySet<string> = new Set()
/** Below these everything is the server's own, whatever it is called. */
const OPEN: ReadonlySet<string> = new Set(['structuredContent', '_meta', 'inputRequests'])

function labelsOf({ type }: JsonObject): ReadonlySet<string> {
  if (type === 'resource_link') return LABELS_OF_LINKS
  return type === 'image' || type === 'audio' ? LABELS_OF_BYTES : LABELS
}

/** The result as it may be released; null when an obligation cannot be met on it, and it has to be withheld. */
export function meetOnResult(result: JsonObject, obligations: readonly Obligation[]): JsonObject | null {
  let met: JsonValue | null = result
  for (const obligation of obligations) {
    const target = targetOf(obligation)
    if (!changes(obligation) || target.startsWith('args.')) continue
    const [, ...path] = target.split('.')
    met = Object.hasOwn(PATTERNS, target)
      ? everywhere(met, PATTERNS[target as keyof typeof PATTERNS], obligation.type, true)
      : structured(met, path, obligation.type)
    if (met === null) return null
  }
  return met as JsonObject
}

/** Structured members, and texts that are JSON; a text that is not, bytes or a question could hold the value anywhere. */
function structured(result: JsonValue, path: readonly string[], type: Obligation['type']): JsonValue | null {
  if (!isJsonObject(result)) return null
  const { content, contents, messages, inputRequests, completion, ...beside } = result
  if (inputRequests !== undefined || completion !== undefined) return null
  const met = new Map<string, JsonValue>(Object.entries(at(beside, path, type) as JsonObject))
  for (const name of ['structuredContent', '_meta']) {
    const value = met.get(name)
    if (value !== undefined) met.set(name, at(value, path, type))
  }
  for (const [name, items] of Object.entries({ content, contents, messages })) {
    if (items === undefined) continue
    if (!isJsonArray(items)) return null
    const parts: JsonValue[] = []
    for (const item of items) {
      const one = part(item, path, type)
      if (one === null) return null
      parts.push(one)
    }
    met.set(name, parts)
  }
  return Object.fromEntries(met)
}

function part(item: JsonValue, path: readonly string[], type: Obligation['type']): JsonValue | null {
  if (!isJsonObject(item)) return null
  const { _meta: told } = item
  const meta = told === undefined ? {} : { _meta: at(told, path, type) }
  if (item.content !== undefined || item.resource !== undefined) {
    if (item.text !== undefined) return null
    const name = item.content === undefined ? 'resource' : 'content'
    const inner = part(item[name] ?? null, path, type)
    return inner === null ? null : { ...item, ...meta, [name]: inner }
  }
  const value = typeof item.text === 'string' ? parsed(item.text) : null
  return value === null ? null : { ...item, ...meta, text: JSON.stringify(at(value, path, type)) }
}

function parsed(text: string): JsonObject | readonly JsonValue[] | null {
  try {
    const value: JsonValue = JSON.parse(text)
    return isJsonObject(value) || isJsonArray(value) ? value : null
  } catch {
    return null
  }
}

/** The value with what lies at the path redacted or masked; arrays on the way stand for each of their items. */
function at(value: JsonValue, path: readonly string[], type: Obligation['type']): JsonValue {
  if (isJsonArray(value)) return value.map((item) => at(item, path, type))
  const [key, ...rest] = path
  if (key === undefined) return type === 'mask' && typeof value === 'string' ? masked(value) : REDACTED
  if (!isJsonObject(value) || !Object.hasOwn(value, key)) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, name === key ? at(item, rest, type) : item]),
  )
}

/** `framed`: in the frame that the protocol gives a result, where some members are no text of the server. */
function everywhere(value: JsonValue, pattern: RegExp, type: Obligation['type'], framed: boolean): JsonValue {
  if (typeof value === 'string') return replaced(value, pattern, type)
  // A number is no place for asterisks.
  if (typeof value === 'number')
    return replaced(String(value), pattern, type) === String(value) ? value : null
  if (isJsonArray(value)) return value.map((item) => everywhere(item, pattern, type, framed))
  if (!isJsonObject(value)) return value
  const labels = framed ? labelsOf(value) : NO_LABELS
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => {
      const name = replaced(key, pattern, type)
      if (typeof item === 'string' && labels.has(key)) return [name, item]
      if (typeof item === 'string' && framed && key === 'blob') return [name, blob(item, pattern, type)]
      return [name, everywhere(item, pattern, type, framed && !OPEN.has(key))]
    }),
  )
}

function replaced(text: string, pattern: RegExp, type: Obligation['type']): string {
  return text.replace(pattern, (found) => (type === 'mask' ? masked(found) : REDACTED))
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Bytes that are text are shown as such. */
function blob(value: string, pattern: RegExp, type: Obligation['type']): string {
  try {
    const text = utf8.decode(Buffer.from(value, 'base64'))
    const met = replaced(text, pattern, type)
    return met === text ? value : Buffer.from(met).toString('base64')
  } catch {
    return value
  }
}
