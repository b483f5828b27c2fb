/**
 * One schema for everything that can be set from outside: `SAFECONDUCT_*` in the environment or the flag of the
 * same name. `docs/config.md` is generated from it.
 * @module
 */
import * as z from 'zod'
import { SafeconductError } from './errors.ts'

const flag = z.enum(['true', 'false']).transform((text) => text === 'true')
const count = (min: number, max: number) => z.coerce.number().int().min(min).max(max)

export const configSchema = z.strictObject({
  SAFECONDUCT_DATA: z
    .string()
    .min(1)
    .default('.safeconduct')
    .describe('Data directory (created with mode 0700). One daemon per directory.'),
  SAFECONDUCT_HOST: z
    .string()
    .min(1)
    .default('127.0.0.1')
    .describe('Address to listen on. Anything but loopback needs SAFECONDUCT_PUBLIC_URL with https.'),
  SAFECONDUCT_PORT: count(0, 65535)
    .default(7070)
    .describe(
      'Port to listen on. The port of the last start is kept in the file `port` of the data directory and taken again where none is given; 0 takes the kept one while it is free, else another free one.',
    ),
  SAFECONDUCT_PUBLIC_URL: z
    .url()
    .optional()
    .describe('Origin under which clients reach the daemon; the issuer. Default `http://localhost:<port>`.'),
  SAFECONDUCT_ENFORCEMENT: z
    .enum(['observe', 'enforce'])
    .default('enforce')
    .describe('`observe` records what would be decided and lets calls through; shown on every decision.'),
  SAFECONDUCT_TOKEN_TTL: count(30, 3600).default(300).describe('Lifetime of an access token, seconds.'),
  SAFECONDUCT_TASK_TTL: count(60, 604800)
    .default(28800)
    .describe('Lifetime of a task when nobody chose another, seconds.'),
  SAFECONDUCT_APPROVAL_TTL: count(30, 86400).default(900).describe('How long an approval waits, seconds.'),
  SAFECONDUCT_CONTEST_WINDOW: count(0, 604800)
    .default(600)
    .describe(
      'Seconds after its outcome in which a call may be contested; only then it becomes part of a baseline.',
    ),
  SAFECONDUCT_HOT_AGENTS: count(16, 1000000)
    .default(5000)
    .describe('Agents whose baseline is held in memory; those of the others wait in the store.'),
  SAFECONDUCT_MAX_BODY: count(1024, 67108864)
    .default(4194304)
    .describe('Largest request or answer body, bytes.'),
  SAFECONDUCT_MAX_CONCURRENT: count(1, 100000)
    .default(512)
    .describe('Calls under way at once, all together.'),
  SAFECONDUCT_UPSTREAM_TIMEOUT: count(1, 3600)
    .default(120)
    .describe('Seconds an upstream server may stay silent during a call.'),
  SAFECONDUCT_DRAIN_TIMEOUT: count(0, 600)
    .default(10)
    .describe('Seconds given to calls under way at SIGTERM.'),
  SAFECONDUCT_DISK_RESERVE: count(4194304, 536870912)
    .default(8388608)
    .describe(
      'Bytes of one journal segment; one is made ahead and kept for outcomes and revocations on a full disk.',
    ),
  SAFECONDUCT_DCR: flag
    .default(true)
    .describe('Dynamic client registration, on loopback only and always with consent.'),
  SAFECONDUCT_ALLOW_PRIVATE_FETCH: flag
    .default(false)
    .describe('Lets client metadata documents be fetched from private addresses (tests, closed networks).'),
  SAFECONDUCT_CEDAR_SHADOW: z.coerce
    .number()
    .min(0)
    .max(1)
    .default(0)
    .describe(
      'Share of live policy evaluations that are asked again of cedar-wasm, from 0 (none) to 1; differences are logged and counted.',
    ),
  SAFECONDUCT_RELATIONS: z
    .enum(['local', 'openfga', 'spicedb'])
    .default('local')
    .describe('Where the relations live that policies ask: here, or in a server of your own.'),
  SAFECONDUCT_RELATIONS_URL: z
    .url()
    .optional()
    .describe(
      'Origin (and path) of that server; OpenFGA’s HTTP API, or SpiceDB with its HTTP API switched on.',
    ),
  SAFECONDUCT_RELATIONS_STORE: z.string().max(64).optional().describe('Id of the store to ask, for OpenFGA.'),
  SAFECONDUCT_RELATIONS_TOKEN: z
    .string()
    .max(4096)
    .optional()
    .describe('Bearer token or preshared key for that server.'),
  SAFECONDUCT_INDICATORS: z
    .string()
    .max(4096)
    .optional()
    .describe(
      'File with known bad addresses, one JSON object a line: `id`, `kind` (ip, host, url, email, account, phone), `value`, `source`, `confidence`, and where known `technique` and `until`. Read again when it changes.',
    ),
  SAFECONDUCT_LOG_LEVEL: z
    .enum(['silent', 'error', 'warn', 'info', 'debug'])
    .default('warn')
    .describe('Log level on standard error.'),
})

export type Config = z.infer<typeof configSchema>

/**
 * Reads the configuration. Unknown `SAFECONDUCT_*` names are refused, so that a typing error cannot silently
 * switch a protection off.
 * @throws {SafeconductError} `invalid_request`, naming the setting
 */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const known = new Set(Object.keys(configSchema.shape))
  const given: Record<string, string> = {}
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith('SAFECONDUCT_') || value === undefined || value === '') continue
    if (NOT_SETTINGS.has(name)) continue
    if (!known.has(name)) {
      throw new SafeconductError('invalid_request', { message: `${name} is not a setting of safeconduct.` })
    }
    given[name] = value
  }
  const parsed = configSchema.safeParse(given)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new SafeconductError('invalid_request', {
    message: `${issue?.path.join('.') ?? 'configuration'}: ${issue?.message ?? 'not valid'}`,
    cause: parsed.error,
  })
}

/** Read by tests and scripts, not by the daemon. */
const NOT_SETTINGS = new Set(['SAFECONDUCT_SHARED'])
