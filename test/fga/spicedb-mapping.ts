/**
 * Just enough of SpiceDB's HTTP interface to check how the driver asks: requests are read strictly, put to our own graph,
 * and answered in SpiceDB's words. It says nothing about how SpiceDB itself decides.
 * @module
 */
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { RelationStore, RelationsError } from '@safeconduct/relations'
import * as z from 'zod'
import { MODEL } from './driver-conformance.ts'

const object = z.strictObject({ objectType: z.string(), objectId: z.string() })
const subject = z.strictObject({ object, optionalRelation: z.string().optional() })
const consistency = z.strictObject({ fullyConsistent: z.literal(true) })
const bulk = z.strictObject({
  consistency,
  items: z.array(z.strictObject({ resource: object, permission: z.string(), subject })),
})
const lookup = z.strictObject({
  consistency,
  resourceObjectType: z.string(),
  permission: z.string(),
  subject,
})
const filter = z.strictObject({
  resourceType: z.string(),
  optionalResourceId: z.string(),
  optionalRelation: z.string(),
  optionalSubjectFilter: z.strictObject({
    subjectType: z.string(),
    optionalSubjectId: z.string(),
    optionalRelation: z.strictObject({ relation: z.string() }),
  }),
})
const write = z.strictObject({
  updates: z.array(
    z.strictObject({
      operation: z.enum(['OPERATION_CREATE', 'OPERATION_DELETE']),
      relationship: z.strictObject({ resource: object, relation: z.string(), subject }),
    }),
  ),
  optionalPreconditions: z.array(z.strictObject({ operation: z.literal('OPERATION_MUST_MATCH'), filter })),
})

const named = ({ objectType, objectId }: z.infer<typeof object>) => `${objectType}:${objectId}`
const subjectText = (one: z.infer<typeof subject>) =>
  one.optionalRelation === undefined ? named(one.object) : `${named(one.object)}#${one.optionalRelation}`

type Answer = { readonly status: number; readonly lines: readonly object[] }
const ok = (...lines: object[]): Answer => ({ status: 200, lines })

export function spiceDbLike(token: string): Server {
  const graph = new RelationStore()
  graph.writeModel(MODEL)

  const rows: Readonly<Record<string, (body: unknown) => Promise<Answer>>> = {
    '/v1/permissions/checkbulk': async (body) => {
      const pairs = bulk.parse(body).items.map((item) => {
        try {
          const asked = {
            user: subjectText(item.subject),
            relation: item.permission,
            object: named(item.resource),
          }
          const { allowed } = graph.check(asked)
          return { item: { permissionship: `PERMISSIONSHIP_${allowed ? 'HAS' : 'NO'}_PERMISSION` } }
        } catch (error) {
          return { error: { code: 9, message: String(error) } }
        }
      })
      return ok({ pairs })
    },
    '/v1/permissions/resources': async (body) => {
      const asked = lookup.parse(body)
      const { results } = await graph.listObjects({
        user: subjectText(asked.subject),
        relation: asked.permission,
        type: asked.resourceObjectType,
      })
      return ok(
        ...results.map((id) => ({
          result: {
            resourceObjectId: id.slice(id.indexOf(':') + 1),
            permissionship: 'LOOKUP_PERMISSIONSHIP_HAS_PERMISSION',
          },
        })),
        {
          result: {
            resourceObjectId: 'perhaps',
            permissionship: 'LOOKUP_PERMISSIONSHIP_CONDITIONAL_PERMISSION',
          },
        },
      )
    },
    '/v1/relationships/write': async (body) => {
      const { updates, optionalPreconditions } = write.parse(body)
      for (const { filter: one } of optionalPreconditions) {
        const { subjectType, optionalSubjectId, optionalRelation } = one.optionalSubjectFilter
        const user = `${subjectType}:${optionalSubjectId}`
        const { tuples } = graph.read({
          object: `${one.resourceType}:${one.optionalResourceId}`,
          relation: one.optionalRelation,
          user: optionalRelation.relation === '' ? user : `${user}#${optionalRelation.relation}`,
        })
        if (tuples.length === 0) return { status: 400, lines: [{ code: 9, message: 'precondition' }] }
      }
      const of = (operation: string) =>
        updates
          .filter((update) => update.operation === operation)
          .map(({ relationship }) => ({
            object: named(relationship.resource),
            relation: relationship.relation,
            user: subjectText(relationship.subject),
          }))
      try {
        graph.write(of('OPERATION_CREATE'), of('OPERATION_DELETE'))
        return ok({ writtenAt: { token: graph.revision } })
      } catch (error) {
        const there = error instanceof RelationsError && error.code === 'write_conflict'
        return { status: there ? 409 : 400, lines: [{ code: there ? 6 : 3, message: String(error) }] }
      }
    },
  }

  return createServer(async (request, response) => {
    const row = rows[request.url ?? '']
    const good = request.method === 'POST' && request.headers.authorization === `Bearer ${token}`
    const answer =
      row === undefined || !good ? { status: 401, lines: [{}] } : await row(JSON.parse(await textOf(request)))
    response.writeHead(answer.status, { 'content-type': 'application/json' })
    response.end(answer.lines.map((line) => JSON.stringify(line)).join('\n'))
  })
}

async function textOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part)
  return Buffer.concat(parts).toString()
}
