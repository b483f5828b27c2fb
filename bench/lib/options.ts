/**
 * What a bench may be asked for on its command line. `--help` prints it and ends with 0; what is not in it ends with 2 and
 * says so in one line, before anything is measured. `--json` is taken by every bench.
 * @module
 */
import { type ParseArgsOptionDescriptor, parseArgs } from 'node:util'

export interface BenchOption extends Pick<ParseArgsOptionDescriptor, 'type' | 'default'> {
  /** What it does, for `--help`. */
  readonly about: string
  /** Name of the value, for options that take one. */
  readonly value?: string
}

export interface BenchUsage {
  /** As in `npm run bench:<name>`. */
  readonly name: string
  readonly about: string
  /** What may stand without a name before it, as it is shown; none when left out. */
  readonly positionals?: string
}

const JSON_OPTION = { type: 'boolean', default: false, about: 'print the report as JSON' } as const
const HELP_OPTION = { type: 'boolean', default: false, about: 'print this' } as const

/** Ends the process for `--help` and for what it does not know. */
export function benchOptions<const T extends Readonly<Record<string, BenchOption>>>(
  usage: BenchUsage,
  own: T,
) {
  const options = { ...own, json: JSON_OPTION, help: HELP_OPTION }
  const read = () =>
    parseArgs<{ options: typeof options; allowPositionals: boolean; args: string[] }>({
      options,
      allowPositionals: usage.positionals !== undefined,
      args: process.argv.slice(2),
    })
  let given: ReturnType<typeof read>
  try {
    given = read()
  } catch (error) {
    return refuse(usage, error instanceof Error ? (error.message.split('. ')[0] ?? '') : String(error))
  }
  if (Object(given.values).help === true) {
    process.stdout.write(helpOf(usage, options))
    process.exit(0)
  }
  return given
}

/** Ends the process: something that was asked for cannot be. */
export function refuse({ name }: BenchUsage, why: string): never {
  process.stderr.write(`bench:${name}: ${why}; npm run bench:${name} -- --help says what there is\n`)
  process.exit(2)
}

/** The value of an option that is a whole number; ends the process for any other. */
export function wholeOption(usage: BenchUsage, name: string, text: string, least = 1): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
  return Number.isSafeInteger(value) && value >= least
    ? value
    : refuse(usage, `--${name} is a whole number, ${least} or more`)
}

function helpOf(usage: BenchUsage, options: Readonly<Record<string, BenchOption>>): string {
  const rows = Object.entries(options).map(([name, option]) => {
    const head = option.type === 'string' ? `--${name} ${option.value ?? 'VALUE'}` : `--${name}`
    const usual =
      option.type === 'string' && option.default !== undefined ? ` (${String(option.default)})` : ''
    return [head, `${option.about}${usual}`] as const
  })
  const width = Math.max(...rows.map(([head]) => head.length)) + 2
  const positionals = usage.positionals === undefined ? '' : ` ${usage.positionals}`
  return [
    `npm run bench:${usage.name} --${positionals} [options]`,
    '',
    usage.about,
    '',
    ...rows.map(([head, text]) => `  ${head.padEnd(width)}${text}`),
    '',
  ].join('\n')
}
