/**
 * `bench:behaviour`: behaviour models of the engine on recorded behaviour. Offline replay.
 *
 *   unix-commands|syscalls|keystrokes|mouse|all [--file F] [--phrase F] [--json]
 *
 * Files default to the shared data; a file given for keystrokes is measured alone unless `--phrase` is given too.
 * @module
 */
import { parseArgs } from 'node:util'
import { sharedFile } from './data.ts'
import { benchKeystrokes } from './keystrokes.ts'
import { benchMouse } from './mouse.ts'
import { type Report, textReport } from './report.ts'
import { benchSyscalls } from './syscalls.ts'
import { benchCommands } from './unix-commands.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    file: { type: 'string' },
    phrase: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
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
  if (file === null) throw new Error(`${name} is not here: give --file, or set SAFECONDUCT_SHARED`)
  return file
}

const [wanted = 'all'] = positionals
const names = wanted === 'all' ? Object.keys(BENCHES) : [wanted]
if (positionals.length > 1 || names.some((name) => BENCHES[name] === undefined)) {
  console.error(
    `usage: bench:behaviour ${Object.keys(BENCHES).join('|')}|all [--file F] [--phrase F] [--json]`,
  )
  process.exit(2)
}
const reports = names.flatMap((name) => BENCHES[name]?.() ?? [])
process.stdout.write(
  values.json ? `${JSON.stringify({ reports })}\n` : reports.map((report) => textReport(report)).join('\n'),
)
