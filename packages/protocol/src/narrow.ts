/**
 * Narrowing of authorization details: what a link hands on must be inside what it holds. Used when a token is
 * exchanged and, again, when a call is checked against its grant.
 * @module
 */
import { SafeconductError } from './errors.ts'
import type { ArgumentLimit, Budget, TaskDetails } from './task.ts'

/**
 * Details for the next link: everything the parent says still holds, and the child's own wishes on top.
 * What the child does not mention is inherited; what it mentions must not reach outside the parent.
 * @throws {SafeconductError} `widening`, naming the member
 */
export function narrowDetails(parent: TaskDetails, child: TaskDetails): TaskDetails {
  same('task', parent.task, child.task)
  same('intent_digest', parent.intent_digest, child.intent_digest)
  const servers = narrowList('servers', parent.servers, child.servers, (a, b) => a === b)
  const tools = narrowList('tools', parent.tools, child.tools, toolCovers)
  const resources = narrowList('resources', parent.resources, child.resources, (a, b) => b.startsWith(a))
  const limits = narrowLimits(parent.argument_limits, child.argument_limits)
  const budget = narrowBudget(parent.budget, child.budget)
  const expires = narrowMax('expires', parent.expires, child.expires)
  const purpose = child.purpose ?? parent.purpose
  return {
    type: parent.type,
    ...(parent.task === undefined ? {} : { task: parent.task }),
    ...(parent.intent_digest === undefined ? {} : { intent_digest: parent.intent_digest }),
    ...(purpose === undefined ? {} : { purpose }),
    ...(servers === undefined ? {} : { servers }),
    ...(tools === undefined ? {} : { tools }),
    ...(limits === undefined ? {} : { argument_limits: limits }),
    ...(resources === undefined ? {} : { resources }),
    ...(budget === undefined ? {} : { budget }),
    ...(expires === undefined ? {} : { expires }),
  }
}

/** `market/*` covers `market/quote`; a name covers itself. */
export function toolCovers(pattern: string, tool: string): boolean {
  if (pattern === tool) return true
  return pattern.endsWith('/*') && tool.startsWith(pattern.slice(0, -1))
}

function widening(member: string): SafeconductError {
  return new SafeconductError('widening', {
    message: `A delegation may only narrow: ${member} reaches further than what was given.`,
    details: { member },
  })
}

function same(member: string, parent: string | undefined, child: string | undefined): void {
  if (child !== undefined && child !== parent) throw widening(member)
}

function narrowList(
  member: string,
  parent: readonly string[] | undefined,
  child: readonly string[] | undefined,
  covers: (a: string, b: string) => boolean,
): string[] | undefined {
  if (child === undefined) return parent === undefined ? undefined : [...parent]
  if (parent !== undefined) {
    for (const item of child) if (!parent.some((held) => covers(held, item))) throw widening(member)
  }
  return [...child]
}

function narrowMax(
  member: string,
  parent: number | undefined,
  child: number | undefined,
): number | undefined {
  if (child === undefined) return parent
  if (parent !== undefined && child > parent) throw widening(member)
  return child
}

function narrowBudget(parent: Budget | undefined, child: Budget | undefined): Budget | undefined {
  if (parent === undefined || child === undefined) return parent ?? child
  const calls = narrowMax('budget.calls', parent.calls, child.calls)
  const writes = narrowMax('budget.writes', parent.writes, child.writes)
  const sums: Record<string, number> = { ...parent.sums }
  for (const [key, sum] of Object.entries(child.sums ?? {})) {
    const narrowed = narrowMax(`budget.sums.${key}`, ownNumber(parent.sums, key), sum)
    if (narrowed !== undefined) define(sums, key, narrowed)
  }
  return {
    ...(calls === undefined ? {} : { calls }),
    ...(writes === undefined ? {} : { writes }),
    ...(Object.keys(sums).length === 0 ? {} : { sums }),
  }
}

function ownNumber(record: Readonly<Record<string, number>> | undefined, key: string): number | undefined {
  return record !== undefined && Object.hasOwn(record, key) ? record[key] : undefined
}

/** Assignment that a key named `__proto__` cannot divert. */
function define<T>(record: Record<string, T>, key: string, value: T): void {
  Object.defineProperty(record, key, { value, enumerable: true, configurable: true, writable: true })
}

type Limits = NonNullable<TaskDetails['argument_limits']>

function narrowLimits(parent: Limits | undefined, child: Limits | undefined): Limits | undefined {
  if (parent === undefined || child === undefined) return parent ?? child
  const merged: Limits = {}
  for (const tool of new Set([...Object.keys(parent), ...Object.keys(child)])) {
    const above = Object.hasOwn(parent, tool) ? parent[tool] : undefined
    const below = Object.hasOwn(child, tool) ? child[tool] : undefined
    const paths: Record<string, ArgumentLimit> = {}
    for (const path of new Set([...Object.keys(above ?? {}), ...Object.keys(below ?? {})])) {
      const held = above !== undefined && Object.hasOwn(above, path) ? above[path] : undefined
      const wanted = below !== undefined && Object.hasOwn(below, path) ? below[path] : undefined
      define(paths, path, narrowLimit(`argument_limits.${tool}.${path}`, held, wanted))
    }
    define(merged, tool, paths)
  }
  return merged
}

/** Bounds add up, so leaving one out cannot drop the parent's: both hold. */
function narrowLimit(
  member: string,
  parent: ArgumentLimit | undefined,
  child: ArgumentLimit | undefined,
): ArgumentLimit {
  if (parent === undefined || child === undefined) return { ...parent, ...child }
  const max = narrowMax(`${member}.max`, parent.max, child.max)
  const min = child.min ?? parent.min
  if (parent.min !== undefined && min !== undefined && min < parent.min) throw widening(`${member}.min`)
  const prefix = child.prefix ?? parent.prefix
  if (parent.prefix !== undefined && prefix !== undefined && !prefix.startsWith(parent.prefix)) {
    throw widening(`${member}.prefix`)
  }
  if (child.oneOf !== undefined && parent.oneOf !== undefined) {
    for (const item of child.oneOf) if (!parent.oneOf.includes(item)) throw widening(`${member}.oneOf`)
  }
  const oneOf = child.oneOf ?? parent.oneOf
  return {
    ...(max === undefined ? {} : { max }),
    ...(min === undefined ? {} : { min }),
    ...(prefix === undefined ? {} : { prefix }),
    ...(oneOf === undefined ? {} : { oneOf }),
  }
}
