/**
 * `relations`: who is related to what, for policies and for retrieval. Changes wait for the owner in the browser.
 * @module
 */
import { once } from 'node:events'
import { createReadStream, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import {
  isJsonArray,
  isJsonObject,
  type JsonObject,
  parseJson,
  SafeconductError,
} from '@safeconduct/protocol'
import type { Command } from 'commander'
import type { ControlClient } from '../client/control-client.ts'
import { list, number, text, texts, withOwner } from '../context.ts'
import { createFile, readJson, readText, unreadable } from '../files.ts'
import { plain, table } from '../output.ts'
import type { Verb } from '../verb.ts'

/** Tuples of one request; a request is at most 1 MiB. */
const PART = 1000
const MAX_LINE = 65_536

interface InSpace {
  readonly space?: string
}

const inSpace = ({ space }: InSpace) => (space === undefined ? {} : { space })

export function relationCommands(program: Command, verb: Verb): void {
  const relations = program
    .command('relations')
    .description('relations: who is related to what (OpenFGA models and tuples)')
  const command = (name: string) =>
    relations.command(name).option('--space <name>', 'relation space; default: the one that policies ask')
  command('model')
    .argument(
      '[file]',
      'model to write: OpenFGA text, or JSON when it ends in .json; without it, show the newest',
    )
    .description('write a model version (the owner confirms in the browser), or show the newest')
    .action(
      verb(async (context, file: string | undefined, options: InSpace) => {
        const daemon = await context.daemon()
        if (file === undefined) {
          const answer = await daemon.post('/api/v1/relations/read', inSpace(options))
          return context.output.result({ model: answer.model ?? null }, () => text(answer, 'model'))
        }
        const source = file.endsWith('.json')
          ? { definition: readJson(file, { maxLength: 1024 * 1024, maxDepth: 32 }) }
          : { dsl: readText(file) }
        const made = await withOwner(daemon, '/api/v1/relations/model', { ...inSpace(options), ...source })
        context.output.result(made, () => `Model ${text(made, 'model')} of the space ${text(made, 'space')}.`)
      }),
    )
  command('write')
    .argument('<user>', 'for example user:ann, agent:ag_1, team:desk#member')
    .argument('<relation>', 'for example viewer')
    .argument('<object>', 'for example document:plan')
    .option('--delete', 'delete it instead', false)
    .option('--until <time>', 'RFC 3339; from then on it does not count')
    .description('write or delete one relation (the owner confirms in the browser)')
    .action(
      verb(
        async (
          context,
          user: string,
          relation: string,
          object: string,
          options: InSpace & { delete: boolean; until?: string },
        ) => {
          const key = { user, relation, object }
          const until = options.until === undefined ? {} : { expires_at: options.until }
          const change = options.delete ? { deletes: [key] } : { writes: [{ ...key, ...until }] }
          const done = await withOwner(await context.daemon(), '/api/v1/relations/write', {
            ...inSpace(options),
            ...change,
          })
          context.output.result(
            done,
            () => `${options.delete ? 'Deleted' : 'Written'}: ${plain(`${user} ${relation} ${object}`)}`,
          )
        },
      ),
    )
  command('check')
    .argument('<user>', 'user')
    .argument('<relation>', 'relation')
    .argument('<object>', 'object')
    .description('whether a user has a relation to an object now; exit code 1 when not')
    .action(
      verb(async (context, user: string, relation: string, object: string, options: InSpace) => {
        const body = { ...inSpace(options), user, relation, object }
        const answer = await (await context.daemon()).post('/api/v1/relations/check', body)
        context.output.result(answer, () => (answer.allowed === true ? 'yes' : 'no'))
        if (answer.allowed !== true) process.exitCode = 1
      }),
    )
  command('list')
    .argument('[user]', 'user; without it, the relation spaces')
    .argument('[relation]', 'relation')
    .argument('[type]', 'type of objects')
    .description('every object of a type that a user has a relation to; or the relation spaces')
    .action(
      verb(
        async (
          context,
          user: string | undefined,
          relation: string | undefined,
          type: string | undefined,
          options: InSpace,
        ) => {
          const daemon = await context.daemon()
          if (user === undefined) {
            const answer = await daemon.get('/api/v1/relations')
            return context.output.result(answer, () => spaces(answer))
          }
          if (relation === undefined || type === undefined)
            throw new SafeconductError('invalid_request', { message: 'Give a user, a relation and a type.' })
          const objects: string[] = []
          for await (const page of pages(daemon, 'list', { ...inSpace(options), user, relation, type }))
            objects.push(...texts(page, 'objects'))
          context.output.result({ objects }, () =>
            objects.length === 0 ? 'None.' : objects.map(plain).join('\n'),
          )
        },
      ),
    )
  command('import')
    .argument('<file>', 'one tuple a line as JSON: {"user":…,"relation":…,"object":…}')
    .description('write many relations; what is there already stays (the owner confirms once)')
    .action(
      verb(async (context, file: string, options: InSpace) => {
        const daemon = await context.daemon()
        let staged: JsonObject | null = null
        for await (const tuples of partsOf(file)) {
          const more: JsonObject = staged === null ? {} : { staging: text(staged, 'staging') }
          staged = await daemon.post('/api/v1/relations/stage', { ...inSpace(options), ...more, tuples })
          context.output.note(`${number(staged, 'count')} laid ready`)
        }
        if (staged === null) throw new SafeconductError('invalid_request', { message: `${file} is empty.` })
        const body = { staging: text(staged, 'staging'), digest: text(staged, 'digest') }
        const done = await withOwner(daemon, '/api/v1/relations/import', body)
        context.output.result(done, () => `Imported ${number(done, 'count')} relations.`)
      }),
    )
  command('export')
    .argument('[file]', 'where to; must not exist yet. Without it, standard output')
    .description('every tuple, one a line as JSON, as import takes it')
    .action(
      verb(async (context, file: string | undefined, options: InSpace) => {
        const daemon = await context.daemon()
        if (file !== undefined) createFile(file)
        let count = 0
        const all: JsonObject[] = []
        for await (const page of pages(daemon, 'read', inSpace(options))) {
          const tuples = list(page, 'tuples')
          count += tuples.length
          const lines = tuples.map((tuple) => `${JSON.stringify(tuple)}\n`).join('')
          if (file !== undefined) writeFileSync(file, lines, { flag: 'a' })
          else if (context.output.json) all.push(...tuples)
          else process.stdout.write(lines)
        }
        if (file !== undefined)
          context.output.result({ file, count }, () => `Exported ${count} relations to ${file}.`)
        else if (context.output.json) context.output.result({ tuples: all }, () => '')
      }),
    )
}

async function* pages(daemon: ControlClient, what: string, body: object): AsyncGenerator<JsonObject> {
  let cursor: string | null = null
  do {
    const page: JsonObject = await daemon.post(
      `/api/v1/relations/${what}`,
      cursor === null ? body : { ...body, cursor },
    )
    yield page
    cursor = typeof page.cursor === 'string' ? page.cursor : null
  } while (cursor !== null)
}

/** Read as it comes, never as a whole. @throws `invalid_request`, naming the line */
async function* partsOf(file: string): AsyncGenerator<JsonObject[]> {
  let part: JsonObject[] = []
  let line = 0
  const input = createReadStream(file)
  // Opened first: the reader of lines would not tell that there is no such file.
  await once(input, 'open').catch((cause: unknown) => {
    throw unreadable(file, cause)
  })
  for await (const given of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    line++
    if (given.trim() === '') continue
    part.push(tupleIn(given, line))
    if (part.length < PART) continue
    yield part
    part = []
  }
  if (part.length > 0) yield part
}

function tupleIn(given: string, line: number): JsonObject {
  try {
    const value = parseJson(Buffer.from(given), { maxLength: MAX_LINE, maxDepth: 32 })
    if (isJsonObject(value) && !isJsonArray(value)) return value
  } catch {
    // Told below, with the line.
  }
  throw new SafeconductError('invalid_request', { message: `Line ${line} is not a JSON object.` })
}

function spaces(answer: JsonObject): string {
  const rows = list(answer, 'spaces')
  if (rows.length === 0) return 'No relations yet. Begin with a model: ./safeconduct relations model FILE'
  return table(
    ['SPACE', 'NAME', 'ASKED BY', 'MODELS', 'TUPLES'],
    rows.map((one) => [
      text(one, 'id'),
      text(one, 'name'),
      one.role === 'policy' ? 'policies' : '-',
      number(one, 'models'),
      number(one, 'tuples'),
    ]),
  )
}
