/**
 * Looking and ending: tasks, approvals, explain, receipt, verify, revoke, status.
 * @module
 */
import { writeFileSync } from 'node:fs'
import { type JsonObject, SafeconductError } from '@safeconduct/protocol'
import type { Command } from 'commander'
import type { ControlClient } from '../client/control-client.ts'
import { stopDaemon } from '../client/daemon.ts'
import { list, number, object, text, texts } from '../context.ts'
import { wholeNumber } from '../options.ts'
import { plain, table, when } from '../output.ts'
import type { Verb } from '../verb.ts'

export function inspectCommands(program: Command, verb: Verb): void {
  program
    .command('status')
    .description('what runs on this data directory')
    .action(
      verb(async (context) => {
        const client = await context.running()
        if (client === null) {
          throw new SafeconductError('not_running', {
            message: `No daemon runs on ${context.data}. Start one: npm start`,
          })
        }
        const status = await client.get('/api/v1/status')
        context.output.result(status, () =>
          [
            `safeconduct ${text(status, 'version')}, ${text(status, 'enforcement')}, at ${text(status, 'url')}`,
            `data ${text(status, 'data')}, process ${text(status, 'pid')}`,
            `ledger: ${number(status, 'ledgerSize')} entries; key ${text(status, 'vkey')}`,
            ...list(status, 'quarantined').map(
              (one) => `quarantined: ${text(one, 'kind')} ${text(one, 'id')}: ${text(one, 'why')}`,
            ),
          ].join('\n'),
        )
      }),
    )
  program
    .command('down')
    .description('stop the daemon that runs on this data directory; calls under way are finished first')
    .action(
      verb(async (context) => {
        const stopped = await stopDaemon(context.data)
        context.output.result({ stopped }, () =>
          stopped ? 'Stopped; the data stays.' : `No daemon runs on ${context.data}.`,
        )
      }),
    )
  taskCommands(program, verb)
  approvalCommands(program, verb)
  program
    .command('decisions')
    .option('--agent <name>', 'only this agent')
    .option('--outcome <outcome>', 'only allow, step_up, approval or deny')
    .option('--limit <n>', 'how many', wholeNumber, '20')
    .description('the latest decisions, newest first')
    .action(
      verb(async (context, options: { agent?: string; outcome?: string; limit: string }) => {
        const query = new URLSearchParams(Object.entries(options).filter((pair) => pair[1] !== undefined))
        const client = await context.daemon()
        const answer = await client.get(`/api/v1/decisions?${query}`)
        const names = context.output.json ? new Map<string, string>() : await agentNames(client)
        context.output.result(answer, () => decisionTable(list(answer, 'decisions'), names))
      }),
    )
  program
    .command('explain')
    .argument('<decision>', 'id of a decision')
    .option('--receipt <file>', 'also write its receipt to this file')
    .description('why a call was decided as it was, and what would have changed it')
    .action(
      verb(async (context, id: string, options: { receipt?: string }) => {
        const client = await context.daemon()
        const explanation = await client.get(`/api/v1/decisions/${encodeURIComponent(id)}`)
        if (options.receipt !== undefined) {
          const receipt = await client.get(`/api/v1/decisions/${encodeURIComponent(id)}/receipt`)
          writeReceipt(options.receipt, receipt)
          context.output.note(
            `Receipt written to ${options.receipt}. Check it: ./safeconduct verify ${options.receipt}`,
          )
        }
        const names = context.output.json ? new Map<string, string>() : await allNames(client)
        context.output.result(explanation, () => explain(explanation, names))
      }),
    )
  program
    .command('revoke')
    .argument('<kind>', 'agent, user, task or delegation')
    .argument('<id>', 'its id (an agent also by name)')
    .description('revoke; everything below fails at its next call')
    .action(
      verb(async (context, kind: string, id: string) => {
        const answer = await (await context.daemon()).post('/api/v1/revocations', { kind, id })
        context.output.result(
          answer,
          () => `Revoked ${kind} ${plain(id)}. Every grant issued under it fails at its next call.`,
        )
      }),
    )
}

export function writeReceipt(file: string, receipt: JsonObject): void {
  try {
    writeFileSync(file, `${JSON.stringify(receipt, null, 2)}\n`)
  } catch (cause) {
    throw new SafeconductError('invalid_request', { message: `${file} cannot be written.`, cause })
  }
}

