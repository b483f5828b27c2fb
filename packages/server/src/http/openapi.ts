/**
 * The OpenAPI 3.1 description, made from the route table and its schemas.
 * @module
 */
import * as z from 'zod'
import type { Route } from './route.ts'

/** What programs ask; pages and the control socket are not described. */
const DESCRIBED = ['/api/', '/access/', '/.well-known/authzen', '/log/']

export function openapi(routes: readonly Route[], version: string): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const route of routes.filter(({ path }) => DESCRIBED.some((prefix) => path.startsWith(prefix)))) {
    const path = route.path.replace(/:(\w+)(?:\{[^}]*\})?/g, '{$1}')
    paths[path] ??= {}
    paths[path][route.method.toLowerCase()] = operation(route, path)
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Safeconduct', version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    paths,
  }
}

const object = (properties: Readonly<Record<string, object>>) => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
})
const content = (schema: object) => ({ 'application/json': { schema } })

/** Asked for over the control socket, and waiting for the signed-in owner. */
const ASKED = {
  description: 'Waits until the owner confirms it in the browser.',
  content: content(
    object({
      request: object({ id: { type: 'string' }, summary: { type: 'string' }, expiresAt: { type: 'number' } }),
    }),
  ),
}
const ERROR = {
  description: 'A typed error.',
  content: content(object({ error: { type: 'string' }, message: { type: 'string' } })),
}

function operation(route: Route, path: string): object {
  const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }))
  return {
    summary: route.summary,
    'x-who': route.who,
    parameters: [...named, ...queryParameters(route)],
    ...(route.body === null
      ? {}
      : {
          requestBody: {
            required: true,
            content: content(z.toJSONSchema(route.body, { io: 'input', unrepresentable: 'any' })),
          },
        }),
    responses: {
      '200': { description: 'Done.' },
      ...(route.who === 'confirmed' ? { '202': ASKED } : {}),
      default: ERROR,
    },
  }
}

function queryParameters(route: Route): object[] {
  if (route.query === null) return []
  const schema: { properties?: Record<string, unknown> | undefined; required?: string[] | undefined } =
    z.toJSONSchema(route.query, { io: 'input' })
  return Object.entries(schema.properties ?? {}).map(([name, member]) => ({
    name,
    in: 'query',
    required: schema.required?.includes(name) ?? false,
    schema: member,
  }))
}
