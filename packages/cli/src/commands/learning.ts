/**
 * What was learned of agents, in the hands of people: `agents feedback|baseline`, `contest`, `subjects`.
 * @module
 */
import { isJsonObject, type JsonObject, SafeconductError } from '@safeconduct/protocol'
import type { Command } from 'commander'
import { list, number, object, text, texts, withOwner } from '../context.ts'
import { plain, table, when } from '../output.ts'
import type { Verb } from '../verb.ts'

export function learningCommands(program: Command, agents: Command, verb: Verb): void {
  agents
    .command('feedback')
    .argument('<name>', 'name or id')
    .argument('<evidence>', 'its id, as `explain` shows it: <decision>/<detector>')
    .argument('<confirm|dismiss>', 'an attack, or a false alarm')
    .description('answer a piece of evidence against an agent (the owner confirms in the browser)')
    .action(
      verb(async (context, name: string, evidence: string, verdict: string) => {
        if (verdict !== 'confirm' && verdict !== 'dismiss')
          throw new SafeconductError('invalid_request', { message: 'Say confirm or dismiss.' })
        const path = `/api/v1/agents/${encodeURIComponent(name)}/feedback`
        const answer = await withOwner(await context.daemon(), path, { evidence, verdict })
        const detector = plain(text(answer, 'detector'))
        context.output.result(answer, () =>
          verdict === 'dismiss'
            ? `Dismissed: ${detector} counts less for ${plain(name)} from now on.`
            : `Confirmed: ${detector} counts more for ${plain(name)}, and nothing is learned until its trust is reset.`,
        )
      }),
    )
  baselineCommands(agents, verb)
  program
    .command('contest')
    .argument('<decision>', 'id of the decision')
    .description('say that a call should not have been made: in time, it teaches nothing')
    .action(
      verb(async (context, id: string) => {
        const path = `/api/v1/decisions/${encodeURIComponent(id)}/contest`
        const answer = await withOwner(await context.daemon(), path, {})
        context.output.result(answer, () =>
          answer.inTime === true
            ? 'Contested in time: nothing is learned from the call.'
            : 'Noted. Nothing waited to be learned from the call: it taught nothing, or it is too late. To take back what was learned: ./safeconduct agents baseline rollback NAME ID',
        )
      }),
    )
  subjectCommands(program, verb)
}

function baselineCommands(agents: Command, verb: Verb): void {
  const baseline = agents.command('baseline').description('what was learned of an agent, as it was saved')
  const base = (name: string) => `/api/v1/agents/${encodeURIComponent(name)}/baselines`
  baseline
    .command('list')
    .argument('<name>', 'name or id')
    .description('saved baselines with their digests, oldest first')
    .action(
      verb(async (context, name: string) => {
        const answer = await (await context.daemon()).get(base(name))
        const rows = list(answer, 'baselines')
        context.output.result(answer, () =>
          rows.length === 0
            ? 'None yet: the first is saved when the agent is enrolled (200 lessons).'
            : table(['SAVED', 'BY', 'LESSONS', 'ID', 'DIGEST'], rows.map(savedRow)),
        )
      }),
    )
  baseline
    .command('save')
    .argument('<name>', 'name or id')
    .description('save what was learned by now (the owner confirms in the browser)')
    .action(
      verb(async (context, name: string) => {
        const saved = await withOwner(await context.daemon(), base(name), {})
        context.output.result(saved, () => `Saved as ${text(saved, 'id')}, ${text(saved, 'digest')}.`)
      }),
    )
  baseline
    .command('rollback')
    .argument('<name>', 'name or id')
    .argument('<baseline>', 'id of a saved baseline')
    .description('bring a saved baseline back (the owner confirms in the browser)')
    .action(
      verb(async (context, name: string, id: string) => {
        const path = `${base(name)}/${encodeURIComponent(id)}/restore`
        const saved = await withOwner(await context.daemon(), path, {})
        context.output.result(
          saved,
          () =>
            `The baseline of ${when(number(saved, 'at'))} holds again (${number(saved, 'learned')} lessons).`,
        )
      }),
    )
}

