/**
 * What the policy verbs print for people.
 * @module
 */
import type { JsonObject } from '@safeconduct/protocol'
import { list, number, object, text, texts } from '../context.ts'
import { plain, table, when } from '../output.ts'
import { type Candidate, placeOf } from './policy-files.ts'

/** `file:line:column: error: message (hint)`, one a line, as compilers do. */
export function problemLines(candidate: Candidate, problems: readonly JsonObject[]): string[] {
  return problems.map((one) => {
    const line = typeof one.line === 'number' ? one.line : null
    const place = placeOf(candidate, text(one, 'layer') || 'policies', line)
    const column = typeof one.column === 'number' ? `:${one.column}` : ''
    const help = text(one, 'help')
    return plain(
      `${place}${column}: ${text(one, 'severity')}: ${text(one, 'message')}${help === '' ? '' : ` (${help})`}`,
    )
  })
}

export function historyTable(versions: readonly JsonObject[]): string {
  if (versions.length === 0) return 'No version yet: nothing is allowed.'
  return table(
    ['VERSION', 'STATUS', 'SINCE', 'BY', 'DIGEST'],
    versions.map((one) => [
      text(one, 'id'),
      text(one, 'status'),
      when(number(one, 'createdAt')),
      text(one, 'createdBy'),
      text(one, 'digest').slice(0, 19),
    ]),
  )
}

const SIGNS: Readonly<Record<string, string>> = { added: '+', removed: '-', changed: '~' }

export function changeLines(changes: readonly JsonObject[]): string[] {
  if (changes.length === 0) return ['No policy is added, removed or changed.']
  const first = new Set(forbidsGone(changes))
  const isFirst = (one: JsonObject) => first.has(plain(`${text(one, 'layer')}:${text(one, 'id')}`))
  const ordered = [...changes.filter(isFirst), ...changes.filter((one) => !isFirst(one))]
  return ordered.flatMap((one) => {
    const head = `${SIGNS[text(one, 'change')] ?? '?'} ${text(one, 'layer')}:${text(one, 'id')} (${text(one, 'effect')}, ${text(one, 'change')})`
    const lines = (sign: string, name: string) =>
      typeof one[name] === 'string'
        ? text(one, name)
            .split('\n')
            .map((line) => `    ${sign} ${line}`)
        : []
    return [head, ...lines('-', 'before'), ...lines('+', 'after')].map(plain)
  })
}

/** `<layer>:<id>` of each forbid that goes. */
export function forbidsGone(changes: readonly JsonObject[]): string[] {
  return changes
    .filter((one) => text(one, 'change') === 'removed' && text(one, 'effect') === 'forbid')
    .map((one) => plain(`${text(one, 'layer')}:${text(one, 'id')}`))
}

/** Groups of a replay or of a shadow: what would change, most frequent first. */
function groupTable(groups: readonly JsonObject[]): string {
  const [head = '', ...rows] = table(
    ['CALLS', 'TOOL', 'CHANGE', 'FOR EXAMPLE'],
    groups.map((one) => [
      number(one, 'count'),
      text(one, 'tool'),
      `${text(one, 'from')} → ${text(one, 'to')}${texts(one, 'obligations')
        .map((type) => ` + ${type}`)
        .join('')}`,
      texts(one, 'examples')[0] ?? '-',
    ]),
  ).split('\n')
  // Reasons are long; in a column of their own they would push every row over the width of a terminal.
  const reasons = groups.map((one) => `         ${plain(because(one))}`)
  return [head, ...rows.flatMap((row, at) => [row, reasons[at] ?? ''])].join('\n')
}

function because(group: JsonObject): string {
  const by = texts(group, 'by')
  if (by.length > 0) return `because of ${by.map((one) => (one === 'none' ? 'no permit' : one)).join(' ')}`
  const was = texts(group, 'was')
  return was.length === 0 ? '-' : `no longer ${was.join(' ')}`
}

const GAPS: Readonly<Record<string, string>> = {
  'unknown-format': 'in a format that is not known here',
  'no-entities': 'made while no policy ruled, or reaching too many entities',
  'large-arguments': 'with arguments too large to be kept',
  'missing-fact': 'from before a fact was known that the candidate asks for',
  relations: 'whose relations were not asked as the candidate asks them',
  'other-entities': 'where the candidate asks for an entity that the call had nothing to do with',
}

/** What was not judged, each with its number; nothing of it is among the changes. */
function unjudged(report: JsonObject): string[] {
  const gaps = object(report, 'gaps')
  const rows: [number, string][] = [
    [number(report, 'erased'), 'of erased subjects, unreadable for good'],
    [number(report, 'older'), 'from before questions were kept'],
    ...Object.keys(gaps).map((gap): [number, string] => [number(gaps, gap), GAPS[gap] ?? gap]),
    [number(report, 'failed'), 'on which the candidate failed'],
    [number(report, 'dropped'), 'passed over, because too many came at once'],
    [number(report, 'coalesced'), 'refusals beyond a quota, which have no records'],
  ]
  const lines = rows.filter(([count]) => count > 0).map(([count, what]) => `  ${count} ${what}`)
  return lines.length === 0 ? [] : ['Not judged:', ...lines]
}

function changes(report: JsonObject): string[] {
  const groups = list(report, 'groups')
  const more = number(report, 'ungrouped')
  return [
    ...(groups.length === 0 ? [] : [groupTable(groups)]),
    ...(more === 0 ? [] : [`and ${more} more in groups that are not listed`]),
  ]
}

export function replayLines(report: JsonObject): string[] {
  const check = object(report, 'selfCheck')
  const differences = number(check, 'differences')
  const span =
    report.from === null ? '' : `, ${when(number(report, 'from'))} to ${when(number(report, 'to'))}`
  return [
    `${number(report, 'changed')} of ${number(report, 'decisions')} recorded decisions would change (${number(report, 'compared')} judged, ${number(report, 'settled')} refused before policy has a say${span}).`,
    ...changes(report),
    ...(number(report, 'otherReasons') === 0
      ? []
      : [`${number(report, 'otherReasons')} would come to the same outcome for other reasons.`]),
    ...unjudged(report),
    differences === 0
      ? `self-check: ${number(check, 'compared')} decided again under the policy that ruled them, 0 differ${number(check, 'skipped') === 0 ? '' : `, ${number(check, 'skipped')} could not be`}`
      : `self-check FAILED: ${differences} of ${number(check, 'compared')} do not come out as recorded (${texts(check, 'examples').join(' ')}); they are not among the changes`,
  ]
}

export function shadowLines(report: JsonObject): string[] {
  return [
    `In the shadow: ${text(report, 'version')} (${text(report, 'digest').slice(0, 19)}), counted since ${when(number(report, 'since'))}`,
    `${number(report, 'changed')} of ${number(report, 'decisions')} decisions would have been others (${number(report, 'compared')} judged, ${number(report, 'settled')} refused before policy has a say).`,
    ...changes(report),
    ...unjudged(report),
  ]
}
