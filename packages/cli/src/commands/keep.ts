/**
 * Keeping and proving: `verify`, `backup`, `restore`, `bench`.
 * @module
 */
import { spawn } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { isSafeconductError, SafeconductError } from '@safeconduct/protocol'
import { type DirectoryLock, lockDataDirectory } from '@safeconduct/store'
import type { Command } from 'commander'
import { LEDGER_DIRECTORY } from '../daemon/foundation.ts'
import { many } from '../options.ts'
import type { Verb } from '../verb.ts'

export function keepCommands(program: Command, verb: Verb): void {
  program
    .command('verify')
    .argument('<receipt|directory>', 'a receipt file, a data directory, or the ledger directory in one')
    .option('--vkey <key>', "the log's public key, from a source you trust (see: ./safeconduct status)")
    .option(
      '--since <file>',
      'an older receipt or checkpoint that a ledger must extend (again for more)',
      many,
      [],
    )
    .description('check a receipt or a whole ledger offline; needs no daemon')
    .action(
      verb(async (context, target: string, options: { vkey?: string; since: readonly string[] }) => {
        const args = [
          ...(options.vkey === undefined ? [] : ['--vkey', options.vkey]),
          ...options.since.flatMap((file) => ['--since', file]),
          ...(context.output.json ? ['--json'] : []),
        ]
        process.exitCode = await runFile(verifierPath(), [ledgerIn(target), ...args])
      }),
    )
  program
    .command('backup')
    .argument('<directory>', 'where to; must not exist yet')
    .description('copy the data directory while no daemon runs on it')
    .action(
      verb(async (context, target: string) => {
        copyData(context.data, target)
        context.output.result(
          { backup: path.resolve(target) },
          () => `Backed up to ${target}. It holds the root key: keep it as safe as the original.`,
        )
      }),
    )
  program
    .command('restore')
    .argument('<directory>', 'a backup')
    .description('make the data directory from a backup; the data directory must not exist yet')
    .action(
      verb(async (context, source: string) => {
        copyData(source, context.data)
        const ledger = path.join(context.data, LEDGER_DIRECTORY)
        // What the verifier tells is not ours to answer with under --json.
        if ((await runFile(verifierPath(), [ledger], context.output.json ? 'ignore' : 'inherit')) !== 0)
          throw new SafeconductError('ledger_corrupt', { message: 'The restored ledger does not verify.' })
        context.output.result({ restored: path.resolve(context.data) }, () => `Restored to ${context.data}.`)
      }),
    )
  program
    .command('bench')
    .argument('[name]', 'call, token, ledger, store, decision, traces, containment or poisoning', 'call')
    .argument('[args...]', 'passed on')
    .allowUnknownOption()
    .description('run a benchmark on this machine')
    .action(
      verb(async (context, name: string, rest: string[]) => {
        const file = benchPath(name)
        process.exitCode = await runFile(file, [...rest, ...(context.output.json ? ['--json'] : [])])
      }),
    )
}

/** A data directory stands for the ledger in it. */
function ledgerIn(target: string): string {
  const inside = path.join(target, LEDGER_DIRECTORY)
  return existsSync(inside) ? inside : target
}

function lockFor(from: string): DirectoryLock {
  try {
    return lockDataDirectory(from)
  } catch (error) {
    if (!isSafeconductError(error) || error.code !== 'already_running') throw error
    throw new SafeconductError(error.code, {
      message: `${error.message} Stop it first: ./safeconduct down`,
      cause: error,
    })
  }
}

/** The lock makes sure that nobody writes meanwhile; sockets and lock files stay behind. */
function copyData(from: string, to: string): void {
  if (!existsSync(from)) throw new SafeconductError('not_found', { message: `${from} does not exist.` })
  if (existsSync(to) && readdirSync(to).length > 0) {
    throw new SafeconductError('conflict', { message: `${to} exists already and is not empty.` })
  }
  const lock = lockFor(from)
  try {
    mkdirSync(to, { recursive: true, mode: 0o700 })
    // An empty directory that was there already may be open to others; what goes into it is not for them.
    chmodSync(to, 0o700)
    cpSync(lock.directory, path.resolve(to), {
      recursive: true,
      preserveTimestamps: true,
      errorOnExist: true,
      force: false,
      filter: (source) => !/(?:lock\.db(?:-\w+)?|holder\.json|\.sock)$/.test(source),
    })
  } finally {
    lock.release()
  }
}

function runFile(
  file: string,
  args: readonly string[],
  out: 'inherit' | 'ignore' = 'inherit',
): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...process.execArgv, file, ...args], {
      stdio: ['inherit', out, 'inherit'],
    })
    child.on('error', (cause) => reject(new SafeconductError('internal', { cause })))
    child.on('exit', (code) => resolve(code ?? 1))
  })
}

/** The one file without dependencies that an auditor may take along. */
export function verifierPath(): string {
  const index = new URL(import.meta.resolve('@safeconduct/ledger')).pathname
  return path.join(path.dirname(index), `verify${path.extname(index)}`)
}

export const BENCHES: Readonly<Record<string, string>> = {
  agents: 'bench/agents.ts',
  behaviour: 'bench/behaviour/main.ts',
  call: 'bench/call.ts',
  containment: 'bench/containment/main.ts',
  decision: 'bench/decision.ts',
  extraction: 'bench/extraction/main.ts',
  ledger: 'bench/ledger.ts',
  login: 'bench/login/main.ts',
  poisoning: 'bench/poisoning/main.ts',
  relations: 'bench/relations.ts',
  results: 'bench/results.ts',
  store: 'bench/store.ts',
  token: 'bench/token.ts',
  traces: 'bench/traces/main.ts',
}

/** @throws `invalid_request` for a name that is none, `not_found` outside a clone */
export function benchPath(name: string): string {
  const file = Object.hasOwn(BENCHES, name) ? BENCHES[name] : undefined
  const found = file === undefined ? null : path.resolve(import.meta.dirname, '../../../..', file)
  if (found === null) {
    throw new SafeconductError('invalid_request', {
      message: `There is no bench ${name}; one of ${Object.keys(BENCHES).join(', ')}.`,
    })
  }
  if (!existsSync(found))
    throw new SafeconductError('not_found', { message: 'Benches run from a clone of the repository only.' })
  return found
}
