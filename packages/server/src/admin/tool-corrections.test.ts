import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { JsonObject, JsonValue } from '@safeconduct/protocol'
import type { Route } from '../http/route.ts'
import { displayText } from '../pages/html.ts'
import type { AdminPorts } from './ports.ts'
import { toolCorrectionRoutes } from './tool-corrections.ts'

interface Row {
  readonly id: string
  readonly version: number
  readonly definition: JsonObject
  readonly proposed: null
  readonly corrections?: JsonObject
}

const PATH = '/api/v1/tools/corrections'
const tool = (id: string, corrections?: JsonObject): Row => ({
  id,
  version: 1,
  definition: { inputSchema: { type: 'object', properties: { to: {}, amount: {} } } },
  proposed: null,
  ...(corrections === undefined ? {} : { corrections }),
})

/** The routes over a store that knows tools and nothing else. */
function desk(rows: readonly Row[], control: (event: { tool: Row }) => void = () => undefined) {
  const known = new Map(rows.map((row) => [row.id, row]))
  const ports = {
    tenant: 't',
    clock: { now: () => 1 },
    ids: { next: () => 'i' },
    decider: { control },
    store: {
      tools: {
        list: async (_: string, { after = '', limit }: { after?: string; limit: number }) =>
          [...known.values()]
            .filter(({ id }) => id > after)
            .sort((a, b) => (a.id < b.id ? -1 : 1))
            .slice(0, limit),
        get: async (_: string, id: string) => known.get(id) ?? null,
      },
      tx: async (work: (t: object) => Promise<void>) =>
        work({
          tools: { replace: async (row: Row) => void known.set(row.id, row) },
          outbox: { add: async () => undefined },
        }),
    },
  } as unknown as AdminPorts
  const routes = toolCorrectionRoutes(ports)
  const of = (method: string, path: string): Route => {
    const found = routes.find((one) => one.method === method && one.path === path)
    assert.ok(found)
    return found
  }
  const ask = async (method: string, path: string, body: JsonValue | null) => {
    const row = of(method, path)
    const parsed = row.body === null ? null : row.body.parse(body)
    const context = { tenant: 't', params: {}, body: parsed, caller: { kind: 'owner', user: 'o' } }
    return (await row.handle(context as never)) as JsonObject
  }
  return {
    known,
    check: (tools: JsonObject) => ask('POST', `${PATH}/check`, { tools }),
    give: (body: JsonObject) => ask('POST', PATH, body),
    now: () => ask('GET', PATH, null),
    async confirm(body: JsonObject) {
      const row = of('POST', PATH)
      const asked = await row.confirm?.(row.body?.parse(body) as never, { tenant: 't', params: {} })
      assert.ok(asked !== undefined)
      return asked
    },
  }
}

describe('what a check of corrections may cost', () => {
  it('is bounded: problems that are told, guesses, and the length of a message', async () => {
    const { check } = desk(Array.from({ length: 1000 }, (_, at) => tool(`server/a-tool-of-this-name-${at}`)))
    const unknown = Object.fromEntries(
      Array.from({ length: 1000 }, (_, at) => [`server/a-tool-of-that-name-${at}`, {}]),
    )
    const answer = await check(unknown)
    const problems = answer.problems as JsonObject[]
    assert.deepEqual([problems.length, answer.more], [100, true])
    const guessed = problems.filter(({ message }) => String(message).includes('Did you mean'))
    assert.equal(guessed.length, 10)
  })

  it('is bounded for the arguments of one tool as well', async () => {
    const long = 'n'.repeat(5000)
    const wide = {
      ...tool('a/wide'),
      definition: { inputSchema: { properties: Object.fromEntries([...'abc'].map((c) => [c + long, {}])) } },
    }
    const { check } = desk([wide])
    const named = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, at) => [`x${at}`, 'id']))
    const told = (await check({ 'a/wide': { args: named(64) } })).problems as JsonObject[]
    assert.equal(told.length, 64)
    for (const { message } of told) assert.ok(String(message).length < 1000, String(message).slice(0, 200))
    const many = (await check({ 'a/wide': { args: named(65) } })).problems as JsonObject[]
    assert.deepEqual(many, [{ path: ['a/wide', 'args'], message: 'At most 64 arguments.' }])
    const odd = (await check({ 'a/wide': named(65) })).problems as JsonObject[]
    assert.deepEqual(odd, [{ path: ['a/wide'], message: 'It has at most 64 members.' }])
  })

  it('tells all there is below that', async () => {
    const { check } = desk([tool('mail/send')])
    const answer = await check({ 'mail/sent': {}, 'mail/send': { args: { too: 'recipient' } } })
    assert.equal(answer.more, false)
    assert.deepEqual(
      (answer.problems as JsonObject[]).map(({ path }) => path),
      [['mail/sent'], ['mail/send', 'args', 'too']],
    )
  })
})

