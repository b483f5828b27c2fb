/**
 * `safeconduct up`: the daemon in the foreground, with the trading desk beside it unless `--empty`.
 * @module
 */
import { type ChildProcess, spawn } from 'node:child_process'
import path from 'node:path'
import {
  type Config,
  type Enforcement,
  isSafeconductError,
  readConfig,
  SafeconductError,
} from '@safeconduct/protocol'
import { mayAct } from '@safeconduct/server'
import type { Command } from 'commander'
import { rememberedPort, rememberPort } from '../client/remembered-port.ts'
import { type Daemon, startDaemon } from '../daemon/daemon.ts'
import { DESK_AGENT, type DeskSeed, seedDesk } from '../daemon/desk.ts'
import { TENANT } from '../daemon/foundation.ts'
import { fail } from '../verb.ts'

interface UpOptions {
  readonly empty: boolean
  readonly port?: string
  readonly host?: string
}

export function upCommand(program: Command): void {
  program
    .command('up')
    .option('--empty', 'without the trading-desk example', false)
    .option(
      '--port <n>',
      'port to listen on, kept for later starts; 0 takes the kept one or a free one (default: the kept one, else 7070)',
    )
    .option('--host <address>', 'address to listen on (default 127.0.0.1)')
    .description('start the daemon: control plane, gateway and, unless --empty, the trading desk')
    .action(async (options: UpOptions) => {
      const { data, json } = program.opts<{ data?: string; json?: boolean }>()
      try {
        await up(startOf(data, options), options, json === true)
      } catch (error) {
        fail(withNext(error), json === true)
      }
    })
}

/** The usual reason to start it twice is that the sign-in link is spent. */
function withNext(error: unknown): unknown {
  if (!isSafeconductError(error) || error.code !== 'already_running') return error
  const next =
    'See it: ./safeconduct status. For a new sign-in link, stop it (./safeconduct down) and start again.'
  return new SafeconductError(error.code, { message: `${error.message} ${next}`, cause: error })
}

/** How it is started: where a kept port was put in for a free one, that one is asked for when the kept one is taken. */
interface Start {
  readonly config: Config
  readonly otherwise: Config | null
  readonly kept: boolean
}

function startOf(data: string | undefined, options: UpOptions): Start {
  const given = {
    ...process.env,
    ...(data === undefined ? {} : { SAFECONDUCT_DATA: data }),
    ...(options.port === undefined ? {} : { SAFECONDUCT_PORT: options.port }),
    ...(options.host === undefined ? {} : { SAFECONDUCT_HOST: options.host }),
  }
  const config = readConfig(given)
  const free = config.SAFECONDUCT_PORT === 0
  const chosen = given.SAFECONDUCT_PORT !== undefined && !free
  const kept = chosen ? null : rememberedPort(config.SAFECONDUCT_DATA)
  if (kept === null) return { config, otherwise: null, kept: false }
  const again = readConfig({ ...given, SAFECONDUCT_PORT: kept })
  return { config: again, otherwise: free ? config : null, kept: true }
}

async function started({ config, otherwise, kept }: Start): Promise<Daemon> {
  try {
    return await startDaemon(config)
  } catch (error) {
    if (!kept || !isSafeconductError(error) || error.code !== 'conflict') throw error
    if (otherwise !== null) return startDaemon(otherwise)
    const file = path.join(config.SAFECONDUCT_DATA, 'port')
    const message = `${error.message} It is the port of the last start, kept in ${file}.`
    throw new SafeconductError('conflict', { message, cause: error })
  }
}

async function up(start: Start, options: UpOptions, json: boolean): Promise<void> {
  const daemon = await started(start)
  rememberPort(daemon.directory, daemon.port)
  const desk = options.empty ? null : await seedDesk(daemon)
  const state = desk === null ? 'absent' : await deskState(daemon, desk)
  stopOnSignal(daemon, desk !== null && state === 'live' ? startDesk(desk) : null)
  const { url, directory, enforcement } = daemon
  const signIn = daemon.signInLink()
  if (json) process.stdout.write(`${JSON.stringify({ url, data: directory, signIn })}\n`)
  else {
    const near = path.relative(process.cwd(), directory) || '.'
    const data = near.startsWith('..') ? directory : near
    process.stdout.write(greeting({ url, data, enforcement, signIn, desk: state }))
  }
}

