/**
 * What an operator corrects of the roles that are derived of tools: one tool at a time, or all of it as one file says.
 * Decisions depend on it as they do on a policy, so the ledger says who changed which tool to what.
 * @module
 */
import { hash } from 'node:crypto'
import {
  ARGUMENT_KIND_NAMES,
  canonicalize,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  type PinnedTool,
  SafeconductError,
  type ToolCorrections,
  toolCorrections,
} from '@safeconduct/protocol'
import * as z from 'zod'
import { type Route, route } from '../http/route.ts'
import { askedChange, type CorrectionChange } from './correction-change.ts'
import { createGuess, type Guess } from './did-you-mean.ts'
import { notFound } from './not-found.ts'
import { type AdminPorts, byOf } from './ports.ts'

const MAX_TOOLS = 1000
/** Told in one answer; what is left is not looked at. */
const MAX_PROBLEMS = 100
/** Members of one tool's corrections, and of its arguments; more than any valid one has. */
const MAX_MEMBERS = 64
/** Characters of the names that a message lists. */
const LISTED = 400
const told = z.record(z.string(), z.json())
const set = z.strictObject({
  tools: told.refine((tools) => Object.keys(tools).length <= MAX_TOOLS, `at most ${MAX_TOOLS} tools`),
})
/** Of the corrections that the change was compared with; others by now, and nothing is changed. */
const revision = z.string().max(128)

export interface CorrectionProblem {
  /** From the tool's id inwards. */
  readonly path: readonly string[]
  readonly message: string
}

