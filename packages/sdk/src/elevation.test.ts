import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GrantError, type Held } from './agent.ts'
import { askForRole } from './elevation.ts'

function holding(status: number, body: unknown): { held: Held; asked: [string, string][] } {
  const asked: [string, string][] = []
  const answer: typeof fetch = async (url, init) => {
    asked.push([String(url), String(init?.body)])
    return new Response(JSON.stringify(body), { status })
  }
  return { held: { accessToken: () => 't', fetch: answer }, asked }
}

test('asks with the grant, and tells how it stands', async () => {
  const elevation = {
    id: 'el_1',
    role: 'desk',
    status: 'pending',
    task: 't',
    minutes: 60,
    expiresAt: 5,
    more: 1,
  }
  const { held, asked } = holding(200, elevation)
  const { more: _more, ...told } = elevation
  assert.deepEqual(await askForRole('https://x.example', held, { role: 'desk', reason: 'why' }), told)
  assert.deepEqual(asked, [['https://x.example/api/v1/elevations', '{"role":"desk","reason":"why"}']])
})

test('a refusal is an error with its code, and nonsense is no elevation', async () => {
  const failing = async (status: number, body: unknown, code: string) =>
    assert.rejects(
      askForRole('https://x.example', holding(status, body).held, { role: 'r', reason: 'y' }),
      (error) => {
        assert.ok(error instanceof GrantError)
        assert.equal(error.error, code)
        return true
      },
    )
  await failing(403, { error: 'denied', message: 'No.' }, 'denied')
  await failing(502, 'x', 'http_502')
  await failing(200, {}, 'invalid_response')
})