export interface Greeting {
  readonly url: string
  readonly data: string
  readonly enforcement: Enforcement
  readonly signIn: string
  readonly desk: DeskState
}

/**
 * Of the desk at this data. `played`: its day is over; `suspended`: the agent was caught, and a person has not looked at it
 * since; `revoked`: a person stopped it, and only their word brings it back.
 */
type DeskState = 'live' | 'played' | 'suspended' | 'revoked' | 'absent'

const DESK: Readonly<Record<DeskState, readonly [sentence: string, next: string]>> = {
  live: [
    'The trading desk is live: an agent trades through the gateway; watch it decide on that page.',
    `revoke agent ${DESK_AGENT}`,
  ],
  played: [
    'The trading desk played its day on an earlier start; npm run tour tells it anew, on data of its own.',
    `agents show ${DESK_AGENT}`,
  ],
  suspended: [
    'The desk rests: its agent was suspended. Look into it and reset it; npm run tour tells its day anew.',
    `agents trust ${DESK_AGENT}`,
  ],
  revoked: [
    'The desk rests: its agent was revoked, and comes back by your word only; npm run tour tells its day anew.',
    `agents show ${DESK_AGENT}`,
  ],
  absent: ['Nothing is behind the gateway yet.', 'agents register NAME --generate-key FILE'],
}

export function greeting({ url, data, enforcement, signIn, desk }: Greeting): string {
  const option = data === '.safeconduct' ? '' : ` --data ${data}`
  const [sentence, next] = DESK[desk]
  const lines = [
    '',
    `  Safeconduct listens on ${url}`,
    `  Data in ${data}; enforcement: ${enforcement}`,
    '',
    '  Sign in as the owner (works once, for ten minutes):',
    `    ${signIn}`,
    '',
    `  ${sentence}`,
    '',
    '  Try next, in another terminal:',
    `    ./safeconduct decisions${option}`,
    `    ./safeconduct run${option} --snippet -- npx -y @modelcontextprotocol/server-filesystem .`,
    `    ./safeconduct ${next}${option}`,
    '',
    '  Ctrl-C stops it; the data stays.',
    '',
  ]
  return `${lines.join('\n')}\n`
}

/** The desk gets a sign-in link and consents as its owner would, so it is let go only where no person has stopped it. */
async function deskState({ foundation }: Daemon, desk: DeskSeed): Promise<DeskState> {
  const { store, decider } = foundation
  const { clientId } = desk.setup
  const agent = await store.agents.get(TENANT, clientId)
  if (agent === null || !(await mayAct(store, agent))) return 'revoked'
  if (decider.standing(TENANT, clientId)?.trust === 'suspended') return 'suspended'
  const errands = await store.tasks.find(TENANT, 'agent', clientId, { limit: 1 })
  return errands.length > 0 ? 'played' : 'live'
}

/** The desk is a client like any other, in a process of its own; it gets a sign-in link to act as its owner would. */
function startDesk(seed: DeskSeed): ChildProcess {
  const child = spawn(process.execPath, [...process.execArgv, seed.program], {
    stdio: ['pipe', 'ignore', 'inherit'],
    env: { PATH: process.env.PATH },
  })
  child.on('error', (error) =>
    process.stderr.write(`safeconduct: the trading desk could not be started: ${error.message}\n`),
  )
  child.stdin.on('error', () => undefined)
  // Through the pipe, because arguments and environment can be read by others on this machine.
  child.stdin.end(JSON.stringify(seed.setup))
  return child
}

/** Ctrl-C reaches every process of the terminal, and npm and the launcher pass it on once more: all that is one wish. */
const ONE_WISH_MS = 1_000

/** The first signal drains; one that comes later, from somebody who does not want to wait, ends at once. */
function stopOnSignal(daemon: Daemon, desk: ChildProcess | null): void {
  let since: number | null = null
  const stop = async () => {
    const now = performance.now()
    if (since !== null) {
      if (now - since > ONE_WISH_MS) process.exit(1)
      return
    }
    since = now
    desk?.kill('SIGTERM')
    try {
      await daemon.close()
    } catch (error) {
      fail(error, false)
    }
    process.exit()
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void stop())
}
