/**
 * `RESULTS.md` out of records: what missed its goal first, then every bench with machine, load and tables.
 * @module
 */
import type { Table } from '../call/report.ts'
import { fixed } from './read.ts'
import type { BenchRecord } from './record.ts'
import type { Goal, Section } from './sections.ts'

export interface Chapter {
  readonly section: Section
  /** null when the bench never ran here. */
  readonly record: BenchRecord | null
}

const HEAD = [
  '# Results',
  '',
  'Written by `npm run bench:results` from what the benches printed; no number here was typed by hand. Rates hold for this',
  'machine only; ratios were measured side by side in one run and carry over. A high load makes absolute numbers worse and',
  'percentiles much worse, ratios little. `npm run bench:results -- --only call` measures one bench anew and keeps the rest.',
  '',
]

export function resultsMarkdown(chapters: readonly Chapter[]): string {
  const lines = [...HEAD, ...machineLines(chapters), ...missedLines(chapters)]
  for (const chapter of chapters) lines.push(...chapterLines(chapter))
  return `${lines.join('\n').trimEnd()}\n`
}

function machineLines(chapters: readonly Chapter[]): string[] {
  const rows = chapters.map(({ section, record }) => ({
    bench: section.name,
    when: record === null ? 'never' : record.startedAt.replace('T', ' ').slice(0, 16),
    seconds: record === null ? '–' : `${record.seconds}`,
    commit: record?.commit ?? '–',
    machine: record === null ? '–' : `${record.machine.cpu}, ${record.machine.cores} cores`,
    node: record?.machine.node ?? '–',
    'load before': record?.loadBefore.join(' ') ?? '–',
    'load after': record?.loadAfter.join(' ') ?? '–',
    state: record === null ? 'not run' : record.error === null ? 'done' : 'FAILED',
  }))
  return [
    '## When and where',
    '',
    ...table(rows),
    '',
    'Times are UTC. `+`: there were changes that were not committed.',
    '',
  ]
}

function missedLines(chapters: readonly Chapter[]): string[] {
  const lines = ['## What misses its goal', '']
  let judged = 0
  let missed = 0
  for (const { section, record } of chapters) {
    if (record === null) lines.push(`- **${section.name}**: not run.`)
    else if (record.error !== null)
      lines.push(`- **${section.name}**: the bench failed, nothing is known (below).`)
    else {
      for (const goal of section.goals(record.json)) {
        judged++
        if (met(goal)) continue
        missed++
        lines.push(`- **${section.name}**: ${sentence(goal)}`)
      }
    }
  }
  lines.push('', `${judged - missed} of ${judged} goals are met.`, '')
  return lines
}

export function met({ want, target, measured }: Goal): boolean {
  return want === 'at most' ? measured <= target : measured >= target
}

function sentence(goal: Goal): string {
  const { name, want, target, measured, unit } = goal
  const with_ = (value: string) => (unit === '' ? value : `${value} ${unit}`)
  if (!Number.isFinite(measured)) return `${name}: not measured; goal ${want} ${with_(String(target))}.`
  const by = want === 'at most' ? measured / target : target / measured
  const how = Number.isFinite(by) && by > 0 ? `, off by a factor of ${fixed(by)}` : ''
  return `${name}: ${with_(fixed(measured))}; goal ${want} ${with_(String(target))}${how}.`
}

function chapterLines({ section, record }: Chapter): string[] {
  const lines = [`## ${section.title}`, '', section.about, '']
  lines.push(`\`node scripts/bootstrap.mjs ${[section.program, ...section.args].join(' ')}\``, '')
  if (record === null) return [...lines, 'Not run.', '']
  if (record.error !== null) return [...lines, 'It failed:', '', '```', record.error, '```', '']
  try {
    for (const note of section.notes?.(record.json) ?? []) lines.push(note, '')
    for (const each of section.tables(record.json)) {
      if (each.title !== '') lines.push(`**${each.title}**`, '')
      lines.push(...table(each.rows), '')
    }
  } catch (error) {
    lines.push(
      `What it printed is not understood: ${error instanceof Error ? error.message : String(error)}`,
      '',
    )
  }
  return lines
}

function table(rows: Table['rows']): string[] {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))]
  if (columns.length === 0) return ['Nothing was measured.']
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [
    line(columns),
    line(columns.map(() => '---')),
    ...rows.map((row) => line(columns.map((column) => String(row[column] ?? '–')))),
  ]
}
