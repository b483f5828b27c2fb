/**
 * What is kept and cannot be used any more does not keep the daemon from starting: it is refused, told, and mended.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type PinnedTool, readConfig } from '@safeconduct/protocol'
import { type Daemon, startDaemon } from 'safeconduct'
import { type OwnerAtPage, signInOwner } from '../../examples/trading-desk/owner.ts'

const TENANT = 'default'
const MODEL = `model
  schema 1.1
type user
type document
  relations
    define viewer: [user, user with narrow]
condition narrow(n: int) {
  n > 0
}
`
const REFUSED = MODEL.replace('n > 0', '[1].all(a, [2].all(b, a < b))').replaceAll('document', 'file')

describe('a start with parts that cannot be used', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'sc-'))
  const data = path.join(folder, 'd')
  let daemon: Daemon | null = null
  let owner: OwnerAtPage
  const start = async () => {
    daemon = await startDaemon(
      readConfig({ SAFECONDUCT_DATA: data, SAFECONDUCT_PORT: '0', SAFECONDUCT_LOG_LEVEL: 'silent' }),
    )
    owner = await signInOwner(daemon.url, daemon.signInLink())
    return daemon
  }
  const stop = async () => {
    await daemon?.close()
    daemon = null
  }
  const quarantined = async () =>
    (await owner.get<{ quarantined: { kind: string; id: string; why: string }[] }>('/api/v1/status'))
      .quarantined
  before(async () => {
    await start()
    await owner.post('/api/v1/relations/model', { dsl: MODEL })
    await owner.post('/api/v1/relations/model', { space: 'other', dsl: MODEL })
    for (const space of ['default', 'other']) {
      const key = { user: 'user:ann', relation: 'viewer', object: 'document:plan' }
      await owner.post('/api/v1/relations/write', { space, writes: [key] })
    }
  })
  after(async () => {
    await stop()
    rmSync(folder, { recursive: true, force: true })
  })
  const ask = (space: string) =>
    owner.post<{ allowed: boolean }>('/api/v1/relations/check', {
      space,
      user: 'user:ann',
      relation: 'viewer',
      object: 'document:plan',
    })

  it('starts, refuses what needs them, and says which they are', async () => {
    const { store } = (daemon as unknown as Daemon).foundation
    assert.deepEqual(await quarantined(), [])
    const spaces = await store.relationSpaces.list(TENANT)
    const space = spaces.find(({ name }) => name === 'default')?.id ?? ''
    const [known] = await store.relationModels.find(TENANT, 'space', space)
    assert.ok(known)
    await store.relationModels.insert({ ...known, id: '7ZZZZZZZZZZZZZZZZZZZZZZZZZ', dsl: REFUSED })
    const file = { object: 'file:x', relation: 'viewer', user: 'user:ann', condition: null, expiresAt: null }
    await store.relations.write({ tenant: TENANT, space }, { writes: [file], deletes: [], at: 1 })
    const pin = { tenant: TENANT, version: 1, server: 's', name: 't', digest: 'sha256:0', status: 'active' }
    await store.tools.insert({ ...pin, id: 's/t', definition: null } as unknown as PinnedTool)
    const [policy] = await store.policies.find(TENANT, 'status', 'active')
    assert.ok(policy)
    await store.policies.replace({ ...policy, version: policy.version + 1, agentPolicies: 'permit (' })
    const of = { tenant: TENANT, version: 1, name: 'app', policies: 'permit (', schema: '', entities: [] }
    const made = { digest: 'sha256:0', status: 'active' as const, createdAt: 1, createdBy: 'test' }
    await store.policyStores.insert({ ...of, ...made, id: 'ps_1' })
    await stop()
    await start()

    const told = await quarantined()
    assert.deepEqual(told.map(({ kind }) => kind).sort(), [
      'policy',
      'policy store',
      'relation model',
      'tool',
    ])
    assert.match(told.find(({ kind }) => kind === 'relation model')?.why ?? '', /a loop inside a loop/)
    await assert.rejects(ask('default'), /refused by now/)
    assert.equal((await ask('other')).allowed, true)
    assert.equal((await owner.get<{ agents: unknown[] }>('/api/v1/agents')).agents.length, 0)
  })

  it('is whole again once each has something usable in its place', async () => {
    await owner.post('/api/v1/relations/model', { dsl: MODEL })
    assert.equal((await ask('default')).allowed, true, 'and no tuple is lost')
    await owner.post('/api/v1/policy/apply', { agent: '', user: '' })
    await owner.post('/api/v1/stores/app', { policies: '', schema: '', entities: [] })
    assert.deepEqual((await quarantined()).map(({ kind }) => kind).sort(), ['relation model', 'tool'])
  })

  it('does not happen at all over a ledger that does not match itself', async () => {
    await stop()
    const journal = path.join(data, 'ledger', 'journal')
    const [segment = ''] = readdirSync(journal).sort()
    const file = path.join(journal, segment)
    const bytes = readFileSync(file)
    bytes.writeUInt8(bytes.readUInt8(200) ^ 1, 200)
    writeFileSync(file, bytes)
    await assert.rejects(start(), { code: 'ledger_corrupt' })
  })
})
