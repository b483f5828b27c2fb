/**
 * What is held for good and what for an errand: `agents role|zone`, `users …`, `servers zone`, `tasks elevate|elevations`,
 * `policy privileges`.
 * @module
 */
import { type JsonObject, MAX_SENSITIVITY, SafeconductError } from '@safeconduct/protocol'
import type { Command } from 'commander'
import { list, number, text, texts, withOwner } from '../context.ts'
import { wholeNumber } from '../options.ts'
import { plain, table, when } from '../output.ts'
import type { Verb } from '../verb.ts'

/** Adds to groups that other files made. */
export function roleCommands(program: Command, verb: Verb): void {
  const group = (name: string): Command => {
    const found = program.commands.find((one) => one.name() === name)
    if (found === undefined) throw new Error(`there is no group ${name}`)
    return found
  }
  addRole(group('agents'), 'agent', verb)
  const users = program.command('users').description('users: who they are, which roles they hold')
  users
    .command('list')
    .description('users with their roles')
    .action(
      verb(async (context) => {
        const answer = await (await context.daemon()).get('/api/v1/users')
        context.output.result(answer, () =>
          table(
            ['NAME', 'OWNER', 'ROLES', 'ID'],
            list(answer, 'users').map((one) => [
              text(one, 'name'),
              text(one, 'owner'),
              texts(one, 'roles').join(' ') || '-',
              text(one, 'id'),
            ]),
          ),
        )
      }),
    )
  addRole(users, 'user', verb)
  addZones(group('agents'), group('servers'), verb)
  addElevations(group('tasks'), verb)
  addPrivileges(group('policy'), verb)
}

function addRole(parent: Command, kind: 'agent' | 'user', verb: Verb): void {
  parent
    .command('role')
    .argument('<name>', 'name or id')
    .argument('<role>', 'for example data-scientist; policies say what it may do')
    .option('--take', 'take the role away')
    .description(`give the ${kind} a role for good (the owner confirms in the browser)`)
    .action(
      verb(async (context, name: string, role: string, options: { take?: boolean }) => {
        const path = `/api/v1/${kind}s/${encodeURIComponent(name)}/roles`
        const answer = await withOwner(await context.daemon(), path, { role, held: options.take !== true })
        context.output.result(
          answer,
          () => `${plain(name)} holds: ${texts(answer, 'roles').join(' ') || 'nothing'}`,
        )
      }),
    )
}

function addZones(agents: Command, servers: Command, verb: Verb): void {
  agents
    .command('zone')
    .argument('<name>', 'name or id')
    .argument('<zone>', 'for example train; none takes it out')
    .description('put the agent into a zone (the owner confirms in the browser)')
    .action(
      verb(async (context, name: string, zone: string) => {
        const path = `/api/v1/agents/${encodeURIComponent(name)}/zone`
        const answer = await withOwner(await context.daemon(), path, { zone: zone === 'none' ? null : zone })
        context.output.result(
          answer,
          () => `${plain(name)} is in ${zone === 'none' ? 'no zone' : plain(zone)}.`,
        )
      }),
    )
  servers
    .command('zone')
    .argument('<name>', 'server')
    .argument('<zone>', 'for example production; none takes it out')
    .option('--sensitivity <n>', `0 public to ${MAX_SENSITIVITY} secret`, wholeNumber, '0')
    .description('say where the server is and how sensitive it is (the owner confirms in the browser)')
    .action(
      verb(async (context, name: string, zone: string, options: { sensitivity: string }) => {
        const sensitivity = Number(options.sensitivity)
        const path = `/api/v1/servers/${encodeURIComponent(name)}/zone`
        const body = { zone: zone === 'none' ? null : zone, sensitivity }
        const answer = await withOwner(await context.daemon(), path, body)
        context.output.result(
          answer,
          () =>
            `${plain(name)} is in ${zone === 'none' ? 'no zone' : plain(zone)}, sensitivity ${sensitivity}.`,
        )
      }),
    )
}

interface ElevateOptions {
  readonly reason: string
  readonly minutes: string
  readonly for: string
}

