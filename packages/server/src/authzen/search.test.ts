import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { compileStore } from '@safeconduct/engine'
import { isSafeconductError } from '@safeconduct/protocol'
import { searchStore } from './search.ts'

const COUNT = 25_000
const compiled = compileStore({
  schema:
    'entity user { odd: Bool }; entity room; action enter appliesTo { principal: [user], resource: [room] };',
  policies: 'permit(principal, action, resource) when { principal.odd };',
  entities: [
    { uid: { type: 'room', id: 'hall' } },
    ...Array.from({ length: COUNT }, (_, at) => ({
      uid: { type: 'user', id: `u${at}` },
      attrs: { odd: at % 5000 === 1 },
    })),
  ],
})
const store = { digest: 'one', compiled }
const search = {
  kind: 'subject',
  type: 'user',
  action: { name: 'enter' },
  resource: { type: 'room', id: 'hall' },
} as const
const allowed = ({ allowed: yes }: { allowed: boolean }) => yes

async function all(limit?: number): Promise<{ ids: string[]; pages: number }> {
  const ids: string[] = []
  let token = ''
  for (let pages = 1; ; pages++) {
    const found = await searchStore(store, search, { token, limit }, allowed)
    ids.push(...found.results.map(({ id }) => String(id)))
    assert.equal(found.page.count, found.results.length)
    token = found.page.next_token
    if (token === '') return { ids, pages }
  }
}

describe('searches', () => {
  it('are complete over pages that look at so many candidates at most', async () => {
    const expected = ['u1', 'u5001', 'u10001', 'u15001', 'u20001'].sort()
    const whole = await all()
    assert.deepEqual(whole.ids, expected)
    assert.ok(whole.pages >= 2)
    for (const limit of [1, 2, 5]) assert.deepEqual((await all(limit)).ids, expected)
  })

  it('give at most so many on a page, however many are asked for, and none where none are', async () => {
    const everybody = compileStore({
      schema: 'entity user; entity room; action enter appliesTo { principal: [user], resource: [room] };',
      policies: 'permit(principal, action, resource);',
      entities: [
        { uid: { type: 'room', id: 'hall' } },
        ...Array.from({ length: 1500 }, (_, at) => ({ uid: { type: 'user', id: `u${at}` } })),
      ],
    })
    const page = async (limit: number, token = '') =>
      (await searchStore({ digest: 'one', compiled: everybody }, search, { limit, token }, allowed)).page
    const first = await page(5000)
    assert.equal(first.count, 1000)
    assert.deepEqual(await page(5000, first.next_token), { next_token: '', count: 500 })
    const nothing = await page(0)
    assert.equal(nothing.count, 0)
    assert.deepEqual(await page(5000, nothing.next_token), first)
    assert.equal((await page(0, first.next_token)).next_token, first.next_token)
  })

  it('take no token of another version, another question, or nobody', async () => {
    const { page } = await searchStore(store, search, { limit: 1 }, allowed)
    const refused = (work: Promise<unknown>) =>
      assert.rejects(work, (error) => isSafeconductError(error) && error.code === 'invalid_request')
    const token = page.next_token
    await refused(searchStore({ ...store, digest: 'two' }, search, { token }, allowed))
    await refused(searchStore(store, { ...search, action: { name: 'leave' } }, { token }, allowed))
    for (const forged of [
      'x',
      Buffer.from('[1]').toString('base64url'),
      Buffer.from('{}').toString('base64url'),
    ])
      await refused(searchStore(store, search, { token: forged }, allowed))
  })
})
