/**
 * `safeconduct run [--agent NAME] [--server NAME] -- COMMAND…`: an MCP host starts this instead of the server; the
 * server becomes a child of the daemon and every call passes the pipeline.
 * @module
 */
import { accessSync, constants, realpathSync } from 'node:fs'
import path from 'node:path'
import { SafeconductError } from '@safeconduct/protocol'
import type { Command } from 'commander'
import { text } from '../context.ts'
import type { Verb } from '../verb.ts'
import { bridge } from './bridge.ts'

interface RunOptions {
  readonly agent: string
  readonly server?: string
  readonly env?: string[]
  readonly snippet?: boolean
}

export function runCommand(program: Command, verb: Verb): void {
  program
    .command('run')
    .argument('<command...>', 'the MCP server and its arguments, after --')
    .option('--agent <name>', 'the agent that calls', 'local')
    .option('--server <name>', 'name of the server (default: made from the command)')
    .option('--env <name...>', 'environment variables the server may see')
    .option('--snippet', 'print the configuration for an MCP host and end')
    .description('put a stdio MCP server behind the gateway: paste what --snippet prints into an MCP host')
    .action(
      verb(async (context, argv: string[], options: RunOptions) => {
        if (options.snippet === true || (process.stdin.isTTY && !context.output.json)) {
          const config = snippet(context.data, argv, options)
          context.output.note('Paste this into the configuration of your MCP host (Claude Code, Cursor, …):')
          context.output.result(config, () => JSON.stringify(config, null, 2))
          return
        }
        const [program = '', ...rest] = argv
        const client = await context.daemon({ begins: true })
        const opened = await client.post('/local/run', {
          agent: options.agent,
          argv: [resolveProgram(program), ...rest],
          cwd: process.cwd(),
          env: pickEnvironment(options.env ?? []),
          ...(options.server === undefined ? {} : { server: options.server }),
        })
        await bridge({
          client,
          path: `/local/mcp/${text(opened, 'server')}?agent=${encodeURIComponent(text(opened, 'agent'))}`,
          input: process.stdin,
          output: process.stdout,
          note: (line) => process.stderr.write(`safeconduct: ${line}\n`),
        })
      }),
    )
}

/** Hosts start servers from anywhere with little environment: every path is absolute. */
function snippet(
  data: string,
  argv: readonly string[],
  options: RunOptions,
): { mcpServers: Record<string, object> } {
  const [program = '', ...rest] = argv
  const launcher = path.resolve(import.meta.dirname, '../../../../safeconduct')
  const name = options.server ?? serverNameOf(argv)
  const args = ['run', '--data', path.resolve(data), '--agent', options.agent, '--server', name]
  const env = (options.env ?? []).flatMap((variable) => ['--env', variable])
  return {
    mcpServers: {
      [name]: {
        command: launcher,
        args: [...args, ...env, '--', resolveProgram(program), ...rest.map(absolute)],
      },
    },
  }
}

/** A relative path that exists here would mean something else where the host starts us. */
function absolute(argument: string): string {
  if (argument.startsWith('-') || path.isAbsolute(argument) || !/[/.]/.test(argument)) return argument
  try {
    return realpathSync(argument)
  } catch {
    return argument
  }
}

/** @throws `not_found` when no such program can be executed */
export function resolveProgram(program: string): string {
  const places = program.includes('/') ? [''] : (process.env.PATH ?? '').split(path.delimiter)
  for (const place of places) {
    const candidate = path.resolve(place, program)
    try {
      accessSync(candidate, constants.X_OK)
      return candidate
    } catch {
      // Looked for in the next place.
    }
  }
  throw new SafeconductError('not_found', { message: `There is no program ${program} on the PATH.` })
}

/** What the command is about, as a server name: the last word that is not an option, without path and scope. */
export function serverNameOf(argv: readonly string[]): string {
  const words = argv.filter((word) => !word.startsWith('-'))
  const package_ = words.find((word) => /(^|[-/@])(mcp|server)[-/.@]?/.test(word)) ?? words.at(-1) ?? 'server'
  const base = path.basename(package_).replace(/\.[cm]?[jt]s$/, '')
  const name = base
    .toLowerCase()
    .replace(/@.*$/, '')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
  return name.slice(0, 63) || 'server'
}

function pickEnvironment(names: readonly string[]): Record<string, string> {
  const picked: Record<string, string> = {}
  for (const name of names) {
    const value = process.env[name]
    if (value !== undefined) picked[name] = value
  }
  return picked
}
