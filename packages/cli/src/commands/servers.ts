import type { JsonObject } from '@safeconduct/protocol'
import type { Command } from 'commander'
import { list, object, text, withOwner } from '../context.ts'
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
          const server = await withOwner(await context.daemon({ begins: true }), '/api/v1/servers', body)
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
}

function target(transport: JsonObject): string {
  if (transport.kind === 'http') return text(transport, 'url')
  return Array.isArray(transport.argv) ? transport.argv.join(' ') : ''
}
