/**
 * `safeconduct tools …`: pinned tools, and what is corrected of what is derived of them.
 * @module
 */
import { isJsonObject, type JsonObject, type JsonValue, SafeconductError } from '@safeconduct/protocol'
import type { Command } from 'commander'
import type { ControlClient } from '../client/control-client.ts'
import { list, object, text, texts, type VerbContext, withOwner } from '../context.ts'
import { readJson } from '../files.ts'
import { plain, table } from '../output.ts'
import type { Verb } from '../verb.ts'
import { differenceLines, readCorrections, writeCorrections } from './correction-files.ts'

export function toolCommands(program: Command, verb: Verb): void {
  const tools = program.command('tools').description('tools: as pinned; changed ones are quarantined')
  tools
    .command('list')
    .option('--status <status>', 'active or quarantined')
    .description('pinned tools')
    .action(
      verb(async (context, options: { status?: string }) => {
        const query = options.status === undefined ? '' : `?status=${encodeURIComponent(options.status)}`
        const answer = await (await context.daemon()).get(`/api/v1/tools${query}`)
        const rows = list(answer, 'tools')
        const none =
          options.status === undefined
            ? 'No tool is pinned yet: a server is listed when an agent first asks it.'
            : `No tool is ${plain(options.status)}.`
        context.output.result(answer, () =>
          rows.length === 0
            ? none
            : table(
                ['TOOL', 'STATUS', 'DIGEST', 'REASON'],
                rows.map((one) => [
                  text(one, 'id'),
                  text(one, 'status'),
                  text(one, 'digest').slice(0, 19),
                  text(one, 'reason'),
                ]),
              ),
        )
      }),
    )
  tools
    .command('approve')
    .argument('<tool>', '<server>/<tool>')
    .description('re-approve a quarantined tool as it is defined now (the owner confirms in the browser)')
    .action(
      verb(async (context, id: string) => {
        const client = await context.daemon()
        const tool = await find(client, id)
        const digest = text(tool, 'proposedDigest') || text(tool, 'digest')
        const approved = await withOwner(client, '/api/v1/tools/approve', { id, digest })
        context.output.result(approved, () => `${plain(id)} is approved as it is now.`)
      }),
    )
  tools
    .command('roles')
    .argument('[tool]', '<server>/<tool>; without it, --file and --export are about all tools')
    .option(
      '--set <name=value...>',
      'effect, destructive, openWorld, reversible, thirdPartyOutput, documentOutput, ownData, args.<argument>',
    )
    .option('--file <path>', 'with a tool, the same as JSON; without, all that is corrected, as YAML or JSON')
    .option('--dry-run', 'with --file and no tool: show what would change, and stop', false)
    .option('--export [path]', 'all that is corrected, in the form that --file takes')
    .option('--clear', 'take every correction of the tool back')
    .description(
      'correct what was derived of tools (the owner confirms once in the browser); shows what is derived and corrected without options',
    )
    .action(
      verb(async (context, id: string | undefined, options: RoleOptions) => {
        const chosen = [options.set, options.file, options.export, options.clear].filter((one) => one)
        if (chosen.length > 1)
          throw new SafeconductError('invalid_request', {
            message: 'Give one of --set, --file, --export and --clear.',
          })
        if (options.dryRun && (id !== undefined || options.file === undefined))
          throw new SafeconductError('invalid_request', {
            message: '--dry-run goes with --file and no tool: it shows what the whole file would change.',
          })
        if (id !== undefined && options.export !== undefined)
          throw new SafeconductError('invalid_request', {
            message: '--export is about all tools; without it, the corrections of one are shown.',
          })
        if (id !== undefined) return one(context, id, options)
        if (options.set !== undefined || options.clear === true)
          throw new SafeconductError('invalid_request', { message: 'Name a tool: <server>/<tool>.' })
        if (options.file !== undefined) return applyFile(context, options.file, options.dryRun)
        return show(context, options.export)
      }),
    )
}

interface RoleOptions {
  readonly set?: string[]
  readonly file?: string
  readonly dryRun: boolean
  readonly export?: string | true
  readonly clear?: boolean
}

async function one(context: VerbContext, id: string, options: RoleOptions): Promise<void> {
  const client = await context.daemon()
  if (options.set === undefined && options.file === undefined && options.clear !== true) {
    const answer = await client.get(`/api/v1/tools?id=${encodeURIComponent(id)}`)
    const tool = list(answer, 'tools')[0] ?? {}
    const roles = object(tool, 'roles')
    const kinds = texts(answer, 'argumentKinds')
    const corrections = tool.corrections ?? null
    context.output.result({ id, corrections, ...roles, argumentKinds: kinds }, () =>
      roleLines(id, roles, kinds),
    )
    return
  }
  const told: JsonValue =
    options.clear === true
      ? null
      : options.file === undefined
        ? correctionsOf(options.set ?? [])
        : readJson(options.file)
  const done = await withOwner(client, '/api/v1/tools/roles', { id, corrections: told })
  context.output.result(done, () => `${plain(id)} is treated as told from the next call on.`)
}

