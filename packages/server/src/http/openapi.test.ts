import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as z from 'zod'
import { openapi } from './openapi.ts'
import { type Route, route } from './route.ts'

const get = (path: string, more: object = {}): Route =>
  route({ method: 'GET', path, who: 'reader', summary: 'Reads.', handle: async () => ({}), ...more })

function paths(...routes: Route[]): Record<string, Record<string, Record<string, unknown>>> {
  const { paths: made }: { paths?: Record<string, Record<string, Record<string, unknown>>> } = openapi(
    routes,
    '1',
  )
  return made ?? {}
}

describe('openapi', () => {
  it('describes the API and the log, and no page', () => {
    const made = paths(get('/'), get('/healthz'), get('/api/v1/a'), get('/log/b'), get('/local/c'))
    assert.deepEqual(Object.keys(made), ['/api/v1/a', '/log/b'])
  })

  it('writes parameters as OpenAPI does', () => {
    const made = paths(get('/api/v1/:a/b/:c{.+}'))
    assert.deepEqual(made['/api/v1/{a}/b/{c}']?.get?.parameters, [
      { name: 'a', in: 'path', required: true, schema: { type: 'string' } },
      { name: 'c', in: 'path', required: true, schema: { type: 'string' } },
    ])
  })

  it('describes queries and bodies as they are sent, and that a change may wait for the owner', () => {
    const query = z.strictObject({ limit: z.coerce.number().int().max(9).default(5), of: z.enum(['x', 'y']) })
    const listed = paths(get('/api/v1/a', { query }))['/api/v1/a']?.get?.parameters
    assert.deepEqual(
      (listed as { name: string; required: boolean }[]).map(({ name, required }) => [name, required]),
      [
        ['limit', false],
        ['of', true],
      ],
    )
    const change = route({
      method: 'POST',
      path: '/api/v1/a',
      who: 'confirmed',
      summary: 'Changes.',
      body: z.strictObject({ on: z.boolean(), note: z.string().default('') }),
      handle: async () => ({}),
    })
    const made = paths(get('/api/v1/a'), change)['/api/v1/a']
    assert.deepEqual(Object.keys(made ?? {}), ['get', 'post'])
    assert.ok(made?.get && made.post)
    const { requestBody, responses } = made.post as {
      requestBody: { content: { 'application/json': { schema: { required: string[] } } } }
      responses: object
    }
    assert.deepEqual(requestBody.content['application/json'].schema.required, ['on'])
    assert.deepEqual(Object.keys(responses).sort(), ['200', '202', 'default'])
    assert.deepEqual(Object.keys((made.get as { responses: object }).responses).sort(), ['200', 'default'])
  })
})
