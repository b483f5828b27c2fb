/**
 * @module The suite in authorization mode: it checks an authorization server's metadata, prints an authorization URL, and
 * waits for the callback. Here a scripted browser takes that URL through sign-in and consent.
 */
import { type BrowserOptions, createBrowser } from './browser.ts'
import { judge, type Verdict } from './suite.ts'
import { runSuite, type SuiteResult } from './suite-process.ts'

export interface AuthorizationOptions extends BrowserOptions {
  readonly issuer: string
  /** A client registered with redirect URI `http://127.0.0.1:PORT/callback`. */
  readonly clientId: string
  /** Omit for a public client. */
  readonly clientSecret?: string
  /** The callback's port, free while the suite runs; 3999 when omitted. */
  readonly port?: number
  /** RFC 8707 resource to ask a token for. */
  readonly resource?: string
  /** Only checks that exist at this revision count. */
  readonly specVersion?: string
  /** A URL the person opens first, such as a one-time sign-in link; its cookies are kept. */
  readonly signInUrl?: string
  /** The whole run is cut short after this; 60 s when omitted. */
  readonly limitMs?: number
}

export interface AuthorizationRun extends SuiteResult {
  readonly verdicts: ReadonlyMap<string, Verdict>
}

/** The scenarios of authorization mode; both are always due. */
export const AUTHORIZATION_SCENARIOS: readonly string[] = [
  'authorization-server-metadata-endpoint',
  'authorization-code-grant',
]

// The URL is printed on a line of its own; the line's end says that it is complete.
const PRINTED_URL = /^(https?:\/\/\S+[?&]code_challenge=\S+)\r?\n/m

/**
 * Runs both scenarios against `issuer`. A server that refuses is a failed check.
 * @throws when the scripted browser gets stuck (a page without a form, a form that comes back for ever) or time runs out.
 */
export async function runAuthorizationSuite(options: AuthorizationOptions): Promise<AuthorizationRun> {
  const port = options.port ?? 3999
  const stuck = new AbortController()
  const browser = createBrowser(options)
  let journey: Promise<void> | undefined
  const onOutput = (printed: string) => {
    const url = PRINTED_URL.exec(printed)?.[1]
    if (url === undefined || journey !== undefined) return
    journey = authorize(browser, url, `http://127.0.0.1:${port}/callback`).catch((error) =>
      stuck.abort(error),
    )
  }
  if (options.signInUrl !== undefined) await browser.open(options.signInUrl)
  const result = await runSuite(['authorization', ...args(options, port)], {
    onOutput,
    signal: stuck.signal,
    limitMs: options.limitMs ?? 60_000,
  })
  await journey
  return { ...result, verdicts: judge(result.checks, AUTHORIZATION_SCENARIOS) }
}

async function authorize(
  browser: ReturnType<typeof createBrowser>,
  url: string,
  callback: string,
): Promise<void> {
  const arrival = await browser.travel(url, ({ origin, pathname }) => `${origin}${pathname}` === callback)
  await fetch(arrival)
}

function args(options: AuthorizationOptions, port: number): readonly string[] {
  const given: readonly (readonly [string, string | undefined])[] = [
    ['--url', options.issuer],
    ['--client-id', options.clientId],
    ['--client-secret', options.clientSecret],
    ['--port', String(port)],
    ['--resource', options.resource],
    ['--spec-version', options.specVersion],
  ]
  return given.flatMap(([name, value]) => (value === undefined ? [] : [name, value]))
}
