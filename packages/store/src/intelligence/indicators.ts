/**
 * A list of known bad addresses in a file that the operator keeps: one JSON object a line. It is read when it changes;
 * a list with a mistake is refused as a whole, and the one before it stays.
 * @module
 */
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { type Indicator, type Intelligence, indicatorKey } from '@safeconduct/engine'
import { indicatorSchema, SafeconductError } from '@safeconduct/protocol'

export interface Indicators extends Intelligence {
  /**
   * Reads the list when it is another one than last time. @returns whether it was
   * @throws `invalid_request` with the line, or that there is no such file
   */
  refresh(): Promise<boolean>
  size(): number
}

/** About 300 bytes each in memory. */
export const MAX_INDICATORS = 1_000_000
const MAX_BYTES = 512 * 1024 * 1024
const MAX_LINE = 16_384

type Kept = Indicator & { readonly until: number }

export function createIndicators(file: string): Indicators {
  let known: ReadonlyMap<string, Kept> = new Map()
  let seen = ''
  return {
    async refresh() {
      const found = await stat(file).catch((cause: unknown) => {
        throw new SafeconductError('invalid_request', { message: `${file}: no such file`, cause })
      })
      // A pipe or a device would be waited for, or read, without end.
      if (!found.isFile() || found.size > MAX_BYTES)
        throw new SafeconductError('invalid_request', {
          message: `${file}: it has to be a file of at most ${MAX_BYTES} bytes`,
        })
      const now = `${found.ino} ${found.mtimeMs} ${found.size}`
      if (now === seen) return false
      // A list with a mistake is not read again until somebody has changed it.
      seen = now
      known = await read(file)
      return true
    },
    find(key, at) {
      const found = known.get(key)
      if (found === undefined || found.until <= at) return null
      const { until: _, ...indicator } = found
      return indicator
    },
    size: () => known.size,
  }
}

async function read(file: string): Promise<Map<string, Kept>> {
  const known = new Map<string, Kept>()
  let number = 0
  for await (const line of linesOf(file)) {
    number++
    const wrong = (message: string) =>
      new SafeconductError('invalid_request', { message: `${file}:${number}: ${message}` })
    if (line.length > MAX_LINE) throw wrong(`a line has at most ${MAX_LINE} characters`)
    if (line.trim() === '') continue
    if (known.size >= MAX_INDICATORS) throw wrong(`a list has at most ${MAX_INDICATORS} entries`)
    let parsed: unknown
    try {
      parsed = JSON.parse(line)
    } catch {
      throw wrong('not JSON')
    }
    const entry = indicatorSchema.safeParse(parsed)
    if (!entry.success) {
      const [first] = entry.error.issues
      throw wrong(`${first?.path.join('.') ?? ''}: ${first?.message ?? 'not an indicator'}`)
    }
    const { id, kind, value, source, confidence, technique, until } = entry.data
    const key = indicatorKey(kind, value)
    // Of two entries for one address the surer one counts.
    if ((known.get(key)?.confidence ?? 0) >= confidence) continue
    const named = technique === undefined ? {} : { technique }
    const ends = until === undefined ? Number.POSITIVE_INFINITY : Date.parse(until)
    known.set(key, { id, source, confidence, ...named, until: ends })
  }
  return known
}

/** Of a line that does not end, no more than is needed to refuse it. */
async function* linesOf(file: string): AsyncGenerator<string, void, void> {
  let rest = ''
  for await (const piece of createReadStream(file, { encoding: 'utf8', end: MAX_BYTES })) {
    const lines = `${rest}${piece}`.split('\n')
    rest = lines.pop() ?? ''
    yield* lines
    if (rest.length > MAX_LINE) break
  }
  if (rest !== '') yield rest
}