function taskCommands(program: Command, verb: Verb): void {
  const tasks = program.command('tasks').description('tasks: what agents were sent to do, and for whom')
  tasks
    .command('list')
    .description('tasks, newest first')
    .action(
      verb(async (context) => {
        const client = await context.daemon()
        const answer = await client.get('/api/v1/tasks')
        const names = context.output.json ? new Map<string, string>() : await agentNames(client)
        context.output.result(answer, () => {
          const rows = list(answer, 'tasks')
          if (rows.length === 0) return 'No task yet.'
          return table(
            ['ID', 'AGENT', 'STATUS', 'EXPIRES', 'INTENT'],
            rows.map((one) => [
              text(one, 'id'),
              names.get(text(one, 'agent')) ?? text(one, 'agent'),
              text(one, 'status'),
              when(number(one, 'expiresAt')),
              text(one, 'intent') || (one.implicit === true ? '(implicit)' : '-'),
            ]),
          )
        })
      }),
    )
  tasks
    .command('show')
    .argument('<id>', 'id of a task')
    .description('one task with its delegations')
    .action(
      verb(async (context, id: string) => {
        const client = await context.daemon()
        const answer = await client.get(`/api/v1/tasks/${encodeURIComponent(id)}`)
        const names = context.output.json ? new Map<string, string>() : await allNames(client)
        context.output.result(answer, () => describeTask(answer, names))
      }),
    )
}

/** Members of a task's details that stand elsewhere in what is shown. */
const SAID_ALREADY = new Set(['type', 'task', 'expires'])

function describeTask(answer: JsonObject, names: ReadonlyMap<string, string>): string {
  const named = (id: string) => (names.has(id) ? `${names.get(id)} (${id})` : id)
  const task = object(answer, 'task')
  const details = object(task, 'details')
  const line = (name: string, value: unknown) =>
    value === undefined || value === null || value === ''
      ? []
      : [`${name.padEnd(15)} ${plain(typeof value === 'string' ? value : JSON.stringify(value))}`]
  return [
    ...line('task', text(task, 'id')),
    ...line('status', text(task, 'status')),
    ...line('agent', named(text(task, 'agent'))),
    ...line('user', named(text(task, 'user'))),
    ...line('intent', text(task, 'intent') || (task.implicit === true ? '(implicit)' : null)),
    ...Object.entries(details)
      .filter(([name]) => !SAID_ALREADY.has(name))
      .flatMap(([name, value]) => line(name.replaceAll('_', ' '), value)),
    ...line('expires', when(number(task, 'expiresAt'))),
    ...list(answer, 'delegations').flatMap((one) =>
      line('delegation', `${named(text(one, 'from'))} → ${named(text(one, 'to'))}, ${text(one, 'id')}`),
    ),
  ].join('\n')
}

function approvalCommands(program: Command, verb: Verb): void {
  const approvals = program
    .command('approvals')
    .description('approvals: what waits for a person (decided in the browser)')
  approvals
    .command('list')
    .option('--status <status>', 'pending, approved, refused, used or expired')
    .description('approvals, newest first')
    .action(
      verb(async (context, options: { status?: string }) => {
        const query = options.status === undefined ? '' : `?status=${encodeURIComponent(options.status)}`
        const client = await context.daemon()
        const answer = await client.get(`/api/v1/approvals${query}`)
        const rows = list(answer, 'approvals')
        context.output.result(answer, () =>
          rows.length === 0
            ? 'Nothing waits for a person.'
            : table(
                ['ID', 'STATUS', 'CALL', 'EXPIRES', 'WHY'],
                rows.map((one) => [
                  text(one, 'id'),
                  text(one, 'status'),
                  `${text(one, 'server')}/${text(one, 'tool')}`,
                  when(number(one, 'expiresAt')),
                  texts(one, 'why')[0] ?? '',
                ]),
              ),
        )
      }),
    )
  approvals
    .command('show')
    .argument('<id>', 'id of an approval')
    .description('one approval with the exact arguments it is bound to, and where to decide')
    .action(
      verb(async (context, id: string) => {
        const client = await context.daemon()
        const approval = await client.get(`/api/v1/approvals/${encodeURIComponent(id)}`)
        const { url } = await client.get('/api/v1/status')
        context.output.result({ ...approval, decideAt: `${String(url)}/approvals/${id}` }, () =>
          [
            `${text(approval, 'server')}/${text(approval, 'tool')} for ${text(approval, 'agent')}: ${text(approval, 'status')}`,
            ...texts(approval, 'why').map((reason) => `  ${plain(reason)}`),
            ...standingOf(approval),
            plain(JSON.stringify(approval.args, null, 2)),
            `Decide as the signed-in owner at ${String(url)}/approvals/${id}`,
          ].join('\n'),
        )
      }),
    )
}

/** Why so much of an agent may wait: how far it is trusted, and since when. */
function standingOf(approval: JsonObject): string[] {
  const standing = object(approval, 'standing')
  if (typeof standing.trust !== 'string') return []
  return [
    `  Its agent is ${standing.trust} since ${when(number(standing, 'since'))}, risk ${number(standing, 'risk')}.`,
  ]
}

