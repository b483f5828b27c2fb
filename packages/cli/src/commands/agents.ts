/**
 * `safeconduct agents …`: register, list, show, and what a person may decide about one.
 * @module
 */
import { generateKeyPairSync, hash } from 'node:crypto'
import { rmSync, writeFileSync } from 'node:fs'
import { isJsonObject, type JsonObject, SafeconductError, TRUST_LEVELS } from '@safeconduct/protocol'
import type { Command } from 'commander'
import { list, number, text, withOwner } from '../context.ts'
import { readJson } from '../files.ts'
import { plain, table, when } from '../output.ts'
import type { Verb } from '../verb.ts'
import { describeStanding, learningCommands } from './learning.ts'

export function agentCommands(program: Command, verb: Verb): void {
  const agents = program.command('agents').description('agents: who they are, how far they are trusted')
  agents
    .command('list')
    .description('agents with their trust now')
    .action(
      verb(async (context) => {
        const answer = await (await context.daemon()).get('/api/v1/agents')
        const rows = list(answer, 'agents')
        context.output.result(answer, () =>
          rows.length === 0
            ? 'No agent yet. Register one: ./safeconduct agents register NAME --generate-key FILE'
            : table(
                ['NAME', 'STATUS', 'TRUST', 'RISK', 'HOW', 'ID'],
                rows.map((one) => [
                  text(one, 'name'),
                  text(one, 'status'),
                  text(one, 'trust') || '-',
                  number(one, 'risk'),
                  text(one, 'registration'),
                  text(one, 'id'),
                ]),
              ),
        )
      }),
    )
  agents
    .command('register')
    .argument('<name>', 'unique name')
    .option('--jwks <file>', 'its public keys (JWK Set, P-256 or Ed25519)')
    .option('--generate-key <file>', 'make an Ed25519 key pair; the private JWK goes to this new file (0600)')
    .option(
      '--composition <file>',
      'JSON: model, prompt and tools, each with a name and a digest or the text itself',
    )
    .option('--redirect-uri <uri...>', 'where a person may be sent back to after consent')
    .description('register an agent with its own keys')
    .action(
      verb(async (context, name: string, options: RegisterOptions) => {
        if (options.jwks !== undefined && options.generateKey !== undefined) {
          throw new SafeconductError('invalid_request', {
            message: 'Give --jwks or --generate-key, not both.',
          })
        }
        const client = await context.daemon({ begins: true })
        const keys =
          options.generateKey === undefined ? readJwks(options.jwks) : [generateKey(options.generateKey)]
        const agent = await orForget(options.generateKey, () =>
          client.post('/api/v1/agents', {
            name,
            ...(keys.length === 0 ? {} : { jwks: { keys } }),
            ...(options.composition === undefined
              ? {}
              : { composition: readComposition(options.composition) }),
            ...(options.redirectUri === undefined ? {} : { redirect_uris: options.redirectUri }),
          }),
        )
        context.output.result(agent, () => {
          const key =
            options.generateKey === undefined
              ? ''
              : `\nIts private key is in ${options.generateKey} (mode 0600).`
          const none =
            keys.length === 0 ? '\nIt has no key, so it can only be a public client of a person.' : ''
          return `Registered ${plain(name)}. Its client_id is ${text(agent, 'id')}.${key}${none}`
        })
      }),
    )
  agents
    .command('show')
    .argument('<name>', 'name or id')
    .description('one agent: level, why, baseline, trend of its risk, composition')
    .action(
      verb(async (context, name: string) => {
        const agent = await (await context.daemon()).get(`/api/v1/agents/${encodeURIComponent(name)}`)
        context.output.result(agent, () => describe(agent))
      }),
    )
  agents
    .command('compose')
    .argument('<name>', 'name or id')
    .argument('<file>', 'the composition, as for register')
    .description('declare another model, prompt or tools; trust starts again from restricted')
    .action(
      verb(async (context, name: string, file: string) => {
        const path = `/api/v1/agents/${encodeURIComponent(name)}/composition`
        const agent = await (await context.daemon()).post(path, { composition: readComposition(file) })
        context.output.result(agent, () => describe(agent))
      }),
    )
  agents
    .command('autonomy')
    .argument('<name>', 'name or id')
    .argument('<on|off>', 'whether it may act without a user')
    .description('let an agent act without a user (the owner confirms in the browser)')
    .action(
      verb(async (context, name: string, state: string) => {
        if (state !== 'on' && state !== 'off')
          throw new SafeconductError('invalid_request', { message: 'Say on or off.' })
        const path = `/api/v1/agents/${encodeURIComponent(name)}/autonomy`
        const agent = await withOwner(await context.daemon(), path, { autonomous: state === 'on' })
        context.output.result(agent, () => describe(agent))
      }),
    )
  agents
    .command('trust')
    .argument('<name>', 'name or id')
    .option('--ceiling <level>', `cap its trust: ${TRUST_LEVELS.join(', ')} or none`, 'none')
    .description(
      'after looking into it: reset its risk and cap its trust (the owner confirms in the browser)',
    )
    .action(
      verb(async (context, name: string, options: { ceiling: string }) => {
        const path = `/api/v1/agents/${encodeURIComponent(name)}/trust`
        const ceiling = options.ceiling === 'none' ? null : options.ceiling
        const agent = await withOwner(await context.daemon(), path, { ceiling })
        context.output.result(agent, () => describe(agent))
      }),
    )
  addReadmit(agents, verb)
  learningCommands(program, agents, verb)
}

