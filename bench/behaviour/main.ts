/**
 * `bench:behaviour`: behaviour models of the engine on recorded behaviour. Offline replay.
 *
 *   unix-commands|syscalls|keystrokes|mouse|all [--file F] [--phrase F] [--json]
 *
 * Files default to the shared data; a file given for keystrokes is measured alone unless `--phrase` is given too.
 * @module
 */

import { benchOptions, refuse } from '../lib/options.ts'
import { sharedFile } from './data.ts'
import { benchKeystrokes } from './keystrokes.ts'
import { benchMouse } from './mouse.ts'
import { type Report, textReport } from './report.ts'
import { benchSyscalls } from './syscalls.ts'
import { benchCommands } from './unix-commands.ts'

const USAGE = {
  name: 'behaviour',
  about: 'Models of behaviour on recorded behaviour: offline replay, intervals by person or run.',
  positionals: 'unix-commands|syscalls|keystrokes|mouse|all',
}
const { values, positionals } = benchOptions(USAGE, {
  file: { type: 'string', value: 'FILE', about: 'recording in the format of the shared one, for one bench' },
  phrase: { type: 'string', value: 'FILE', about: 'keystrokes: a fixed phrase typed on phones' },
})

const BENCHES: Readonly<Record<string, () => Report>> = {
  'unix-commands': () => benchCommands(need('unix-commands.dev.jsonl.gz')),
  syscalls: () => benchSyscalls(need('syscalls.dev.jsonl.gz')),
  keystrokes: () =>
    benchKeystrokes(
      need('free-text-keystrokes.dev.csv.gz'),
      values.phrase ?? (values.file === undefined ? sharedFile('mobile-keystrokes.dev.csv.gz') : null),
    ),
  mouse: () => benchMouse(need('mouse.dev.jsonl.gz')),
}

function need(name: string): string {
  const file = values.file ?? sharedFile(name)
  if (file === null) return refuse(USAGE, `${name} is not here: give --file, or set SAFECONDUCT_SHARED`)
  return file
}

const [wanted = 'all'] = positionals
const names = wanted === 'all' ? Object.keys(BENCHES) : [wanted]
if (positionals.length > 1 || names.some((name) => BENCHES[name] === undefined)) {
  refuse(USAGE, `no such bench: ${positionals.join(' ')}`)
}
const reports = names.flatMap((name) => BENCHES[name]?.() ?? [])
process.stdout.write(
  values.json ? `${JSON.stringify({ reports })}\n` : reports.map((report) => textReport(report)).join('\n'),
)
