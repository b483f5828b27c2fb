/**
 * The example at a smaller size: permissions change between questions and in the middle of them.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { questionOf, randomOf } from './corpus.ts'
import { difference, type Library, openLibrary } from './library.ts'

const COLLECTIONS = 12
const K = 8
let library: Library

before(async () => {
  library = await openLibrary(4000, COLLECTIONS)
})
after(() => library.close())

const check = async (question: string, between?: () => Promise<void>) => {
  const found = await library.ask(question, K, between)
  assert.equal(difference(library, found, library.expected(question, K)), null, question)
  return found
}

describe('retrieval with permissions', () => {
  it('gives nothing before both may read, and then the best of what both may', async () => {
    assert.deepEqual(await check('margin breach'), [])
    await library.mayRead('user', 'col-3')
    assert.deepEqual(await check('margin breach'), [])
    await library.mayRead('agent', 'col-3')
    assert.equal((await check('margin breach')).length, K)
  })

  it('is exact whatever changed since the question before', async () => {
    const random = randomOf(3)
    let answered = 0
    for (let n = 0; n < 40; n++) {
      const who = random() < 0.5 ? 'user' : 'agent'
      const collection = `col-${Math.floor(random() * COLLECTIONS)}`
      if (random() < 0.6) await library.mayRead(who, collection)
      else await library.mayNoLongerRead(who, collection)
      const found = await check(questionOf(random))
      answered += found.length
      const [best] = found
      if (best !== undefined && random() < 0.5) await library.withhold(who, best.document, true)
    }
    assert.ok(answered > 50, `${answered} hits in all`)
  })

  it('shows nothing that was taken back while the search ran', async () => {
    for (let at = 0; at < COLLECTIONS; at++)
      for (const who of ['user', 'agent'] as const) await library.mayRead(who, `col-${at}`)
    for (const [who, at] of [
      ['user', 1],
      ['agent', 2],
      ['user', 5],
    ] as const) {
      const found = await check('claim premium vessel', () => library.mayNoLongerRead(who, `col-${at}`))
      assert.equal(found.length, K)
    }
  })

  it('gives nothing once the agent is revoked', async () => {
    await library.revokeAgent()
    assert.deepEqual(await library.ask('margin breach', K), [])
    const left: string[] = []
    for await (const id of library.documents.authorizedIds(library.errand)) left.push(id)
    assert.deepEqual(left, [])
  })
})
