#!/usr/bin/env node
/**
 * The `safeconduct` binary.
 * @module
 */
import { Command, CommanderError } from 'commander'
import { accessCommands } from './commands/access.ts'
import { agentCommands } from './commands/agents.ts'
import { inspectCommands } from './commands/inspect.ts'
import { keepCommands } from './commands/keep.ts'
import { policyCommands } from './commands/policy.ts'
import { relationCommands } from './commands/relations.ts'
import { roleCommands } from './commands/roles.ts'
import { serverCommands } from './commands/servers.ts'
import { toolCommands } from './commands/tools.ts'
import { upCommand } from './commands/up.ts'
import { runCommand } from './run/command.ts'
import { createVerb } from './verb.ts'
import { VERSION } from './version.ts'

const program = new Command('safeconduct')
  .description('Identity, delegation, live risk, policy, enforcement, approvals and proof for AI agents.')
  .version(VERSION)
  .option('--data <directory>', 'data directory (default: SAFECONDUCT_DATA or ./.safeconduct)')
  .option('--json', 'one JSON value on standard output')
  .showHelpAfterError('(./safeconduct --help lists what there is)')
  .configureHelp({ showGlobalOptions: true })
  .exitOverride()
const verb = createVerb(program)
upCommand(program)
runCommand(program, verb)
agentCommands(program, verb)
serverCommands(program, verb)
toolCommands(program, verb)
policyCommands(program, verb)
accessCommands(program, verb)
relationCommands(program, verb)
inspectCommands(program, verb)
roleCommands(program, verb)
keepCommands(program, verb)

try {
  await program.parseAsync()
} catch (error) {
  if (!(error instanceof CommanderError)) throw error
  // Told already. A request that makes no sense is 2 here, whoever finds out; help that nobody asked for stays 1.
  process.exitCode = error.exitCode === 0 || error.code === 'commander.help' ? error.exitCode : 2
}
