import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createControlPlane } from './control-plane.ts'
import { inertPorts } from './testing/inert-ports.ts'

/**
 * Who may call what, written a second time: a row that lets in more people than yesterday has to be changed here, too.
 */
const EXPECTED = `
GET  /                                     public
GET  /.well-known/authzen-configuration    public
GET  /.well-known/authzen-configuration/stores/:store public
GET  /access/v1/requests/:handle           asker
GET  /api/v1/agents                        reader
GET  /api/v1/agents/:id                    reader
GET  /api/v1/agents/:id/baselines          reader
GET  /api/v1/approvals                     reader
GET  /api/v1/approvals/:id                 reader
GET  /api/v1/decisions                     reader
GET  /api/v1/decisions/:id                 reader
GET  /api/v1/decisions/:id/receipt         reader
GET  /api/v1/elevations                    reader
GET  /api/v1/enforcers                     reader
GET  /api/v1/events                        reader
GET  /api/v1/owner-requests                reader
GET  /api/v1/owner-requests/:id            reader
GET  /api/v1/policy                        reader
GET  /api/v1/policy/shadow                 reader
GET  /api/v1/policy/versions/:id           reader
GET  /api/v1/policy/versions/:id/receipt   reader
GET  /api/v1/privileges                    reader
GET  /api/v1/relations                     reader
GET  /api/v1/servers                       reader
GET  /api/v1/session                       owner
GET  /api/v1/status                        reader
GET  /api/v1/stores                        reader
GET  /api/v1/stores/:name                  reader
GET  /api/v1/subjects/:kind/:id            reader
GET  /api/v1/tasks                         reader
GET  /api/v1/tasks/:id                     reader
GET  /api/v1/tools                         reader
GET  /api/v1/tools/corrections             reader
GET  /api/v1/users                         reader
GET  /approvals/:id                        public
GET  /assets/icon.svg                      public
GET  /assets/live.css                      public
GET  /assets/live.js                       public
GET  /healthz                              public
GET  /log/checkpoint                       public
GET  /log/tile/:path{.+}                   public
GET  /log/tile/entries/:path{.+}           reader
GET  /metrics                              loopback
GET  /openapi.json                         public
GET  /readyz                               public
POST /access/v1/evaluation                 asker
POST /access/v1/evaluations                asker
POST /access/v1/requests                   asker
POST /access/v1/search/action              asker
POST /access/v1/search/resource            asker
POST /access/v1/search/subject             asker
POST /access/v1/stores/:store/evaluation   asker
POST /access/v1/stores/:store/evaluations  asker
POST /access/v1/stores/:store/requests     asker
POST /access/v1/stores/:store/search/action asker
POST /access/v1/stores/:store/search/resource asker
POST /access/v1/stores/:store/search/subject asker
POST /api/v1/agents                        reader
POST /api/v1/agents/:id/autonomy           confirmed
POST /api/v1/agents/:id/baselines          confirmed
POST /api/v1/agents/:id/baselines/:baseline/restore confirmed
POST /api/v1/agents/:id/composition        reader
POST /api/v1/agents/:id/feedback           confirmed
POST /api/v1/agents/:id/readmit             confirmed
POST /api/v1/agents/:id/roles              confirmed
POST /api/v1/agents/:id/trust              confirmed
POST /api/v1/agents/:id/zone               confirmed
POST /api/v1/approvals/:id/decide          owner
POST /api/v1/calls/:id/settle              enforcer
POST /api/v1/calls/prepare                 enforcer
POST /api/v1/calls/tools                   enforcer
POST /api/v1/decisions/:id/contest         confirmed
POST /api/v1/documents/authorized          asker
POST /api/v1/documents/filter              asker
POST /api/v1/elevations                    asker
POST /api/v1/elevations/:id/decide         confirmed
POST /api/v1/elevations/:id/revoke         reader
POST /api/v1/enforcers                     confirmed
POST /api/v1/enforcers/:name/revoke        reader
POST /api/v1/owner-requests/:id/decide     owner
POST /api/v1/policy/apply                  confirmed
POST /api/v1/policy/check                  reader
POST /api/v1/policy/diff                   reader
POST /api/v1/policy/replay                 reader
POST /api/v1/policy/rollback               confirmed
POST /api/v1/policy/shadow/start           confirmed
POST /api/v1/policy/shadow/stop            reader
POST /api/v1/relations/check               reader
POST /api/v1/relations/import              confirmed
POST /api/v1/relations/list                reader
POST /api/v1/relations/model               confirmed
POST /api/v1/relations/policy-space        confirmed
POST /api/v1/relations/read                reader
POST /api/v1/relations/stage               reader
POST /api/v1/relations/write               confirmed
POST /api/v1/revocations                   reader
POST /api/v1/servers                       confirmed
POST /api/v1/servers/:name/approve         confirmed
POST /api/v1/servers/:name/credential      owner
POST /api/v1/servers/:name/remove          confirmed
POST /api/v1/servers/:name/zone            confirmed
POST /api/v1/stores/:name                  confirmed
POST /api/v1/stores/:name/check            reader
POST /api/v1/stores/:name/rollback         confirmed
POST /api/v1/subjects/:kind/:id/erase      confirmed
POST /api/v1/tools/approve                 confirmed
POST /api/v1/tools/corrections             confirmed
POST /api/v1/tools/corrections/check       reader
POST /api/v1/tools/roles                   confirmed
POST /api/v1/users/:id/roles               confirmed
`

describe('the route table', () => {
  const { routes, close } = createControlPlane(inertPorts())
  close()

  it('lets in exactly whom it is meant to', () => {
    const rows = routes.map(({ method, path, who }) => `${method} ${path} ${who}`).sort()
    const expected = EXPECTED.trim()
      .split('\n')
      .map((line) => line.replaceAll(/ +/g, ' '))
    assert.deepEqual(rows, expected)
  })

  it('lets nobody change anything who is nobody, and reads no body where nothing is changed', () => {
    for (const row of routes) {
      const name = `${row.method} ${row.path}`
      if (row.method === 'POST') assert.ok(!['public', 'loopback'].includes(row.who), name)
      assert.equal(row.body === null, row.method === 'GET', name)
      assert.ok(row.query === null || row.method === 'GET', name)
      assert.equal(row.confirm !== undefined, row.who === 'confirmed', `${name} says what is confirmed`)
    }
  })

  it('asks for entries before tiles, so that no wider row answers for a narrower one', () => {
    const at = (path: string) => routes.findIndex((row) => row.path === path)
    assert.ok(at('/log/tile/entries/:path{.+}') < at('/log/tile/:path{.+}'))
  })
})
