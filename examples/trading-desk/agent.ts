/**
 * The trader: an agent that trades for the desk's owner through the gateway. Its mind is a script here, so that the
 * story is the same every time; everything it touches is real: the code flow, the consent page, DPoP, MCP.
 * @module
 */
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { agentKey, createAgent } from '@safeconduct/sdk'
import { createBrowser } from './browser.ts'

export interface Setup {
  readonly url: string
  readonly clientId: string
  readonly privateJwk: Record<string, string>
  readonly signInLink: string
  readonly server: string
}

export interface Answer {
  readonly ok: boolean
  /** What the agent sees: data of the tool, or code, remedy and id of a refusal. */
  readonly text: string
  readonly code: string | null
  readonly decision: string | null
}

export interface Trader {
  call(tool: string, args: Record<string, unknown>): Promise<Answer>
  close(): Promise<void>
}

export const REDIRECT_URI = 'http://127.0.0.1:9/callback'

/** The owner's own words on the consent page. */
export const INTENT =
  'Trade NOVA, ORBI and KELP for the desk on XNYS and XETR in lots of about 10 shares. Keep an eye on the news. ' +
  'Move spare cash to DESK-MARGIN-001 when asked to by the margin, at most 2000 at a time.'

/** Signs in with the one-time link, as the owner would, and consents to the errand in the owner's words. */
export async function sendTrader(setup: Setup): Promise<Trader> {
  const agent = createAgent({
    issuer: setup.url,
    clientId: setup.clientId,
    key: await agentKey(setup.privateJwk),
  })
  const resource = `${setup.url}/mcp/${setup.server}`
  const { url, finish } = await agent.authorize({ resource, redirectUri: REDIRECT_URI })
  const browser = createBrowser()
  const link = new URL(setup.signInLink)
  const signIn = await browser.go(new URL('/signin', setup.url), setup.url)
  await browser.submit(signIn, setup.url, { secret: link.hash.slice(1), next: '/' })
  const consent = await browser.go(new URL(url), setup.url)
  const answer = await browser.submit(consent, setup.url, { intent: INTENT, answer: 'allow' })
  const grant = await finish(answer.url.href)

  const client = new Client({ name: 'trader', version: '1.0.0' })
  await client.connect(new StreamableHTTPClientTransport(new URL(resource), { fetch: grant.fetch }))
  return {
    async call(tool, args) {
      try {
        return read(await client.callTool({ name: tool, arguments: args }))
      } catch (error) {
        return refused(error)
      }
    },
    close: () => client.close(),
  }
}

function read(result: Awaited<ReturnType<Client['callTool']>>): Answer {
  const content = Array.isArray(result.content) ? result.content : []
  const text = content.map((part) => (part.type === 'text' ? part.text : '')).join('\n')
  return { ok: result.isError !== true, text, ...facts(result._meta) }
}

function refused(error: unknown): Answer {
  const raw = error instanceof Error ? error.message : String(error)
  // A refused grant is an HTTP answer, which the client hands on as the text of its error.
  const body = /\{"jsonrpc"[\s\S]*\}$/.exec(raw)?.[0]
  if (body !== undefined) return refused(Object(JSON.parse(body)).error)
  const message = messageOf(error) ?? raw
  const data = error !== null && typeof error === 'object' && 'data' in error ? error.data : null
  return { ok: false, text: message, ...facts(data) }
}

function messageOf(error: unknown): string | null {
  const { message }: { message?: unknown } = Object(error)
  return typeof message === 'string' ? message : null
}

/** The stable code and the id of the decision; nothing else is told to an agent. */
function facts(value: unknown): { code: string | null; decision: string | null } {
  const around: Record<string, unknown> = Object(value)
  const found: Record<string, unknown> = Object(around['safeconduct/refusal'] ?? around)
  const text = (name: string) => (typeof found[name] === 'string' ? found[name] : null)
  return { code: text('code'), decision: text('decision') }
}