describe('what the owner confirms of corrections', () => {
  const bank = { effect: 'write', destructive: true, args: { to: 'account' } }
  const longNames = Array.from({ length: 12 }, (_, at) => `a/quite-a-long-name-of-a-tool-${at}`)

  it('names what is taken back first, however much else there is', async () => {
    const { confirm, now } = desk([tool('zbank/transfer', bank), ...longNames.map((id) => tool(id))])
    const tools = Object.fromEntries(longNames.map((id) => [id, { reversible: false }]))
    const asked = await confirm({ tools, revision: (await now()).revision as string })
    assert.ok(typeof asked !== 'string')
    const cut = displayText(asked.summary, 300)
    assert.match(
      cut,
      /^Correct the roles of 13 tools \(3 taken back, 12 other\): zbank\/transfer effect → as derived, /,
    )
    assert.deepEqual(asked.shown, {
      takenBack: [
        'zbank/transfer effect: write → as derived',
        'zbank/transfer destructive: true → as derived',
        'zbank/transfer args.to: account → as derived',
      ],
      other: longNames.toSorted().map((id) => `${id} reversible: as derived → false`),
    })
  })

  it('names single facts that go while others of the tool stay, and what is trusted more', async () => {
    const { confirm, now } = desk([tool('bank/transfer', bank)])
    const tools = { 'bank/transfer': { effect: 'read', destructive: true } }
    const asked = await confirm({ tools, revision: (await now()).revision as string })
    assert.deepEqual(typeof asked === 'string' ? null : asked.shown, {
      takenBack: ['bank/transfer args.to: account → as derived'],
      trustedMore: ['bank/transfer effect: write → read'],
    })
  })

  it('is what was compared: what came between asking and confirming is not taken back', async () => {
    const { give, known, now } = desk([tool('bank/transfer'), tool('a/other')])
    const body = { tools: { 'a/other': { ownData: true } }, revision: (await now()).revision as string }
    known.set('bank/transfer', tool('bank/transfer', bank))
    await assert.rejects(give(body), { code: 'conflict' })
    assert.deepEqual(known.get('bank/transfer')?.corrections, bank)
    await assert.rejects(give({ tools: {} }), { name: 'ZodError' })
  })

  it('is refused where it is more than a person reads', async () => {
    const rows = Array.from({ length: 501 }, (_, at) => tool(`a/t${at}`))
    const { confirm, now } = desk(rows)
    const tools = Object.fromEntries(rows.map(({ id }) => [id, { ownData: true, effect: 'read' }]))
    const { revision } = await now()
    await assert.rejects(confirm({ tools, revision: revision as string }), { code: 'too_large' })
  })

  it('reaches whoever decides for every tool, also behind one that it cannot take in', async () => {
    const told: string[] = []
    const { give, now } = desk([tool('a/one'), tool('a/two')], ({ tool: { id } }) => {
      told.push(id)
      if (id === 'a/one') throw new Error('cannot be taken in')
    })
    const tools = { 'a/one': { ownData: false }, 'a/two': { ownData: false } }
    const { revision } = await now()
    await assert.rejects(give({ tools, revision: revision as string }), /cannot be taken in/)
    assert.deepEqual(told, ['a/one', 'a/two'])
  })
})
