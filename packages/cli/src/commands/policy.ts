/**
 * `safeconduct policy …`: what is allowed, tried before it rules.
 * @module
 */
import { StringDecoder } from 'node:string_decoder'
import {
  isJsonObject,
  type JsonObject,
  parseJson,
  SafeconductError,
  toSafeconductError,
} from '@safeconduct/protocol'
import type { Command } from 'commander'
import { asError, type ControlClient } from '../client/control-client.ts'
import { list, number, object, text, type VerbContext, withOwner } from '../context.ts'
import type { Verb } from '../verb.ts'
import { writeReceipt } from './inspect.ts'
import {
  type Candidate,
  candidateOf,
  LAYERS,
  type LayerFiles,
  referenceOf,
  writeLayers,
} from './policy-files.ts'
import {
  changeLines,
  forbidsGone,
  historyTable,
  problemLines,
  replayLines,
  shadowLines,
} from './policy-words.ts'

export function policyCommands(program: Command, verb: Verb): void {
  const policy = program.command('policy').description('policy: what is allowed, tried before it rules')
  policy
    .command('show')
    .argument('[version]', 'id of a version; the active one when left out')
    .option('--export <folder>', 'write agent.cedar and user.cedar there, to edit and apply again; - prints')
    .description('the texts of a version')
    .action(verb(show))
  policy
    .command('history')
    .option('--receipt <version>', 'write the receipt of its activation to --out')
    .option('--out <file>', 'where to', 'policy-receipt.json')
    .description('versions, newest first: which, when, by whom; with a receipt that proves an activation')
    .action(verb(history))
  layered(policy.command('check'))
    .description('every problem of a file or folder of policies, with its place; changes nothing')
    .action(verb(check))
  policy
    .command('diff')
    .argument('<old>', 'version, active, file or folder')
    .argument('<new>', 'version, active, file or folder')
    .option('--last <n>', 'recorded decisions that both are put to', '10000')
    .description(
      'policies added, removed and changed, and which recorded calls the new ones decide otherwise',
    )
    .action(verb(diff))
  windowed(policy.command('replay'))
    .argument('<candidate>', 'file, folder or version')
    .description('recorded decisions put to a candidate: which calls would change?')
    .action(verb(replay))
  layered(policy.command('apply'))
    .description('activate policies from the next call on (the owner confirms in the browser)')
    .action(verb(apply))
  policy
    .command('rollback')
    .argument('<version>', 'id of an earlier version')
    .description('activate an earlier version again (the owner confirms in the browser)')
    .action(
      verb(async (context, id: string) => {
        const client = await context.daemon()
        await tellDifference(context, client, { version: id })
        const version = await withOwner(client, '/api/v1/policy/rollback', { id })
        context.output.result(version, () => activated(version))
      }),
    )
  shadowCommands(policy, verb)
}

function layered(command: Command): Command {
  return command
    .argument('[file|folder]', 'one .cedar file, or a folder with agent.cedar and user.cedar')
    .option('--agent-file <file>', 'policies about the rights of agents')
    .option('--user-file <file>', 'policies about the rights of users')
}

interface WindowOptions {
  readonly from?: string
  readonly to?: string
  readonly last?: string
  readonly agent?: string
}

function windowed(command: Command): Command {
  return command
    .option('--from <time>', 'decisions from this time on (ISO 8601, or milliseconds)')
    .option('--to <time>', 'decisions up to this time')
    .option('--last <n>', 'the latest so many (10000 when no time is given)')
    .option('--agent <name>', 'only calls of this agent')
}

async function show(
  context: VerbContext,
  id: string | undefined,
  options: { export?: string },
): Promise<void> {
  const client = await context.daemon()
  const answer = await client.get(
    id === undefined ? '/api/v1/policy' : `/api/v1/policy/versions/${encodeURIComponent(id)}`,
  )
  const version = id === undefined ? object(answer, 'active') : answer
  if (options.export !== undefined) return exported(context, version, options.export)
  context.output.result(answer, () =>
    [
      '// ── agent policies',
      text(version, 'agentPolicies') || '// none: nothing is allowed',
      '// ── user policies',
      text(version, 'userPolicies') || '// none: nothing is allowed',
      ...(id === undefined ? ['', historyTable(list(answer, 'versions'))] : []),
    ].join('\n'),
  )
}

/** Printed, the layers stand one after the other: each is a policy text that parses, and so is the whole. */
function exported({ output }: VerbContext, version: JsonObject, folder: string): void {
  const layers = { agent: text(version, 'agentPolicies'), user: text(version, 'userPolicies') }
  if (folder === '-') {
    const whole = LAYERS.map((layer) => `// ${layer}.cedar\n${layers[layer]}`).join('\n')
    output.result(layers, () => whole)
    return
  }
  const files = writeLayers(folder, layers)
  const next = `./safeconduct policy diff active ${folder}`
  output.result({ exported: files }, () => `Written: ${files.join(', ')}. When edited: ${next}`)
}