function savedRow(one: JsonObject): (string | number)[] {
  return [
    when(number(one, 'at')),
    text(one, 'by'),
    number(one, 'learned'),
    text(one, 'id'),
    text(one, 'digest'),
  ]
}

function subjectCommands(program: Command, verb: Verb): void {
  const subjects = program.command('subjects').description('what is held of an agent or a user')
  const base = (kind: string, name: string) => {
    if (kind !== 'agent' && kind !== 'user')
      throw new SafeconductError('invalid_request', { message: 'Say agent or user.' })
    return `/api/v1/subjects/${kind}/${encodeURIComponent(name)}`
  }
  subjects
    .command('export')
    .argument('<agent|user>', 'which kind')
    .argument('<name>', 'name or id')
    .description('all that was learned of it, as JSON: digests and counts, no raw values')
    .action(
      verb(async (context, kind: string, name: string) => {
        const held = await (await context.daemon()).get(base(kind, name))
        context.output.result(held, () => JSON.stringify(held, null, 2))
      }),
    )
  subjects
    .command('erase')
    .argument('<agent|user>', 'which kind')
    .argument('<name>', 'name or id')
    .description('erase what was learned and every record of it, and end its grants (the owner confirms)')
    .action(
      verb(async (context, kind: string, name: string) => {
        const answer = await withOwner(await context.daemon(), `${base(kind, name)}/erase`, {})
        context.output.result(
          answer,
          () =>
            `Erased. The records of ${plain(name)} cannot be read any more; their digests stay in the ledger.`,
        )
      }),
    )
}

// ── How a standing reads ─────────────────────────────────────────────────────────────────────────────────────

const BARS = '▁▂▃▄▅▆▇█'

/** Level, baseline and trend of an agent, for `agents show`. */
export function describeStanding(agent: JsonObject): string[] {
  const trend = list(agent, 'trend')
  const learning = isJsonObject(agent.learning) ? agent.learning : null
  return [
    ...texts(agent, 'why').map((reason) => `  ${plain(reason)}`),
    ...(learning === null ? [] : describeLearning(text(agent, 'baseline'), learning)),
    ...(trend.length === 0
      ? []
      : [
          'trend of its risk, where it moved, and the level that risk alone would allow',
          ...describeTrend(trend),
        ]),
  ]
}

const MEANING: Readonly<Record<string, string>> = {
  learning: 'too little is known of it yet',
  active: 'calls are compared with it',
  stale: 'it has not called for a month',
  drifted: 'it is no longer what it was enrolled as',
  contested: 'evidence stands confirmed, so nothing is learned until `agents trust`',
}

function describeLearning(state: string, learning: JsonObject): string[] {
  const drift = object(learning, 'drift')
  const weights = Object.entries(object(learning, 'weights'))
  const enrolled =
    learning.enrolledAt === null ? 'not enrolled yet' : `enrolled ${when(number(learning, 'enrolledAt'))}`
  return [
    `baseline ${state}: ${MEANING[state] ?? ''}`,
    `  ${number(learning, 'learned')} lessons, ${number(learning, 'pending')} wait for their contest window, ${number(learning, 'passed')} passed over; ${enrolled}`,
    `  drift: tools ${number(drift, 'psi').toFixed(2)}, sizes ${number(drift, 'ks').toFixed(2)}`,
    ...weights.map(
      ([detector, weight]) =>
        `  ${plain(detector)} counts ×${Number(weight).toFixed(2)}, by people's answers`,
    ),
  ]
}

const SHOWN = 6

function describeTrend(trend: readonly JsonObject[]): string[] {
  const bars = trend.map((point) => BARS[Math.min(7, Math.floor((number(point, 'risk') / 101) * 8))] ?? '')
  const latest = trend
    .slice(-SHOWN)
    .map((point) => `  ${when(number(point, 'at'))}  risk ${number(point, 'risk')}  ${text(point, 'level')}`)
  return [`  ${bars.join('')}`, ...latest]
}
