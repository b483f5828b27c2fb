/**
 * The whole daemon: OpenFGA's client at its port, policies that ask, a restart in between.
 */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { CredentialsMethod, OpenFgaClient } from '@openfga/sdk'
import { readConfig } from '@safeconduct/protocol'
import { modelToJson } from '@safeconduct/relations'
import { type Daemon, startDaemon } from 'safeconduct'
import { signInOwner } from '../../examples/trading-desk/owner.ts'

const MODEL = `model
  schema 1.1
type user
type document
  relations
    define viewer: [user]
`

describe('relations in the daemon', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'fga-'))
  const secret = `sce_${randomBytes(32).toString('base64url')}`
  let daemon: Daemon
  const start = () =>
    startDaemon(
      readConfig({
        SAFECONDUCT_DATA: path.join(folder, 'data'),
        SAFECONDUCT_PORT: '0',
        SAFECONDUCT_LOG_LEVEL: 'error',
      }),
    )
  const client = (storeId?: string) =>
    new OpenFgaClient({
      apiUrl: `${daemon.url}/fga`,
      credentials: { method: CredentialsMethod.ApiToken, config: { token: secret } },
      ...(storeId === undefined ? {} : { storeId }),
    })
  before(async () => {
    daemon = await start()
    const owner = await signInOwner(daemon.url, daemon.signInLink())
    await owner.post('/api/v1/enforcers', {
      name: 'app',
      key_digest: `sha256:${createHash('sha256').update(secret).digest('hex')}`,
      scopes: ['relations:read', 'relations:write'],
    })
  })
  after(async () => {
    await daemon.close()
    rmSync(folder, { recursive: true, force: true })
  })

  it('are written by a registered application, kept over a restart, and stand in the ledger', async () => {
    const { id } = await client().createStore({ name: 'documents' })
    await client(id).writeAuthorizationModel(modelToJson(MODEL) as never)
    const ann = { user: 'user:ann', relation: 'viewer', object: 'document:plan' }
    await client(id).writeTuples([ann])
    assert.equal((await client(id).check(ann)).allowed, true)
    assert.equal(
      daemon.foundation.relations.facts('default')?.check('user:ann', 'viewer', 'document:plan'),
      true,
    )
    const before = daemon.foundation.log.size
    await client(id).writeTuples([{ ...ann, object: 'document:fees' }])
    await daemon.foundation.decider.drainOutbox()
    assert.ok(daemon.foundation.log.size > before, 'the write is an entry')

    await daemon.close()
    assert.ok(existsSync(path.join(folder, 'data', 'relations', `${id}.graph`)))
    daemon = await start()
    assert.equal((await client(id).check(ann)).allowed, true)
    const { objects } = await client(id).listObjects({
      user: 'user:ann',
      relation: 'viewer',
      type: 'document',
    })
    assert.deepEqual(objects.sort(), ['document:fees', 'document:plan'])
  })

  it('are closed to whoever is nobody', async () => {
    assert.equal((await fetch(`${daemon.url}/fga/stores`)).status, 401)
  })
})
