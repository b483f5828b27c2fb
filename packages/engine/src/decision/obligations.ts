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

/** Members that hold bytes or say what something is. */
const NO_TEXT: ReadonlySet<string> = new Set([
  'type',
  'role',
  'mimeType',
  'data',
  'uri',
  'resultType',
  'requestState',
])

/** The result as it may be released; null when an obligation cannot be met on it, and it has to be withheld. */
export function meetOnResult(result: JsonObject, obligations: readonly Obligation[]): JsonObject | null {
  let met: JsonValue | null = result
  for (const obligation of obligations) {
    const target = targetOf(obligation)
    if (!changes(obligation) || target.startsWith('args.')) continue
    const [, ...path] = target.split('.')
    met = Object.hasOwn(PATTERNS, target)
      ? everywhere(met, PATTERNS[target as keyof typeof PATTERNS], obligation.type)
      : structured(met, path, obligation.type)
    if (met === null) return null
  }
  return met as JsonObject
}

/** Structured content, and texts that are JSON; a text that is not, or bytes, could hold the value anywhere. */
function structured(result: JsonValue, path: readonly string[], type: Obligation['type']): JsonValue | null {
  if (!isJsonObject(result)) return null
  const { structuredContent } = result
  const parts = new Map<string, JsonValue>()
  if (structuredContent !== undefined) parts.set('structuredContent', at(structuredContent, path, type))
  for (const name of ['content', 'contents', 'messages']) {
    const items = result[name]
    if (items === undefined) continue
    if (!isJsonArray(items)) return null
    const met: JsonValue[] = []
    for (const item of items) {
      const one = part(item, path, type)
      if (one === null) return null
      met.push(one)
    }
    parts.set(name, met)
  }
  return { ...result, ...Object.fromEntries(parts) }
}

function part(item: JsonValue, path: readonly string[], type: Obligation['type']): JsonValue | null {
  if (!isJsonObject(item)) return null
  if (item.content !== undefined || item.resource !== undefined) {
    const name = item.content === undefined ? 'resource' : 'content'
    const inner = part(item[name] ?? null, path, type)
    return inner === null ? null : { ...item, [name]: inner }
  }
  const value = typeof item.text === 'string' ? parsed(item.text) : null
  return value === null ? null : { ...item, text: JSON.stringify(at(value, path, type)) }
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

function everywhere(value: JsonValue, pattern: RegExp, type: Obligation['type'], name = ''): JsonValue {
  if (typeof value === 'string') {
    if (name === 'blob') return blob(value, pattern, type)
    return NO_TEXT.has(name) ? value : replaced(value, pattern, type)
  }
  // A number is no place for asterisks.
  if (typeof value === 'number')
    return replaced(String(value), pattern, type) === String(value) ? value : null
  if (isJsonArray(value)) return value.map((item) => everywhere(item, pattern, type, name))
  if (!isJsonObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      replaced(key, pattern, type),
      everywhere(item, pattern, type, key),
    ]),
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
