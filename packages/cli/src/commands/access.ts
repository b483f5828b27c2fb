/**
 * `safeconduct stores …` and `enforcers …`: policy stores of other applications, and who may ask for decisions.
 * @module
 */
import { hash, randomBytes } from 'node:crypto'
import { ENFORCER_SCOPES, type JsonValue, SafeconductError } from '@safeconduct/protocol'
import type { Command } from 'commander'
import { list, number, object, text, texts, withOwner } from '../context.ts'
import { readJson, readText } from '../files.ts'
import { many } from '../options.ts'
import { plain, table, when } from '../output.ts'
import type { Verb } from '../verb.ts'

export function accessCommands(program: Command, verb: Verb): void {
  storeCommands(program, verb)
  enforcerCommands(program, verb)
}

function storeCommands(program: Command, verb: Verb): void {
  const stores = program
    .command('stores')
    .description('policy stores: Cedar policies, schema and entities of other applications, asked by AuthZEN')
  stores
    .command('list')
    .description('policy stores and their active versions')
    .action(
      verb(async (context) => {
        const answer = await (await context.daemon()).get('/api/v1/stores')
        context.output.result(answer, () => {
          const rows = list(answer, 'stores')
          if (rows.length === 0) return 'No policy store yet: ./safeconduct stores apply --help'
          return table(
            ['STORE', 'VERSION', 'ENTITIES', 'SINCE', 'BY'],
            rows.map((one) => [
              text(one, 'name'),
              text(one, 'id'),
              text(one, 'entities'),
              when(number(one, 'createdAt')),
              text(one, 'createdBy'),
            ]),
          )
        })
      }),
    )
  stores
    .command('show')
    .argument('<store>', 'name')
    .description('the active version and those before it')
    .action(
      verb(async (context, name: string) => {
        const answer = await (await context.daemon()).get(pathOf(name))
        context.output.result(answer, () => {
          const active = object(answer, 'active')
          const versions = list(answer, 'versions').map((one) => [
            text(one, 'id'),
            text(one, 'status'),
            when(number(one, 'createdAt')),
            text(one, 'createdBy'),
          ])
          return [
            '// ── schema',
            text(active, 'schema'),
            '// ── policies',
            text(active, 'policies'),
            '',
            table(['VERSION', 'STATUS', 'SINCE', 'BY'], versions),
          ].join('\n')
        })
      }),
    )
  withFiles(stores.command('check').argument('<store>', 'name'))
    .description('compile and strictly validate; change nothing')
    .action(
      verb(async (context, name: string, files: StoreFiles) => {
        const answer = await (await context.daemon()).post(`${pathOf(name)}/check`, readStore(files))
        context.output.result(answer, () => `Valid (${text(answer, 'digest')}).`)
      }),
    )
  withFiles(stores.command('apply').argument('<store>', 'name'))
    .description('activate a version from the next question on (the owner confirms in the browser)')
    .action(
      verb(async (context, name: string, files: StoreFiles) => {
        const version = await withOwner(await context.daemon(), pathOf(name), readStore(files))
        context.output.result(version, () => `Active: ${text(version, 'id')} (${text(version, 'digest')}).`)
      }),
    )
  stores
    .command('rollback')
    .argument('<store>', 'name')
    .argument('<version>', 'id of an earlier version')
    .description('activate an earlier version again (the owner confirms in the browser)')
    .action(
      verb(async (context, name: string, id: string) => {
        const version = await withOwner(await context.daemon(), `${pathOf(name)}/rollback`, { id })
        context.output.result(version, () => `Active: ${text(version, 'id')} (${text(version, 'digest')}).`)
      }),
    )
}

const pathOf = (name: string) => `/api/v1/stores/${encodeURIComponent(name)}`

interface StoreFiles {
  readonly policies: string
  readonly schema: string
  readonly entities?: string
}

function withFiles(command: Command): Command {
  return command
    .requiredOption('--policies <file>', 'Cedar policies')
    .requiredOption('--schema <file>', 'Cedar schema')
    .option('--entities <file>', 'entities, a JSON array in the form of Cedar')
}

function readStore(files: StoreFiles): object {
  return {
    policies: readText(files.policies),
    schema: readText(files.schema),
    entities: files.entities === undefined ? [] : readEntities(files.entities),
  }
}

function readEntities(file: string): JsonValue {
  const entities = readJson(file, { maxLength: 1024 * 1024, maxDepth: 32 })
  if (Array.isArray(entities)) return entities
  throw new SafeconductError('invalid_request', { message: `${file} is no JSON array.` })
}

interface Registration {
  readonly scope: readonly string[]
  readonly server: readonly string[]
  readonly store: readonly string[]
  readonly obligation: readonly string[]
}

function enforcerCommands(program: Command, verb: Verb): void {
  const enforcers = program
    .command('enforcers')
    .description('enforcers: enforcement points beside our gateway, and what they may ask')
  enforcers
    .command('list')
    .description('registered enforcement points')
    .action(
      verb(async (context) => {
        const answer = await (await context.daemon()).get('/api/v1/enforcers')
        context.output.result(answer, () => {
          const rows = list(answer, 'enforcers')
          if (rows.length === 0) return 'No enforcement point yet: ./safeconduct enforcers register --help'
          return table(
            ['NAME', 'STATUS', 'SCOPES', 'SERVERS', 'STORES'],
            rows.map((one) => [
              text(one, 'name'),
              text(one, 'status'),
              texts(one, 'scopes').join(' '),
              texts(one, 'servers').join(' ') || '-',
              texts(one, 'stores').join(' ') || '-',
            ]),
          )
        })
      }),
    )
  enforcers
    .command('register')
    .argument('<name>', 'name')
    .option('--scope <scope>', `what it may: ${ENFORCER_SCOPES.join(', ')} (again for more)`, many, [])
    .option('--server <server>', 'a server that it stands in front of (again for more)', many, [])
    .option('--store <store>', 'a policy store that it may ask; the first one answers plain paths', many, [])
    .option('--obligation <type>', 'a type of obligation that it always meets (again for more)', many, [])
    .description('register an enforcement point (the owner confirms in the browser); prints its secret once')
    .action(
      verb(async (context, name: string, given: Registration) => {
        // Made here: the daemon is told its digest alone, and nobody can print it again.
        const secret = `sce_${randomBytes(32).toString('base64url')}`
        const body = {
          name,
          key_digest: `sha256:${hash('sha256', secret)}`,
          scopes: given.scope,
          servers: given.server,
          stores: given.store,
          obligations: given.obligation,
        }
        const registered = await withOwner(await context.daemon(), '/api/v1/enforcers', body)
        context.output.result(
          { ...registered, secret },
          () => `${plain(name)} is registered. Its secret, shown this once: ${secret}`,
        )
      }),
    )
  enforcers
    .command('revoke')
    .argument('<name>', 'name')
    .description('it is nobody from its next request on')
    .action(
      verb(async (context, name: string) => {
        const path = `/api/v1/enforcers/${encodeURIComponent(name)}/revoke`
        const revoked = await (await context.daemon()).post(path, {})
        context.output.result(revoked, () => `${plain(name)} is revoked.`)
      }),
    )
}