function addElevations(tasks: Command, verb: Verb): void {
  tasks
    .command('elevate')
    .argument('<task>', 'id of the task: it holds for nothing else')
    .argument('<role>', 'what is needed')
    .requiredOption('--reason <text>', 'why; shown to whoever decides')
    .option('--minutes <n>', 'for how long', wholeNumber, '60')
    .option('--for <agent|user>', 'whose role it is', 'agent')
    .description('ask for a role for one task and a time: a rule grants it, or the owner in the browser')
    .action(
      verb(async (context, task: string, role: string, options: ElevateOptions) => {
        if (options.for !== 'agent' && options.for !== 'user')
          throw new SafeconductError('invalid_request', { message: 'Say --for agent or --for user.' })
        const client = await context.daemon()
        const body = {
          task,
          role,
          reason: options.reason,
          minutes: Number(options.minutes),
          for: options.for,
        }
        const asked = await client.post('/api/v1/elevations', body)
        const waits = text(asked, 'status') === 'pending'
        const path = `/api/v1/elevations/${encodeURIComponent(text(asked, 'id'))}/decide`
        const answer = waits ? await withOwner(client, path, { grant: true }) : asked
        context.output.result(answer, () => line(answer))
      }),
    )
  tasks
    .command('elevations')
    .option('--revoke <id>', 'end this one now')
    .description('roles held for a task and a time, newest first')
    .action(
      verb(async (context, options: { revoke?: string }) => {
        const client = await context.daemon()
        if (options.revoke !== undefined) {
          const path = `/api/v1/elevations/${encodeURIComponent(options.revoke)}/revoke`
          const answer = await client.post(path, {})
          return context.output.result(answer, () => line(answer))
        }
        const answer = await client.get('/api/v1/elevations')
        const rows = list(answer, 'elevations')
        context.output.result(answer, () => (rows.length === 0 ? 'None.' : rows.map(line).join('\n')))
      }),
    )
}

function line(one: JsonObject): string {
  const until = when(number(one, 'expiresAt'))
  const who = `${text(one, 'for')} ${text(one, 'principal')}`
  return `${text(one, 'id')}  ${text(one, 'status')}  ${text(one, 'role')} for ${who}, task ${text(one, 'task')}, until ${until}: ${plain(text(one, 'reason'))}`
}

function addPrivileges(policy: Command, verb: Verb): void {
  policy
    .command('privileges')
    .option('--hours <n>', 'how far back', wholeNumber, '168')
    .description('privilege-hours: roles held for good beside roles held for an errand and a time')
    .action(
      verb(async (context, options: { hours: string }) => {
        const path = `/api/v1/privileges?hours=${encodeURIComponent(options.hours)}`
        const client = await context.daemon()
        const report = await client.get(path)
        const named = context.output.json
          ? []
          : [
              ...list(await client.get('/api/v1/agents'), 'agents'),
              ...list(await client.get('/api/v1/users'), 'users'),
            ]
        const names = new Map(named.map((one) => [text(one, 'id'), text(one, 'name')]))
        context.output.result(report, () => describe(report, names))
      }),
    )
}

function describe(report: JsonObject, names: ReadonlyMap<string, string>): string {
  const hours = (one: JsonObject, member: string) => number(one, member).toFixed(1)
  const rows = list(report, 'rows').map((one) => [
    `${text(one, 'kind')} ${names.get(text(one, 'principal')) ?? text(one, 'principal')}`,
    text(one, 'role'),
    hours(one, 'before'),
    hours(one, 'standing'),
    hours(one, 'elevated'),
    text(one, 'elevations'),
  ])
  const saved = (number(report, 'reduction') * 100).toFixed(0)
  return [
    rows.length === 0
      ? 'Nobody held a role.'
      : table(['WHO', 'ROLE', 'BEFORE', 'STANDING', 'ELEVATED', 'TIMES'], rows),
    `Privilege-hours: ${hours(report, 'before')} had everything been held for good, ${hours(report, 'after')} as it was (${saved} % less).`,
  ].join('\n')
}