async function history(
  context: VerbContext,
  { receipt, out }: { receipt?: string; out: string },
): Promise<void> {
  const client = await context.daemon()
  if (receipt !== undefined) {
    const proof = await client.get(`/api/v1/policy/versions/${encodeURIComponent(receipt)}/receipt`)
    writeReceipt(out, proof)
    context.output.note(`Receipt written to ${out}. Check it: ./safeconduct verify ${out}`)
  }
  const answer = await client.get('/api/v1/policy')
  context.output.result({ versions: answer.versions ?? [] }, () => historyTable(list(answer, 'versions')))
}

/** Prints what is wrong and where; false when activation would refuse it. */
async function inspected(
  context: VerbContext,
  client: ControlClient,
  candidate: Candidate,
): Promise<{ readonly valid: boolean; readonly answer: JsonObject; readonly lines: string[] }> {
  const answer = await client.post('/api/v1/policy/check', candidate.texts)
  const lines = problemLines(candidate, list(answer, 'problems'))
  if (!context.output.json) for (const line of lines) context.output.note(line)
  return { valid: answer.valid === true, answer, lines }
}

async function check(context: VerbContext, target: string | undefined, files: LayerFiles): Promise<void> {
  const client = await context.daemon()
  const candidate = await candidateOf(client, target, files)
  const { valid, answer } = await inspected(context, client, candidate)
  const gone = valid ? forbidsGone(await changesOf(client, candidate)) : []
  if (gone.length > 0 && !context.output.json)
    context.output.note(
      `Applied, it would end ${gone.length} forbids that rule now: ${gone.join(', ')}. To change one policy and keep the others, start from what is active: ./safeconduct policy show --export FOLDER`,
    )
  context.output.result({ ...answer, forbidsRemoved: gone }, () =>
    valid ? 'Valid.' : 'Not valid (policy_invalid).',
  )
  if (!valid) process.exitCode = 1
}

async function apply(context: VerbContext, target: string | undefined, files: LayerFiles): Promise<void> {
  const client = await context.daemon()
  const candidate = await candidateOf(client, target, files)
  const { valid, lines } = await inspected(context, client, candidate)
  if (!valid) throw new SafeconductError('policy_invalid', { details: { problems: lines.slice(0, 50) } })
  await tellDifference(context, client, candidate.texts)
  const version = await withOwner(client, '/api/v1/policy/apply', candidate.texts)
  context.output.result(version, () => activated(version))
}

/** The difference that the owner is shown, told to whoever asks, too. */
async function tellDifference(context: VerbContext, client: ControlClient, next: object): Promise<void> {
  if (context.output.json) return
  const { active } = await client.get('/api/v1/policy')
  if (!isJsonObject(active)) return
  const old = { version: 'active' }
  const changes = list(await client.post('/api/v1/policy/diff', { old, new: next }), 'changes')
  context.output.note(changeLines(changes).join('\n'))
  if (changes.length === 0) return
  try {
    const effects = await stream(context, client, { candidate: next, base: old, last: TOLD_LAST })
    if (number(effects, 'decisions') > 0) context.output.note(`\n${replayLines(effects).join('\n')}`)
  } catch (error) {
    // The owner is told by the daemon; here it is a courtesy, and another replay may be under way.
    context.output.note(`Recorded calls were not tried: ${toSafeconductError(error).message}`)
  }
}

async function changesOf(client: ControlClient, { texts }: Candidate): Promise<JsonObject[]> {
  const { active } = await client.get('/api/v1/policy')
  if (!isJsonObject(active)) return []
  return list(await client.post('/api/v1/policy/diff', { old: { version: 'active' }, new: texts }), 'changes')
}

function activated(version: JsonObject): string {
  return `Active: ${text(version, 'id')} (${text(version, 'digest')}).`
}

async function diff(
  context: VerbContext,
  before: string,
  after: string,
  { last }: { last: string },
): Promise<void> {
  const client = await context.daemon()
  const [old, now] = [await referenceOf(client, before), await referenceOf(client, after)]
  const answer = await client.post('/api/v1/policy/diff', { old, new: now })
  const changes = list(answer, 'changes')
  const effects =
    changes.length === 0
      ? null
      : await stream(context, client, { candidate: now, base: old, last: count(last) })
  context.output.result({ ...answer, effects }, () =>
    [
      ...changeLines(changes),
      ...(effects === null || number(effects, 'decisions') === 0 ? [] : ['', ...replayLines(effects)]),
    ].join('\n'),
  )
}

