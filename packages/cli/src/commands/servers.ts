import { type JsonObject, type JsonValue, SafeconductError } from '@safeconduct/protocol'
import type { Command } from 'commander'
import { list, object, text, withOwner } from '../context.ts'
import { readJson } from '../files.ts'
import { plain, table } from '../output.ts'
import type { Verb } from '../verb.ts'

export function serverCommands(program: Command, verb: Verb): void {
  const servers = program.command('servers').description('servers: MCP servers behind the gateway')
  servers
    .command('list')
    .description('servers and how new they are')
    .action(
      verb(async (context) => {
        const answer = await (await context.daemon()).get('/api/v1/servers')
        context.output.result(answer, () => {
          const rows = list(answer, 'servers')
          if (rows.length === 0)
            return 'No server yet. Put one behind the gateway: ./safeconduct run -- COMMAND…'
          return table(
            ['NAME', 'STANDING', 'TRANSPORT', 'CREDENTIAL'],
            rows.map((one) => [
              text(one, 'name'),
              text(one, 'standing'),
              target(object(one, 'transport')),
              one.credential === true ? 'injected' : '-',
            ]),
          )
        })
      }),
    )
  servers
    .command('add')
    .argument('<name>', 'name; agents reach it at /mcp/<name>')
    .argument('<url>', 'where the MCP server listens')
    .option('--allow-private', 'the address may be a private one', false)
    .option('--trusted-output', 'what it returns may vouch for values', false)
    .description('put a remote MCP server behind the gateway (the owner confirms in the browser)')
    .action(
      verb(
        async (
          context,
          name: string,
          url: string,
          options: { allowPrivate: boolean; trustedOutput: boolean },
        ) => {
          const body = {
            name,
            url,
            allow_private: options.allowPrivate,
            trusted_output: options.trustedOutput,
          }
          const server = await withOwner(await context.daemon(), '/api/v1/servers', body)
          context.output.result(
            server,
            () => `Registered ${plain(name)}. Reads are allowed, writes go to approval until it is approved.`,
          )
        },
      ),
    )
  servers
    .command('approve')
    .argument('<name>', 'name')
    .description('you looked at it: writes no longer go to approval for being new (the owner confirms)')
    .action(
      verb(async (context, name: string) => {
        const path = `/api/v1/servers/${encodeURIComponent(name)}/approve`
        const server = await withOwner(await context.daemon(), path, {})
        context.output.result(server, () => `${plain(name)} is approved.`)
      }),
    )
  servers
    .command('remove')
    .argument('<name>', 'name')
    .description('take a server away (the owner confirms in the browser)')
    .action(
      verb(async (context, name: string) => {
        const path = `/api/v1/servers/${encodeURIComponent(name)}/remove`
        const removed = await withOwner(await context.daemon(), path, {})
        context.output.result(removed, () => `${plain(name)} is removed.`)
      }),
    )
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
        const tool = list(await client.get('/api/v1/tools'), 'tools').find((one) => one.id === id)
        if (tool === undefined)
          throw new SafeconductError('not_found', { message: `There is no tool ${id}.` })
        const digest = text(tool, 'proposedDigest') || text(tool, 'digest')
        const approved = await withOwner(client, '/api/v1/tools/approve', { id, digest })
        context.output.result(approved, () => `${plain(id)} is approved as it is now.`)
      }),
    )
  tools
    .command('roles')
    .argument('<tool>', '<server>/<tool>')
    .option(
      '--set <name=value...>',
      'effect, destructive, openWorld, reversible, thirdPartyOutput, documentOutput, ownData, args.<argument>',
    )
    .option('--file <path>', 'the same as JSON')
    .option('--clear', 'take every correction back')
    .description(
      'correct what was derived of a tool (the owner confirms in the browser); shows corrections without options',
    )
    .action(
      verb(async (context, id: string, options: { set?: string[]; file?: string; clear?: boolean }) => {
        const client = await context.daemon()
        if (options.set === undefined && options.file === undefined && options.clear !== true) {
          const tool = list(await client.get('/api/v1/tools'), 'tools').find((one) => one.id === id)
          if (tool === undefined)
            throw new SafeconductError('not_found', { message: `There is no tool ${id}.` })
          const known = tool.corrections ?? null
          context.output.result({ id, corrections: known }, () =>
            known === null ? `Nothing of ${plain(id)} is corrected.` : plain(JSON.stringify(known)),
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
      }),
    )
}

const FACTS = ['destructive', 'openWorld', 'reversible', 'thirdPartyOutput', 'documentOutput', 'ownData']

/** `effect=read`, `destructive=true`, `args.to=recipient`. Checked by the daemon, which also knows the tool. */
function correctionsOf(settings: readonly string[]): JsonObject {
  const facts: Record<string, string | boolean> = {}
  const args: Record<string, string> = {}
  for (const setting of settings) {
    const at = setting.indexOf('=')
    const [key, value] = [setting.slice(0, at), setting.slice(at + 1)]
    if (at < 1) throw new SafeconductError('invalid_request', { message: `${setting} is no name=value.` })
    if (key.startsWith('args.')) args[key.slice('args.'.length)] = value
    else
      facts[key] = FACTS.includes(key) && (value === 'true' || value === 'false') ? value === 'true' : value
  }
  return { ...facts, ...(Object.keys(args).length === 0 ? {} : { args }) }
}

function target(transport: JsonObject): string {
  if (transport.kind === 'http') return text(transport, 'url')
  return Array.isArray(transport.argv) ? transport.argv.join(' ') : ''
}