/** Of agents and users, by id. */
async function allNames(client: ControlClient): Promise<ReadonlyMap<string, string>> {
  const users = list(await client.get('/api/v1/users'), 'users')
  return new Map([
    ...(await agentNames(client)),
    ...users.map((user): [string, string] => [text(user, 'id'), text(user, 'name')]),
  ])
}

async function agentNames(client: ControlClient): Promise<ReadonlyMap<string, string>> {
  const agents = list(await client.get('/api/v1/agents'), 'agents')
  return new Map(agents.map((agent) => [text(agent, 'id'), text(agent, 'name')]))
}

export function decisionTable(rows: readonly JsonObject[], names: ReadonlyMap<string, string>): string {
  if (rows.length === 0) return 'No decision yet.'
  return table(
    ['TIME', 'AGENT', 'OUTCOME', 'TRUST', 'RISK', 'CALL', 'RESULT', 'ID'],
    rows.map((one) => [
      when(number(one, 'at')),
      names.get(text(one, 'agent')) ?? text(one, 'agent'),
      text(one, 'outcome'),
      text(one, 'trust'),
      number(one, 'risk'),
      `${text(one, 'server')}/${text(one, 'tool')}`,
      text(one, 'result') || '-',
      text(one, 'id'),
    ]),
  )
}

/** Of MITRE ATLAS. */
const technique = (one: JsonObject | undefined) =>
  typeof one?.technique === 'string' ? ` ${plain(one.technique)}` : ''

/** What is no contribution to the risk: those are told with more. */
function evidence(decision: JsonObject): string[] {
  const told = new Set(list(decision, 'contributions').map((one) => text(one, 'reason')))
  const rest = list(decision, 'evidence').filter((one) => !told.has(text(one, 'reason')))
  return rest.map(
    (one) =>
      `${number(one, 'bits').toFixed(1)} bits  ${text(one, 'reason')} [${text(one, 'detector')}${technique(one)}]`,
  )
}

/** Strongest first, as the daemon orders them. */
function contributions(decision: JsonObject): string[] {
  const found = list(decision, 'evidence')
  return list(decision, 'contributions').map((one) => {
    const same = found.find(
      (each) =>
        text(each, 'detector') === text(one, 'detector') && text(each, 'reason') === text(one, 'reason'),
    )
    const without = object(one, 'without')
    return `${number(one, 'bits').toFixed(1)} bits  ${text(one, 'reason')} Without it: risk ${number(without, 'risk')}, ${text(without, 'trust')}. [${text(one, 'id')}${technique(same)}]`
  })
}

export function explain(explanation: JsonObject, names: ReadonlyMap<string, string> = new Map()): string {
  const decision = object(explanation, 'decision')
  const request = object(explanation, 'request')
  const operation = object(request, 'operation')
  const agent = text(request, 'agent')
  const user = text(request, 'user')
  const counterfactual = decision.counterfactual === null ? null : object(decision, 'counterfactual')
  const section = (title: string, lines: readonly string[]) =>
    lines.length === 0 ? [] : ['', title, ...lines.map((line) => `  ${plain(line)}`)]
  return [
    `${text(operation, 'server')}/${text(operation, 'name') || text(operation, 'method')}: ${text(decision, 'outcome')} (${text(decision, 'enforcement')})`,
    `agent ${names.get(agent) ?? agent} for ${(names.get(user) ?? user) || 'nobody'} under ${text(request, 'task')}, ${when(number(decision, 'at'))}`,
    `trust ${text(decision, 'trust')}, risk ${number(decision, 'risk')}${decision.impact === undefined ? '' : `, impact ${number(decision, 'impact')}`}, assurance ${text(decision, 'assurance')}`,
    ...section('why', texts(decision, 'why')),
    ...section(
      'what would have changed it',
      counterfactual === null
        ? []
        : [`${text(counterfactual, 'change')} → ${text(counterfactual, 'outcome')}`],
    ),
    ...section(
      `what the risk is made of (./safeconduct agents feedback ${names.get(agent) ?? agent} ID confirm|dismiss)`,
      contributions(decision),
    ),
    ...section('evidence', evidence(decision)),
    ...section(
      'where the arguments came from',
      list(decision, 'labels').map((one) =>
        `${text(one, 'path')}: ${text(one, 'label')} ${text(object(one, 'source'), 'tool')} ${text(one, 'preview')}`.trimEnd(),
      ),
    ),
    ...section(
      'policies',
      list(decision, 'policies').map(
        (one) => `${text(one, 'layer')}: ${text(one, 'effect')} ${text(one, 'id')}`,
      ),
    ),
    ...section('arguments', JSON.stringify(operation.args ?? {}, null, 2).split('\n')),
  ].join('\n')
}
