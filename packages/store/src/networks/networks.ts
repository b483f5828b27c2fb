/**
 * What is known of a network address without asking anybody: its country and who announces it, from data that comes
 * with npm packages. Nothing is read before `load`, so a start waits for nothing; until then, and where a package is not
 * there, the answer is unknown.
 *
 * Country data: `@ip-location-db/geo-whois-asn-country-mmdb`, CC0. Systems: `@ip-location-db/asn`, CC BY 4.0, made from
 * RouteViews and DB-IP; optional, compiled once into `<data>/cache`.
 * @module
 */
import { randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { setImmediate } from 'node:timers/promises'
import type { NetworkFacts, NetworkLookup } from '@safeconduct/engine'
import { type AsnTable, buildAsnTable, openAsnTable } from './asn-table.ts'
import { isHosting } from './hosting.ts'

export interface Networks extends NetworkLookup {
  /** Reads, and compiles what is not compiled. Never rejects: what could not be had stays unknown and is told of. */
  load(): Promise<void>
  /** Ends a `load` under way. */
  close(): Promise<void>
}

export interface NetworksOptions {
  /** Where compiled data are kept; made when absent. */
  readonly cache: string
  readonly warn?: (text: string) => void
  /** Where the packages are found; the installed ones when left out. */
  readonly files?: NetworkFiles
}

export interface NetworkFiles {
  /** MMDB with `country_code`; null = not installed. */
  readonly country: string | null
  /** Lists of `first,last,number,name`; null = not installed. */
  readonly asn: readonly string[] | null
  /** Changes with the data. */
  readonly version: string
}

interface CountryReader {
  get(ip: string): { readonly country_code?: unknown } | null
}

/** Characters of an address, with room for a zone. */
const LONGEST = 64
/** Answers kept at once. */
const ANSWERS = 4096
/** Lines between two turns of the event loop. */
const SLICE = 2000

export function createNetworks(options: NetworksOptions): Networks {
  let country: CountryReader | null = null
  let table: AsnTable | null = null
  /** Agents call from few addresses, over and over. */
  const answers = new Map<string, NetworkFacts | null>()
  let loading: Promise<void> | null = null
  const ended = new AbortController()
  const attempt = async (what: string, work: () => Promise<void>) => {
    try {
      await work()
    } catch (cause) {
      if (!ended.signal.aborted)
        options.warn?.(
          `${what} of network addresses stay unknown: ${cause instanceof Error ? cause.message : 'failed'}`,
        )
    }
  }
  async function read(): Promise<void> {
    await readAll()
    answers.clear()
  }
  async function readAll(): Promise<void> {
    const files = options.files ?? installed()
    if (files.country !== null) {
      const file = files.country
      await attempt('Countries', async () => {
        const { Reader } = await import('mmdb-lib')
        // Shape is the package's; what is not a string is not taken.
        country = new Reader(await readFile(file, { signal: ended.signal })) as unknown as CountryReader
      })
    }
    if (files.asn !== null) {
      const lists = files.asn
      await attempt('Holders', async () => {
        table = await asnTable(options.cache, lists, files.version, ended.signal)
      })
    }
  }
  return {
    load() {
      loading ??= read()
      return loading
    },
    async close() {
      ended.abort()
      await loading
    },
    lookup(address) {
      if (country === null && table === null) return null
      const kept = answers.get(address)
      if (kept !== undefined) return kept
      const ip = address.replace(/^::ffff:(?=\d+\.)/i, '')
      const holder = table?.lookup(ip) ?? null
      const facts: NetworkFacts = {
        country: countryOf(country, ip),
        asn: holder?.asn ?? null,
        org: holder?.organisation ?? null,
        hosting: holder === null ? null : isHosting(holder.organisation),
      }
      const answer = facts.country === null && facts.asn === null ? null : facts
      if (answers.size >= ANSWERS) answers.clear()
      if (address.length <= LONGEST) answers.set(address, answer)
      return answer
    },
  }
}

function countryOf(reader: CountryReader | null, ip: string): string | null {
  try {
    const code = reader?.get(ip)?.country_code
    return typeof code === 'string' && /^[A-Z]{2}$/.test(code) ? code : null
  } catch {
    return null
  }
}

async function asnTable(
  cache: string,
  lists: readonly string[],
  version: string,
  signal: AbortSignal,
): Promise<AsnTable> {
  const file = path.join(cache, `asn-${version.replace(/[^\w.-]/g, '_')}.bin`)
  const kept = await readFile(file, { signal }).catch(() => null)
  const known = kept === null ? null : openAsnTable(kept)
  if (known !== null) return known
  const builder = buildAsnTable()
  for (const list of lists) {
    let lines = 0
    for await (const line of createInterface({ input: createReadStream(list, { signal }) })) {
      builder.add(line)
      // Calls come first: this is work for when nothing else is.
      if (++lines % SLICE === 0) await setImmediate()
    }
    signal.throwIfAborted()
  }
  const bytes = builder.finish()
  const made = openAsnTable(bytes)
  if (made === null || made.ranges === 0) throw new Error('the lists hold no ranges')
  await keep(cache, file, bytes)
  return made
}

/** Whole or not at all; not being able to keep it costs the next start some work. */
async function keep(cache: string, file: string, bytes: Uint8Array): Promise<void> {
  const partial = `${file}.${randomBytes(6).toString('hex')}`
  try {
    await mkdir(cache, { recursive: true, mode: 0o700 })
    await writeFile(partial, bytes, { mode: 0o600 })
    await rename(partial, file)
  } catch {
    await rm(partial, { force: true }).catch(() => undefined)
  }
}

const COUNTRY = '@ip-location-db/geo-whois-asn-country-mmdb'
const ASN = '@ip-location-db/asn'

function installed(): NetworkFiles {
  const require = createRequire(import.meta.url)
  const find = (name: string) => {
    try {
      return require.resolve(name)
    } catch {
      return null
    }
  }
  const asn = [find(`${ASN}/asn-ipv4.csv`), find(`${ASN}/asn-ipv6.csv`)].filter((file) => file !== null)
  const manifest = find(`${ASN}/package.json`)
  const version = manifest === null ? '' : String((require(manifest) as { version?: unknown }).version)
  return {
    country: find(`${COUNTRY}/geo-whois-asn-country.mmdb`),
    asn: asn.length === 0 ? null : asn,
    version,
  }
}