async function replay(context: VerbContext, target: string, options: WindowOptions): Promise<void> {
  const client = await context.daemon()
  const { from, to, agent } = options
  const last = options.last ?? (from === undefined && to === undefined ? '10000' : undefined)
  const report = await stream(context, client, {
    candidate: await referenceOf(client, target),
    ...(from === undefined ? {} : { from: moment(from) }),
    ...(to === undefined ? {} : { to: moment(to) }),
    ...(last === undefined ? {} : { last: count(last) }),
    ...(agent === undefined ? {} : { agent }),
  })
  context.output.result(report, () => replayLines(report).join('\n'))
  if (number(object(report, 'selfCheck'), 'differences') > 0) process.exitCode = 1
}

function shadowCommands(policy: Command, verb: Verb): void {
  const shadow = policy
    .command('shadow')
    .description('a candidate beside the active policy, asked about every call, without effect')
  shadow
    .command('start')
    .argument('<candidate>', 'file, folder or version')
    .description('put a candidate in the shadow (the owner confirms in the browser)')
    .action(
      verb(async (context, target: string) => {
        const client = await context.daemon()
        const candidate = await referenceOf(client, target)
        const version = await withOwner(client, '/api/v1/policy/shadow/start', { candidate })
        context.output.result(
          version,
          () => `In the shadow: ${text(version, 'id')} (${text(version, 'digest')}).`,
        )
      }),
    )
  shadow
    .command('stop')
    .description('take it out again; prints what it came to')
    .action(
      verb(async (context) => {
        const answer = await (await context.daemon()).post('/api/v1/policy/shadow/stop', {})
        context.output.result(answer, () => reported(answer.stopped))
      }),
    )
  shadow
    .command('show')
    .description('what it would have decided otherwise so far')
    .action(
      verb(async (context) => {
        const answer = await (await context.daemon()).get('/api/v1/policy/shadow')
        context.output.result(answer, () => reported(answer.shadow))
      }),
    )
}

function reported(report: JsonObject[string] | undefined): string {
  return isJsonObject(report) ? shadowLines(report).join('\n') : 'No candidate is in the shadow.'
}

/** @throws `invalid_request` */
function moment(given: string): number {
  const time = /^\d{9,}$/.test(given) ? Number(given) : Date.parse(given)
  if (Number.isSafeInteger(time) && time >= 0) return time
  throw new SafeconductError('invalid_request', {
    message: `${given} is no time; for example 2026-05-01T08:00Z.`,
  })
}

/** @throws `invalid_request` */
function count(given: string): number {
  const found = Number(given)
  if (Number.isSafeInteger(found) && found > 0) return found
  throw new SafeconductError('invalid_request', { message: `${given} is no number of decisions.` })
}

/** As many as the owner's page counts. */
const TOLD_LAST = 1000
const MAX_LINE = 16 * 1024 * 1024

/** Follows a replay: progress goes to standard error, the report is returned. @throws what the daemon answers */
async function stream(context: VerbContext, client: ControlClient, question: object): Promise<JsonObject> {
  const body = JSON.stringify(question)
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
  const response = await client.open({ method: 'POST', path: '/api/v1/policy/replay', headers }, body)
  const decoder = new StringDecoder('utf8')
  let rest = ''
  const tell = progress(context)
  for await (const chunk of response) {
    rest += decoder.write(chunk as Buffer)
    const lines = rest.split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > MAX_LINE) throw new SafeconductError('too_large')
    for (const line of lines) {
      const said = readLine(line)
      if (isJsonObject(said.report)) {
        return said.report
      }
      tell(object(said, 'progress'))
    }
  }
  // An answer that is no stream: what was wrong with the question.
  if (rest !== '') readLine(rest)
  throw new SafeconductError('internal', { message: 'The daemon broke off the replay.' })
}

function readLine(line: string): JsonObject {
  const said = parseJson(Buffer.from(line), { maxLength: MAX_LINE, maxDepth: 64 })
  if (!isJsonObject(said))
    throw new SafeconductError('internal', { message: 'The daemon gave an answer that is not understood.' })
  if (typeof said.error === 'string') throw asError(said)
  return said
}

const TELL_EVERY_MS = 1000

/** A line a second at most; short work is done before anything is said. */
function progress({ output }: VerbContext): (at: JsonObject) => void {
  let told = Date.now()
  return (at) => {
    if (Date.now() - told < TELL_EVERY_MS) return
    told = Date.now()
    output.note(`${number(at, 'decisions')} decisions so far, ${number(at, 'changed')} would change`)
  }
}