function addReadmit(agents: Command, verb: Verb): void {
  agents
    .command('readmit')
    .argument('<name>', 'name or id')
    .description('after a revocation: let `run` use the agent again (the owner confirms in the browser)')
    .action(
      verb(async (context, name: string) => {
        const path = `/api/v1/agents/${encodeURIComponent(name)}/readmit`
        const answer = await withOwner(await context.daemon(), path, {})
        context.output.result(answer, () => `${plain(name)} may be run again: ./safeconduct run …`)
      }),
    )
}

interface RegisterOptions {
  readonly jwks?: string
  readonly generateKey?: string
  readonly composition?: string
  readonly redirectUri?: string[]
}

function describe(agent: JsonObject): string {
  const composition = list(agent, 'composition').map(
    (part) =>
      `  ${text(part, 'kind')}  ${plain(text(part, 'name'))}  ${text(part, 'digest')}  (${text(part, 'standing')})`,
  )
  return [
    `${plain(text(agent, 'name'))}  ${text(agent, 'id')}`,
    `${text(agent, 'status')}, trust ${text(agent, 'trust') || 'unknown'}, risk ${number(agent, 'risk')}, baseline ${text(agent, 'baseline') || 'none'}`,
    `owner ${text(agent, 'owner')}, registered by ${text(agent, 'registration')} at ${when(number(agent, 'createdAt'))}`,
    `${number(agent, 'keys')} key(s)${agent.autonomous === true ? ', may act without a user' : ''}`,
    ...(composition.length > 0 ? ['composition', ...composition] : []),
    ...describeStanding(agent),
  ].join('\n')
}

/** A key that nobody was registered with is of no use: the file goes when the registration fails. */
async function orForget<T>(file: string | undefined, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (file !== undefined) rmSync(file, { force: true })
    throw error
  }
}

/** Created only when absent: an existing key is never overwritten. */
function generateKey(file: string): JsonObject {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const secret = { ...privateKey.export({ format: 'jwk' }), alg: 'EdDSA', use: 'sig' }
  try {
    writeFileSync(file, `${JSON.stringify(secret, null, 2)}\n`, { mode: 0o600, flag: 'wx' })
  } catch (cause) {
    throw new SafeconductError('conflict', {
      message: `${file} cannot be created; it must not exist yet.`,
      cause,
    })
  }
  const open = publicKey.export({ format: 'jwk' })
  return { kty: String(open.kty), crv: String(open.crv), x: String(open.x) }
}

function readJwks(file: string | undefined): JsonObject[] {
  if (file === undefined) return []
  const value = readJson(file)
  if (!isJsonObject(value))
    throw new SafeconductError('invalid_request', { message: `${file} is not a JWK Set.` })
  return 'keys' in value ? list(value, 'keys') : [value]
}

const KINDS = ['model', 'prompt', 'tools'] as const

/**
 * `{"model": {"name": "…", "digest": "sha256:…"}, "prompt": {"name": "…", "text": "…"}, "tools": [{…}, …]}`; a part
 * given by its text is digested here, so that the text itself never leaves the file.
 */
function readComposition(file: string): JsonObject[] {
  const value = readJson(file)
  if (!isJsonObject(value))
    throw new SafeconductError('invalid_request', { message: `${file} is not a JSON object.` })
  for (const key of Object.keys(value)) {
    if (!KINDS.some((kind) => kind === key)) {
      throw new SafeconductError('invalid_request', {
        message: `${file}: ${key} is not model, prompt or tools.`,
      })
    }
  }
  return KINDS.flatMap((kind) => {
    const given = value[kind]
    const parts = isJsonObject(given) ? [given] : list(value, kind)
    return parts.map((part) => {
      const content = part.text
      const digest =
        typeof content === 'string' ? `sha256:${hash('sha256', content, 'hex')}` : text(part, 'digest')
      return { kind, name: text(part, 'name'), digest }
    })
  })
}
