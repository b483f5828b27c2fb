import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { modelToJson } from '@safeconduct/relations'
import { type OwnerAtPage, signInOwner } from '../../examples/trading-desk/owner.ts'
import { type Place, place } from './daemon.ts'

const MODEL = `model
  schema 1.1
type user
type document
  relations
    define viewer: [user]
`

interface Waiting {
  readonly requests: readonly { readonly id: string; readonly summary: string }[]
}

describe('relations on the command line', () => {
  let here: Place
  let owner: OwnerAtPage
  const summaries: string[] = []

  /** Runs a verb that waits for the owner, who confirms what comes. */
  async function confirmed<T>(...args: string[]): Promise<T> {
    let done = false
    const running = here.json<T>(...args).finally(() => {
      done = true
    })
    for (let attempt = 0; attempt < 600 && !done; attempt++) {
      const { requests } = await owner.get<Waiting>('/api/v1/owner-requests')
      for (const { id, summary } of requests) {
        summaries.push(summary)
        await owner.post(`/api/v1/owner-requests/${id}/decide`, { confirm: true })
      }
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    return running
  }

  before(async () => {
    here = place()
    const up = await here.up('--empty')
    owner = await signInOwner(up.url, up.signIn)
  })
  after(() => here.remove())

  it('says how to begin', async () => {
    assert.match((await here.run('relations', 'list')).out, /relations model FILE/)
    assert.equal(
      (await here.json<{ error: string }>('relations', 'check', 'user:a', 'viewer', 'document:1')).error,
      'not_found',
    )
  })

  it('writes a model and relations once the owner confirmed, and answers', async () => {
    const file = path.join(here.folder, 'model.fga')
    writeFileSync(file, MODEL)
    const made = await confirmed<{ model: string }>('relations', 'model', file)
    assert.match(made.model, /^[0-9A-Z]{26}$/)
    assert.equal((await here.json<{ model: string }>('relations', 'model')).model, MODEL)
    await confirmed('relations', 'write', 'user:ann', 'viewer', 'document:plan')
    assert.match(summaries.at(-1) ?? '', /user:ann viewer document:plan/)
    const yes = await here.run('relations', 'check', 'user:ann', 'viewer', 'document:plan')
    assert.deepEqual([yes.code, yes.out], [0, 'yes\n'])
    const no = await here.run('relations', 'check', 'user:ann', 'viewer', 'document:fees')
    assert.deepEqual([no.code, no.out], [1, 'no\n'])
    await confirmed('relations', 'write', 'user:ann', 'viewer', 'document:plan', '--delete')
    assert.equal((await here.run('relations', 'check', 'user:ann', 'viewer', 'document:plan')).code, 1)
  })

  it('imports what it exports, with one confirmation', async () => {
    const file = path.join(here.folder, 'tuples.jsonl')
    const rows = Array.from({ length: 2500 }, (_, i) => ({
      user: 'user:bob',
      relation: 'viewer',
      object: `document:b${i}`,
    }))
    writeFileSync(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
    const before = summaries.length
    const done = await confirmed<{ count: number }>('relations', 'import', file)
    assert.deepEqual([done.count, summaries.length - before], [2500, 1])
    assert.match(summaries.at(-1) ?? '', /Import 2500 relations \(sha256:/)
    const { objects } = await here.json<{ objects: string[] }>(
      'relations',
      'list',
      'user:bob',
      'viewer',
      'document',
    )
    assert.equal(objects.length, 2500)
    const out = path.join(here.folder, 'out.jsonl')
    assert.deepEqual(await here.json('relations', 'export', out), { file: out, count: 2500 })
    assert.equal(readFileSync(out, 'utf8').trim().split('\n').length, 2500)
    assert.equal((await here.run('relations', 'export', out)).code, 1, 'never over a file that is there')
    const { spaces } = await here.json<{ spaces: { tuples: number }[] }>('relations', 'list')
    assert.deepEqual(
      spaces.map(({ tuples }) => tuples),
      [2500],
    )
  })

  it('takes a model as JSON, and says where one is wrong', async () => {
    const json = path.join(here.folder, 'model.json')
    writeFileSync(json, JSON.stringify(modelToJson(MODEL)))
    await confirmed('relations', 'model', json)
    writeFileSync(path.join(here.folder, 'broken.fga'), MODEL.replace('[user]', '[usr]'))
    const broken = await confirmed<{ message: string }>(
      'relations',
      'model',
      path.join(here.folder, 'broken.fga'),
    )
    assert.match(broken.message, /6:\d+.*did you mean/)
    writeFileSync(path.join(here.folder, 'bad.jsonl'), '{"user":"a"}\nnot json\n')
    const bad = await here.run('relations', 'import', path.join(here.folder, 'bad.jsonl'))
    assert.equal(bad.code, 2)
    assert.match(bad.err, /Line 2/)
  })
})