export function toolCorrectionRoutes(ports: AdminPorts): Route[] {
  return [
    route({
      method: 'POST',
      path: '/api/v1/tools/roles',
      who: 'confirmed',
      summary:
        'Corrects what was derived of a tool: what it does, what its arguments are; null takes it back.',
      body: z.strictObject({ id: z.string().max(512), corrections: told.nullable() }),
      confirm: async ({ id, corrections }, { tenant }) => {
        const tool = await pinned(ports, tenant, id)
        if (corrections === null) return `Take back every correction of the tool ${id}`
        return `Treat the tool ${id} as told and otherwise as derived: ${JSON.stringify(requireValid(tool, corrections))}`
      },
      handle: async ({ tenant, body, caller }) => {
        const tool = await pinned(ports, tenant, body.id)
        const after = body.corrections === null ? null : requireValid(tool, body.corrections)
        const [changed] = await apply(ports, tenant, [{ tool, after }], byOf(caller))
        return changed ?? tool
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/tools/corrections',
      who: 'reader',
      summary: 'All that is corrected of tools, in the form in which it is given.',
      handle: async ({ tenant }) => {
        const tools = correctionsOf(await everyTool(ports, tenant))
        return { tools, revision: revisionOf(tools) }
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/tools/corrections/check',
      who: 'reader',
      summary: 'Every problem with its path, and what would change; changes nothing.',
      body: set,
      handle: async ({ tenant, body }) => {
        const { before, problems, more, changes } = await compare(ports, tenant, body.tools)
        return { revision: revisionOf(before), problems, more, changes: problems.length > 0 ? [] : changes }
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/tools/corrections',
      who: 'confirmed',
      summary:
        'All that is corrected of tools from the next call on, compared with a revision; what is not named is taken back.',
      body: set.extend({ revision }),
      confirm: async (body, { tenant }) => {
        const { changes } = await requireChange(ports, tenant, body)
        return askedChange(changes)
      },
      handle: async ({ tenant, body, caller }) => {
        const { changes, tools } = await requireChange(ports, tenant, body)
        const byId = new Map(tools.map((tool) => [tool.id, tool]))
        const work = changes.flatMap(({ tool: id, after }) => {
          const tool = byId.get(id)
          return tool === undefined ? [] : [{ tool, after }]
        })
        await apply(ports, tenant, work, byOf(caller))
        return { changes, revision: revisionOf(correctionsOf(await everyTool(ports, tenant))) }
      },
    }),
  ]
}

type Corrections = Readonly<Record<string, ToolCorrections>>

async function compare(ports: AdminPorts, tenant: string, given: Readonly<Record<string, JsonValue>>) {
  const tools = await everyTool(ports, tenant)
  const before = correctionsOf(tools)
  const byId = new Map(tools.map((tool) => [tool.id, tool]))
  const ids = [...byId.keys()]
  const guess = createGuess()
  const problems: CorrectionProblem[] = []
  const after = new Map<string, ToolCorrections>()
  for (const [id, value] of Object.entries(given)) {
    if (problems.length > MAX_PROBLEMS) break
    const tool = byId.get(id)
    if (tool === undefined) {
      problems.push({ path: [id], message: `There is no tool ${quoted(id)}.${guess(id, ids)}` })
      continue
    }
    const { corrections, problems: found } = inspectCorrections(tool, value, guess)
    problems.push(...found.map((one) => ({ ...one, path: [id, ...one.path] })))
    // An empty object corrects nothing, which is the same as not being named.
    if (corrections !== null && !isEmpty(corrections)) after.set(id, corrections)
  }
  const changes = tools.flatMap(({ id }): CorrectionChange[] => {
    const [old, next] = [before[id] ?? null, after.get(id) ?? null]
    return isSame(old, next) ? [] : [{ tool: id, before: old, after: next }]
  })
  const more = problems.length > MAX_PROBLEMS
  return { tools, before, problems: problems.slice(0, MAX_PROBLEMS), more, changes }
}

async function requireChange(
  ports: AdminPorts,
  tenant: string,
  body: { readonly tools: Readonly<Record<string, JsonValue>>; readonly revision: string },
) {
  const { tools, before, problems, changes } = await compare(ports, tenant, body.tools)
  const [first] = problems
  if (first !== undefined)
    throw new SafeconductError('invalid_request', { message: `${first.path.join(' → ')}: ${first.message}` })
  if (body.revision !== revisionOf(before))
    throw new SafeconductError('conflict', {
      message: 'The corrections changed meanwhile; look at the difference anew.',
    })
  if (changes.length === 0)
    throw new SafeconductError('conflict', { message: 'Tools are corrected like that already.' })
  return { tools, changes }
}

const FACTS = Object.keys(toolCorrections.shape).filter((name) => name !== 'args')

/** Names what does not fit, and what would. `corrections` is null where something does not. */
export function inspectCorrections(
  tool: Pick<PinnedTool, 'definition' | 'proposed'>,
  value: JsonValue,
  guess: Guess = createGuess(),
): { readonly corrections: ToolCorrections | null; readonly problems: readonly CorrectionProblem[] } {
  const only = (message: string, path: readonly string[] = []) => ({
    corrections: null,
    problems: [{ path, message }],
  })
  if (!isJsonObject(value)) return only('It must be an object of corrections.')
  if (Object.keys(value).length > MAX_MEMBERS) return only(`It has at most ${MAX_MEMBERS} members.`)
  const args = value.args
  if (isJsonObject(args) && Object.keys(args).length > MAX_MEMBERS)
    return only(`At most ${MAX_MEMBERS} arguments.`, ['args'])
  const problems: CorrectionProblem[] = []
  const names = [...FACTS, 'args']
  for (const name of Object.keys(value).filter((one) => !names.includes(one))) {
    const valid = [...FACTS, 'args.<argument>'].join(', ')
    const message = `${quoted(name)} cannot be corrected.${guess(name, names)} What can: ${valid}.`
    problems.push({ path: [name], message })
  }
  if (isJsonObject(args)) problems.push(...inspectArguments(tool, args, guess))
  const parsed = toolCorrections.safeParse(value)
  if (parsed.success && problems.length === 0) return { corrections: parsed.data, problems }
  for (const issue of parsed.error?.issues ?? []) {
    const path = issue.path.map(String)
    const told = problems.some((one) => one.path.join('\n') === path.join('\n'))
    // Names that are not known were told with what is.
    if (issue.code === 'unrecognized_keys' || told) continue
    problems.push({ path, message: expected(path, issue.message) })
  }
  return { corrections: null, problems }
}

function inspectArguments(
  { definition, proposed }: Pick<PinnedTool, 'definition' | 'proposed'>,
  args: JsonObject,
  guess: Guess,
): CorrectionProblem[] {
  const known = [...new Set([...argumentsOf(definition), ...argumentsOf(proposed)])]
  const listed = cut(known.slice(0, MAX_MEMBERS).join(', '), LISTED)
  return Object.entries(args).flatMap(([name, kind]): CorrectionProblem[] => {
    const path = ['args', name]
    if (known.length > 0 && !known.includes(name)) {
      const message = `The tool has no argument ${quoted(name)}.${guess(name, known)} It has: ${listed}.`
      return [{ path, message }]
    }
    if (ARGUMENT_KIND_NAMES.some((one) => one === kind)) return []
    const near = typeof kind === 'string' ? guess(kind, ARGUMENT_KIND_NAMES) : ''
    const message = `${quoted(kind)} is no kind of argument.${near} Kinds: ${ARGUMENT_KIND_NAMES.join(', ')}.`
    return [{ path, message }]
  })
}

/** As JSON, as long as a name is. */
const quoted = (value: JsonValue): string => cut(JSON.stringify(value), 200)

const cut = (text: string, length: number): string =>
  text.length > length ? `${text.slice(0, length - 1)}…` : text

function expected(path: readonly string[], otherwise: string): string {
  if (path[0] === 'effect') return 'It is read or write.'
  return path.length === 1 && FACTS.includes(path[0] ?? '') ? 'It is true or false.' : otherwise
}

/** A schema that takes members it does not name has no closed list of arguments. */
function argumentsOf(definition: JsonObject | null): string[] {
  const schema = definition?.inputSchema
  if (!isJsonObject(schema) || !isJsonObject(schema.properties)) return []
  return Object.keys(schema.properties)
}

function requireValid(tool: PinnedTool, value: JsonValue): ToolCorrections {
  const { corrections, problems } = inspectCorrections(tool, value)
  if (corrections !== null) return corrections
  const message = problems.map((one) => [...one.path, one.message].join(': ')).join(' ')
  throw new SafeconductError('invalid_request', { message })
}

export async function pinned(ports: AdminPorts, tenant: string, id: string): Promise<PinnedTool> {
  const tool = await ports.store.tools.get(tenant, id)
  if (tool === null) throw notFound('tool')
  return tool
}

const PAGE = 1000

async function everyTool(ports: AdminPorts, tenant: string): Promise<PinnedTool[]> {
  const found: PinnedTool[] = []
  for (;;) {
    const last = found.at(-1)
    const more = await ports.store.tools.list(tenant, {
      limit: PAGE,
      ...(last === undefined ? {} : { after: last.id }),
    })
    found.push(...more)
    if (more.length < PAGE) return found
  }
}

function correctionsOf(tools: readonly PinnedTool[]): Corrections {
  return Object.fromEntries(
    tools.flatMap(({ id, corrections }) => (corrections === undefined ? [] : [[id, corrections]])),
  )
}

function revisionOf(corrections: Corrections): string {
  return `sha256:${hash('sha256', canonicalize(corrections as JsonObject), 'hex')}`
}

function isSame(one: ToolCorrections | null, other: ToolCorrections | null): boolean {
  return canonicalize(one as JsonObject | null) === canonicalize(other as JsonObject | null)
}

function isEmpty(corrections: ToolCorrections): boolean {
  return Object.entries(corrections).every(
    ([name, value]) => value === undefined || (name === 'args' && Object.keys(value).length === 0),
  )
}

/**
 * All of them or none: one transaction, and one turn of whoever decides. A tool that the decider cannot take in is unknown
 * to it; the others are as they were told.
 */
async function apply(
  ports: AdminPorts,
  tenant: string,
  work: readonly { readonly tool: PinnedTool; readonly after: ToolCorrections | null }[],
  by: string,
): Promise<PinnedTool[]> {
  const done = work.map(
    ({ tool: { corrections: _before, ...tool }, after }): PinnedTool => ({
      ...tool,
      version: tool.version + 1,
      ...(after === null ? {} : { corrections: after }),
    }),
  )
  await ports.store.tx(async (t) => {
    for (const next of done) {
      await t.tools.replace(next)
      const corrections = (next.corrections ?? null) as JsonObject | null
      const event = { event: 'tool.corrected', tool: next.id, corrections, by, at: ports.clock.now() }
      await t.outbox.add(tenant, ports.ids.next(), event)
    }
  })
  const failures: unknown[] = []
  for (const tool of done) {
    try {
      ports.decider.control({ type: 'tool', tool })
    } catch (cause) {
      failures.push(cause)
    }
  }
  if (failures.length > 0) throw failures[0]
  return done
}