const FACTS = [
  'effect',
  'destructive',
  'openWorld',
  'reversible',
  'thirdPartyOutput',
  'documentOutput',
  'ownData',
]

function roleLines(id: string, roles: JsonObject, kinds: readonly string[]): string {
  const [derived, treated] = [object(roles, 'derived'), object(roles, 'treated')]
  const row = (name: string, before: string, after: string) => [name, before, before === after ? '' : after]
  const kindOf = (one: JsonObject, name: string) => text(object(object(one, 'args'), name), 'kind')
  return [
    table(
      ['WHAT', 'DERIVED', 'CORRECTED TO'],
      [
        ...FACTS.map((name) => row(name, text(derived, name), text(treated, name))),
        ...Object.keys(object(treated, 'args')).map((name) =>
          row(`args.${name}`, kindOf(derived, name), kindOf(treated, name)),
        ),
      ],
    ),
    '',
    `An argument is one of: ${kinds.join(', ')}; free, amount, time and scalar do not steer by their value.`,
    `Correct it: ./safeconduct tools roles ${plain(id)} --set NAME=VALUE`,
  ].join('\n')
}

async function applyFile(context: VerbContext, file: string, dryRun: boolean): Promise<void> {
  const read = readCorrections(file)
  const client = await context.daemon()
  const checked = await client.post('/api/v1/tools/corrections/check', { tools: read.tools })
  const problems = list(checked, 'problems').map((problem) => {
    const path = Array.isArray(problem.path) ? problem.path.map(String) : []
    const { line, column } = read.placeOf(path)
    return { file, line, column, path, message: text(problem, 'message') }
  })
  if (problems.length > 0) {
    const lines = problems.map((p) => `${p.file}:${p.line}:${p.column}: ${p.message}`)
    if (!context.output.json) process.stderr.write(`${lines.map(plain).join('\n')}\n`)
    const many = `${checked.more === true ? 'more than ' : ''}${problems.length} problems`
    throw new SafeconductError('invalid_request', {
      message: `${file}: ${problems.length === 1 ? 'one problem' : many}; nothing was changed.`,
      details: { problems: lines },
    })
  }
  const changes = list(checked, 'changes')
  const lines = differenceLines(changes)
  if (changes.length === 0 || dryRun) {
    context.output.result({ changes }, () =>
      changes.length === 0 ? 'Tools are corrected like that already.' : lines.join('\n'),
    )
    return
  }
  context.output.note(lines.join('\n'))
  const done = await withOwner(client, '/api/v1/tools/corrections', {
    tools: read.tools,
    revision: text(checked, 'revision'),
  })
  context.output.result(done, () => `${changes.length} tools are treated as told from the next call on.`)
}

async function show(context: VerbContext, target: string | true | undefined): Promise<void> {
  const answer = await (await context.daemon()).get('/api/v1/tools/corrections')
  const tools = object(answer, 'tools')
  if (typeof target === 'string') {
    writeCorrections(target, tools)
    context.output.result({ exported: target }, () => `Written to ${target}.`)
    return
  }
  context.output.result({ tools }, () => writeCorrections(null, tools))
}

async function find(client: ControlClient, id: string): Promise<JsonObject> {
  const { tools } = await client.get('/api/v1/tools')
  const found = Array.isArray(tools) ? tools.find((tool) => isJsonObject(tool) && tool.id === id) : undefined
  if (isJsonObject(found)) return found
  throw new SafeconductError('not_found', {
    message: `There is no tool ${id}. What there is: ./safeconduct tools list`,
  })
}

/** `effect=read`, `destructive=true`, `args.to=recipient`. Checked by the daemon, which also knows the tool. */
function correctionsOf(settings: readonly string[]): JsonObject {
  const facts: Record<string, string | boolean> = {}
  const args: Record<string, string> = {}
  for (const setting of settings) {
    const at = setting.indexOf('=')
    const [key, value] = [setting.slice(0, at), setting.slice(at + 1)]
    if (at < 1) throw new SafeconductError('invalid_request', { message: `${setting} is no name=value.` })
    if (key.startsWith('args.')) args[key.slice('args.'.length)] = value
    else facts[key] = value === 'true' || value === 'false' ? value === 'true' : value
  }
  return { ...facts, ...(Object.keys(args).length === 0 ? {} : { args }) }
}
