/**
 * The `market` MCP server: quotes, news, positions, orders, transfers. An ordinary server that knows nothing of
 * Safeconduct; run it on its own with any MCP host: `node examples/trading-desk/market-server.ts`.
 * @module
 */
import { McpServer } from '@modelcontextprotocol/server'
import { serveStdio } from '@modelcontextprotocol/server/stdio'
import * as z from 'zod'
import { createExchange, NEWS } from './exchange.ts'

const exchange = createExchange()
const symbol = z.string().min(1).max(12).describe('Ticker symbol, for example NOVA.')

const answer = (value: object) => ({
  content: [{ type: 'text' as const, text: JSON.stringify(value) }],
  structuredContent: { ...value },
})

serveStdio(() => {
  const server = new McpServer({ name: 'market', version: '1.0.0' }, { capabilities: { tools: {} } })
  server.registerTool(
    'get_quote',
    {
      description: 'Get the current price of a symbol.',
      inputSchema: z.object({ symbol }),
      annotations: { readOnlyHint: true },
    },
    async (args) => answer(exchange.quote(args.symbol)),
  )
  server.registerTool(
    'read_news',
    {
      description: 'Read recent press messages about a symbol, as published by third parties.',
      inputSchema: z.object({ symbol }),
      annotations: { readOnlyHint: true, openWorldHint: true },
    },
    async (args) => ({ content: (NEWS[args.symbol] ?? []).map((text) => ({ type: 'text' as const, text })) }),
  )
  server.registerTool(
    'get_positions',
    {
      description: 'Get the cash, accounts and holdings of the desk.',
      inputSchema: z.object({}),
      annotations: { readOnlyHint: true },
    },
    async () => answer(exchange.positions()),
  )
  server.registerTool(
    'place_order',
    {
      description: 'Place an order on a market. It fills at once at the market price.',
      inputSchema: z.object({
        symbol,
        market: z.string().describe('Market identifier code, for example XNYS.'),
        side: z.enum(['buy', 'sell']),
        quantity: z.int().min(1).describe('Number of shares.'),
      }),
      annotations: { destructiveHint: false },
    },
    async (args) => answer(exchange.place(args)),
  )
  server.registerTool(
    'transfer',
    {
      description: 'Transfer cash from the desk to an account.',
      inputSchema: z.object({
        amount: z.number().min(0.01).describe('Amount in USD.'),
        to_account: z.string().describe('Account that receives the money.'),
        reference: z.string().describe('Text for the statement.'),
      }),
      annotations: { destructiveHint: true, openWorldHint: true },
    },
    async (args) => answer(exchange.transfer(args)),
  )
  return server
})
