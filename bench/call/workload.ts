/**
 * The work that is measured in process: many traders at the trading desk, each with an agent, task and grant of its
 * own, all doing the same errand step by step. Calls are what `examples/trading-desk` makes; a call every eight
 * seconds of simulated time, so that nobody is too fast.
 * @module
 */
import type { ControlEvent } from '@safeconduct/engine'
import {
  type CallRequest,
  type CallResult,
  canonicalize,
  type Grant,
  type JsonObject,
  parseJson,
} from '@safeconduct/protocol'
import { INTENT } from '../../examples/trading-desk/agent.ts'
import { createExchange, NEWS } from '../../examples/trading-desk/exchange.ts'
import { SCENES } from '../../examples/trading-desk/story.ts'
import { agentEvents, errandOf, serverEvent, tenantEvents, toolEvent } from '../lib/tenant.ts'

export const TENANT = 'bench'
const SERVER = 'market'
export const START = Date.UTC(2026, 0, 5, 9)
const HOUR = 3_600_000
const BETWEEN_CALLS_MS = 8_000

const text = { type: 'string' }
const tool = (
  name: string,
  properties: JsonObject,
  description: string,
  annotations: JsonObject,
): JsonObject => ({
  name,
  description,
  inputSchema: { type: 'object', properties, required: Object.keys(properties) },
  annotations,
})

/** The tools of `examples/trading-desk/market-server.ts`, as they are listed. */
const TOOLS: readonly JsonObject[] = [
  tool('get_quote', { symbol: text }, 'Get the current price of a symbol.', { readOnlyHint: true }),
  tool(
    'read_news',
    { symbol: text },
    'Read recent press messages about a symbol, as published by third parties.',
    { readOnlyHint: true, openWorldHint: true },
  ),
  tool('get_positions', {}, 'Get the cash, accounts and holdings of the desk.', { readOnlyHint: true }),
  tool(
    'place_order',
    {
      symbol: text,
      market: text,
      side: { type: 'string', enum: ['buy', 'sell'] },
      quantity: { type: 'integer', minimum: 1 },
    },
    'Place an order on a market. It fills at once at the market price.',
    { destructiveHint: false },
  ),
  tool(
    'transfer',
    { amount: { type: 'number' }, to_account: text, reference: text },
    'Transfer cash from the desk to an account.',
    { destructiveHint: true, openWorldHint: true },
  ),
]

export interface Step {
  readonly tool: string
  readonly args: JsonObject
  readonly result: CallResult
}

/** Parsed as the gateway would, so that arguments are the objects that a real call has. */
const frozen = (value: unknown): JsonObject => parseJson(canonicalize(value as JsonObject)) as JsonObject

function answer(exchange: ReturnType<typeof createExchange>, name: string, args: JsonObject): unknown {
  const symbol = String(args.symbol)
  if (name === 'get_quote') return exchange.quote(symbol)
  if (name === 'get_positions') return exchange.positions()
  if (name === 'place_order')
    return exchange.place({
      symbol,
      market: String(args.market),
      side: 'buy',
      quantity: Number(args.quantity),
    })
  return exchange.transfer({
    amount: Number(args.amount),
    to_account: String(args.to_account),
    reference: String(args.reference),
  })
}

function steps(of: readonly { readonly tool: string; readonly args: object }[]): Step[] {
  const exchange = createExchange()
  return of.map(({ tool: name, args: given }) => {
    const args = frozen(given)
    const value = name === 'read_news' ? null : frozen(answer(exchange, name, args))
    const parts = value === null ? (NEWS[String(args.symbol)] ?? []) : [JSON.stringify(value)]
    const bytes = Buffer.byteLength(parts.join(''))
    return {
      tool: name,
      args,
      result: { status: 'ok', text: parts, structured: value, digest: 'sha256:', bytes, error: null },
    }
  })
}

const [morning, , , injected] = SCENES
/** Twice the normal morning of the desk: reads, orders, a transfer to the desk's own account. */
export const ERRAND: readonly Step[] = steps([...(morning?.steps ?? []), ...(morning?.steps ?? [])])
/** A press item with instructions in it, and the transfer it asks for. */
export const INJECTION: readonly Step[] = steps((injected?.steps ?? []).slice(0, 2))

export interface Trader {
  readonly grant: Grant
  readonly events: readonly ControlEvent[]
}

/** Registrations that concern nobody in particular: tenant, server, tools, policy. */
export function foundation(): ControlEvent[] {
  return [
    ...tenantEvents(TENANT, START),
    serverEvent(TENANT, SERVER, START),
    ...TOOLS.map((definition) => toolEvent(TENANT, SERVER, definition, START)),
  ]
}

const DIGEST = `sha256:${'0'.repeat(64)}`

/** An agent with a key, sent by the user in the words of the desk's owner. */
export function trader(number: number): Trader {
  const agent = `trader-${number}`
  const composition = [{ kind: 'prompt', name: 'story', digest: DIGEST, standing: 'declared' } as const]
  const errand = errandOf({
    tenant: TENANT,
    agent,
    task: `${agent}-task`,
    intent: INTENT,
    at: START,
    life: 8 * HOUR,
  })
  return {
    grant: errand.grant,
    events: [...agentEvents(TENANT, agent, START, composition), ...errand.events],
  }
}

/** The `k`-th call of a trader. Ids are unique per trader and step. */
export function callOf({ grant }: Trader, k: number, step: Step): CallRequest {
  const at = START + 60_000 + k * BETWEEN_CALLS_MS
  return {
    id: `${grant.agent}-${String(k).padStart(4, '0')}`,
    at,
    grant,
    proof: { kind: 'dpop', provenAt: at },
    operation: { server: SERVER, method: 'tools/call', kind: 'tool', name: step.tool, args: step.args },
    context: { channel: 'http', ip: '127.0.0.1', client: null },
  }
}

export { SERVER }
