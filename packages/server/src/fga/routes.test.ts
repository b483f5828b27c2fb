import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FGA_ROUTES } from './routes.ts'

/** Who may call what, written a second time: a row that lets in more than yesterday has to be changed here, too. */
const EXPECTED = `
DELETE /fga/stores/:store                                     relations:write
GET    /fga/stores                                            relations:read
GET    /fga/stores/:store                                     relations:read
GET    /fga/stores/:store/assertions/:model                   relations:read
GET    /fga/stores/:store/authorization-models                relations:read
GET    /fga/stores/:store/authorization-models/:model         relations:read
GET    /fga/stores/:store/changes                             relations:read
POST   /fga/stores                                            relations:write
POST   /fga/stores/:store/authorization-models                relations:write
POST   /fga/stores/:store/batch-check                         relations:read
POST   /fga/stores/:store/check                               relations:read
POST   /fga/stores/:store/expand                              relations:read
POST   /fga/stores/:store/list-objects                        relations:read
POST   /fga/stores/:store/list-users                          relations:read
POST   /fga/stores/:store/read                                relations:read
POST   /fga/stores/:store/streamed-list-objects               relations:read
POST   /fga/stores/:store/write                               relations:write
PUT    /fga/stores/:store/assertions/:model                   relations:write
`

describe("the table of OpenFGA's interface", () => {
  it('needs exactly the scopes it is meant to', () => {
    const rows = FGA_ROUTES.map(({ method, path, scope }) => `${method} ${path} ${scope}`).sort()
    const expected = EXPECTED.trim()
      .split('\n')
      .map((line) => line.replaceAll(/ +/g, ' '))
    assert.deepEqual(rows, expected)
  })

  it('reads bodies only where something is sent', () => {
    for (const { method, path, body, query } of FGA_ROUTES) {
      assert.equal(body === null, method === 'GET' || method === 'DELETE', `${method} ${path}`)
      assert.ok(query === null || method === 'GET', `${method} ${path}`)
    }
  })
})
