/**
 * Does an operation stay inside RFC 9396 details of type `safeconduct_task`? Every bound given must hold; a bound on
 * an argument that is absent or of another type does not hold. Pure; the budget is counted in `budget.ts`.
 * @module
 */
import {
  type ArgumentLimit,
  type ErrorCode,
  isJsonArray,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  type Operation,
  type TaskDetails,
  toolCovers,
} from '@safeconduct/protocol'

/** Why a call falls outside its errand. `member` names the part of the details; `bound` says it for the entitled. */
export interface Refusal {
  readonly code: ErrorCode
  readonly member: string
  readonly why: string
  /** A value at which this bound would hold, for a tested counterfactual; null = none can be offered. */
  readonly fit: { readonly path: string; readonly value: JsonValue } | null
}

export interface DetailsQuestion {
  readonly operation: Operation
  readonly at: number
  /** Arguments are not known yet (listing): limits on them are left out. */
  readonly ignoreArguments?: boolean
}

/** The first bound that does not hold, or null. */
export function checkDetails(details: TaskDetails, question: DetailsQuestion): Refusal | null {
  const { operation, at } = question
  if (details.expires !== undefined && at >= details.expires * 1000) {
    return refusal('expired', 'expires', 'The errand has expired.')
  }
  if (details.servers !== undefined && !details.servers.includes(operation.server)) {
    return refusal('denied', 'servers', `The errand does not reach the server ${operation.server}.`)
  }
  if (operation.kind === 'resource') return checkResource(details, operation)
  if (operation.kind !== 'tool' || operation.name === null) return null
  const tool = `${operation.server}/${operation.name}`
  if (details.tools !== undefined && !details.tools.some((pattern) => toolCovers(pattern, tool))) {
    return refusal('denied', 'tools', `The errand does not include the tool ${tool}.`)
  }
  return question.ignoreArguments === true ? null : checkArguments(details, tool, operation.args)
}

function checkResource(details: TaskDetails, operation: Operation): Refusal | null {
  if (details.resources === undefined || operation.name === null) return null
  const uri = operation.name
  if (!climbs(uri) && details.resources.some((prefix) => uri.startsWith(prefix))) return null
  return refusal('denied', 'resources', 'The errand does not include this resource.')
}

function checkArguments(details: TaskDetails, tool: string, args: JsonObject): Refusal | null {
  const limits = details.argument_limits
  if (limits === undefined || !Object.hasOwn(limits, tool)) return null
  for (const [path, limit] of Object.entries(limits[tool] ?? {})) {
    const values = valuesAt(args, path)
    const member = `argument_limits.${tool}.${path}`
    if (values.length === 0)
      return refusal('denied', member, `The argument ${path} is limited, but not given.`)
    for (const value of values) {
      const broken = breaks(limit, value)
      if (broken === null) continue
      const fit = values.length === 1 && !path.includes('.') ? fitting(limit, value) : null
      return {
        code: 'denied',
        member,
        why: `The argument ${path} ${broken}.`,
        fit: fit === null ? null : { path, value: fit },
      }
    }
  }
  return null
}

/** What the limit holds against the value, as the end of a sentence; null = nothing. */
function breaks(limit: ArgumentLimit, value: JsonValue): string | null {
  if (limit.max !== undefined && !(typeof value === 'number' && value <= limit.max)) {
    return `must be a number of at most ${limit.max}`
  }
  if (limit.min !== undefined && !(typeof value === 'number' && value >= limit.min)) {
    return `must be a number of at least ${limit.min}`
  }
  if (limit.oneOf !== undefined && !limit.oneOf.some((item) => item === value)) {
    return 'must be one of the values listed in the errand'
  }
  if (limit.prefix !== undefined) {
    const within = typeof value === 'string' && value.startsWith(limit.prefix) && !climbs(value)
    if (!within) return `must start with ${JSON.stringify(limit.prefix)} and not climb out of it`
  }
  return null
}

function fitting(limit: ArgumentLimit, value: JsonValue): JsonValue | null {
  if (typeof value === 'number' && limit.max !== undefined && value > limit.max) return limit.max
  if (typeof value === 'number' && limit.min !== undefined && value < limit.min) return limit.min
  const [only] = limit.oneOf?.length === 1 ? limit.oneOf : []
  return only ?? null
}

/** A `..` segment, also percent-encoded or behind a backslash: a prefix says nothing about where that ends. */
export function climbs(text: string): boolean {
  const plain = text.replace(/%2e/gi, '.').replace(/%2f/gi, '/').replace(/%5c/gi, '/').replaceAll('\\', '/')
  return plain.split(/[/?#]/).includes('..')
}

/** Scalars at a dotted path. Arrays on the way, or at its end, stand for each of their items. */
export function valuesAt(args: JsonObject, path: string): JsonValue[] {
  let found: JsonValue[] = [args]
  for (const key of path.split('.')) {
    const next: JsonValue[] = []
    for (const value of spread(found)) {
      if (!isJsonObject(value) || !Object.hasOwn(value, key)) continue
      const member = value[key]
      if (member !== undefined) next.push(member)
    }
    found = next
  }
  return spread(found)
}

function spread(values: readonly JsonValue[]): JsonValue[] {
  return values.flatMap((value): readonly JsonValue[] => (isJsonArray(value) ? spread(value) : [value]))
}

function refusal(code: ErrorCode, member: string, why: string): Refusal {
  return { code, member, why, fit: null }
}
