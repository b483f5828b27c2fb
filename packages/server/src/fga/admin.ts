/**
 * Relations for the command line and the browser. Over the control socket a change waits for the signed-in owner, as
 * every change does that may widen what somebody may do. Many tuples are first laid ready, so that one confirmation,
 * bound to their digest, is enough.
 * @module
 */
import { createHash, type Hash, hash } from 'node:crypto'
import { isJsonObject, type JsonObject, SafeconductError } from '@safeconduct/protocol'
import { RelationsError, type Tuple } from '@safeconduct/relations'
import * as z from 'zod'
import { notFound } from '../admin/not-found.ts'
import { byOf } from '../admin/ports.ts'
import type { DocumentPorts } from '../documents/routes.ts'
import { type Route, route } from '../http/route.ts'
import type { LiveSpace } from './ports.ts'
import { fromTuple, toTuple, tupleSchema } from './wire.ts'

const MAX_STAGED = 2_000_000
/** Of all parts as they were sent: few tuples may be long. */
const MAX_STAGED_CHARS = 512 * 1024 * 1024
const STAGED_MS = 15 * 60_000
/** Tuples of one write of an import; between two of them others may write. */
const CHUNK = 10_000

const text = z.string().min(1).max(512)
const key = z.strictObject({ user: text, relation: text, object: text })
const tuples = z.array(tupleSchema.strict()).max(10_000)
const named = z.string().max(64).optional()

interface Staged {
  readonly space: string
  readonly tuples: Tuple[]
  /** Over every part, in order: what is confirmed is what is written. */
  readonly hash: Hash
  /** Characters of every part. */
  readonly size: number
  readonly until: number
}

export function relationRoutes(ports: DocumentPorts): Route[] {
  const { relations, clock } = ports
  const staged = new Map<string, Staged>()

  /** By id or name; the one that policies ask when none is named. @throws `not_found` */
  function spaceOf(tenant: string, wanted: string | undefined): LiveSpace {
    const all = relations.spaces(tenant)
    const found =
      wanted === undefined
        ? relations.policySpace(tenant)
        : all.find(({ record }) => record.id === wanted || record.name === wanted)
    if (found !== null && found !== undefined) return found
    if (wanted !== undefined) throw notFound('relation space')
    throw new SafeconductError('not_found', {
      message: 'There is no relation space yet; write a model first: ./safeconduct relations model FILE',
    })
  }

  /** What nobody imported in time is in nobody's way. */
  function sweep(): void {
    for (const [old, { until }] of staged) if (until <= clock.now()) staged.delete(old)
  }

  /** @throws `not_found`; `conflict` when it is not, or no longer, what the digest says */
  function staging(id: string, digest?: string): Staged {
    sweep()
    const found = staged.get(id)
    if (found === undefined)
      throw new SafeconductError('not_found', {
        message: 'Nothing is laid ready under that name any more.',
      })
    if (digest !== undefined && digest !== stagedDigest(found))
      throw new SafeconductError('conflict', { message: 'What is laid ready is not what the digest says.' })
    return found
  }

  return [
    route({
      method: 'GET',
      path: '/api/v1/relations',
      who: 'reader',
      summary: 'Relation spaces, the newest model of each, and how many tuples they hold.',
      handle: async ({ tenant }) => ({ spaces: relations.spaces(tenant).map(view) }),
    }),
    route({
      method: 'POST',
      path: '/api/v1/relations/model',
      who: 'confirmed',
      summary: 'A new model version, and the relation space for it where there is none of that name.',
      body: z.union([
        z.strictObject({ space: named, dsl: z.string().max(262_144) }),
        z.strictObject({
          space: named,
          definition: z.custom<JsonObject>(isJsonObject as (value: unknown) => boolean, 'must be an object'),
        }),
      ]),
      confirm: async (body) => {
        await told(() =>
          ports.checks.as('ask').model('dsl' in body ? { dsl: body.dsl } : { definition: body.definition }),
        )
        const source = 'dsl' in body ? body.dsl : JSON.stringify(body.definition)
        return `Write the relation model ${digestOf(source).slice(0, 19)}… to ${body.space ?? 'the space that policies ask'}`
      },
      handle: async ({ tenant, body, caller }) => {
        const by = byOf(caller)
        const known = relations
          .spaces(tenant)
          .some(({ record }) => record.name === body.space || record.id === body.space)
        const make = body.space === undefined ? relations.policySpace(tenant) === null : !known
        const id = make
          ? (await relations.create(tenant, body.space ?? 'default', by)).id
          : spaceOf(tenant, body.space).record.id
        const model = await told(() =>
          relations.writeModel(
            tenant,
            id,
            'dsl' in body ? { dsl: body.dsl } : { definition: body.definition },
            by,
            'confirmed',
          ),
        )
        return { space: id, model: model.id }
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/relations/policy-space',
      who: 'confirmed',
      summary: 'Makes a relation space the one that policies ask.',
      body: z.strictObject({ space: text }),
      confirm: ({ space }, { tenant }) => {
        spaceOf(tenant, space)
        return `Let policies ask the relation space ${space}`
      },
      handle: async ({ tenant, body, caller }) => {
        const { id } = spaceOf(tenant, body.space).record
        await relations.makePolicy(tenant, id, byOf(caller))
        return { space: id }
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/relations/write',
      who: 'confirmed',
      summary: 'Writes and deletes tuples, all or nothing.',
      body: z.strictObject({
        space: named,
        writes: tuples.default([]),
        deletes: z.array(key).max(10_000).default([]),
      }),
      confirm: async ({ space, writes, deletes }, { tenant }) => {
        // Planned and thrown away: what the model does not allow is nothing to ask a person about.
        const { graph } = spaceOf(tenant, space)
        await told(async () => graph.plan(writes.map(toTuple), deletes))
        return `Write relations: ${[...writes.map((one) => shown('+', one)), ...deletes.map((one) => shown('−', one))].slice(0, 4).join(', ')}${writes.length + deletes.length > 4 ? ` and ${writes.length + deletes.length - 4} more, sha256:${digestOf(JSON.stringify([writes, deletes])).slice(7, 19)}…` : ''}`
      },
      handle: async ({ tenant, body, caller }) => {
        const { id } = spaceOf(tenant, body.space).record
        const request = { writes: body.writes.map(toTuple), deletes: body.deletes, options: {} }
        const revision = await told(() => relations.write(tenant, id, request, byOf(caller)))
        return { space: id, revision }
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/relations/check',
      who: 'reader',
      summary: 'Whether a user has a relation to an object now.',
      body: key.extend({ space: named }),
      handle: async ({ tenant, body: { space, ...question } }) => {
        const { graph } = spaceOf(tenant, space)
        return told(async () => graph.check(question))
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/relations/list',
      who: 'reader',
      summary: 'Objects of a type that a user has a relation to, page by page.',
      body: z.strictObject({
        space: named,
        user: text,
        relation: text,
        type: text,
        cursor: z.string().max(8192).optional(),
      }),
      handle: async ({ tenant, body: { space, cursor, ...question }, signal }) => {
        const { graph } = spaceOf(tenant, space)
        const page = { pageSize: 1000, signal, ...(cursor === undefined ? {} : { cursor }) }
        const found = await told(() => graph.listObjects({ ...question, ...page }))
        return { objects: found.results, cursor: found.cursor ?? null, revision: found.revision }
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/relations/read',
      who: 'reader',
      summary: 'Every tuple of a space, page by page, and its newest model.',
      body: z.strictObject({ space: named, cursor: z.string().max(8192).optional() }),
      handle: async ({ tenant, body: { space, cursor } }) => {
        const { graph, models } = spaceOf(tenant, space)
        const page = await told(async () =>
          graph.read({}, { pageSize: 1000, ...(cursor === undefined ? {} : { cursor }) }),
        )
        return {
          model: models.at(-1)?.dsl ?? null,
          tuples: page.tuples.map(fromTuple),
          cursor: page.cursor ?? null,
        }
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/relations/stage',
      who: 'reader',
      summary: 'Lays tuples ready for an import, part after part; changes nothing.',
      body: z.strictObject({ space: named, staging: z.string().max(64).optional(), tuples }),
      handle: async ({ tenant, body }) => {
        const { id } = spaceOf(tenant, body.space).record
        sweep()
        const name = body.staging ?? ports.ids.next()
        const before = body.staging === undefined ? null : staging(body.staging)
        const all = before?.tuples ?? []
        const total = [...staged.values()].reduce((sum, one) => sum + one.tuples.length, 0)
        const part = JSON.stringify(body.tuples)
        const size = [...staged.values()].reduce((sum, one) => sum + one.size, part.length)
        const full = total + body.tuples.length > MAX_STAGED || size > MAX_STAGED_CHARS
        if (full || (before === null && staged.size >= 8))
          throw new SafeconductError('overloaded', { message: 'Too much is laid ready already.' })
        if (before !== null && before.space !== id) throw new SafeconductError('conflict')
        const parts = before?.hash ?? createHash('sha256')
        parts.update(`${part}\n`)
        for (const tuple of body.tuples) all.push(toTuple(tuple))
        const held = (before?.size ?? 0) + part.length
        const next = { space: id, tuples: all, hash: parts, size: held, until: clock.now() + STAGED_MS }
        staged.set(name, next)
        return { staging: name, count: all.length, digest: stagedDigest(next) }
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/relations/import',
      who: 'confirmed',
      summary: 'Writes what was laid ready; what is there already stays as it is.',
      body: z.strictObject({ staging: text, digest: text }),
      confirm: (body) => {
        const { space, tuples: all } = staging(body.staging, body.digest)
        return `Import ${all.length} relations (${body.digest.slice(0, 19)}…) into the space ${space}`
      },
      handle: async ({ tenant, body, caller }) => {
        const { space, tuples: all } = staging(body.staging, body.digest)
        staged.delete(body.staging)
        let revision = ''
        for (let from = 0; from < all.length; from += CHUNK) {
          const request = {
            writes: all.slice(from, from + CHUNK),
            deletes: [],
            options: { onDuplicate: 'ignore' },
          } as const
          revision = await told(() => relations.write(tenant, space, request, byOf(caller)))
        }
        return { space, count: all.length, revision }
      },
    }),
  ]
}

const digestOf = (of: string): string => `sha256:${hash('sha256', of, 'hex')}`

const stagedDigest = ({ hash: parts }: Staged): string => `sha256:${parts.copy().digest('hex')}`

const shown = (sign: string, { user, relation, object }: z.infer<typeof key>) =>
  `${sign}${user} ${relation} ${object}`

function view({ record, models, graph }: LiveSpace): object {
  const { id, name, role, createdAt } = record
  const latest = models.at(-1)
  return {
    id,
    name,
    role,
    createdAt,
    model: latest?.id ?? null,
    models: models.length,
    tuples: graph.size.tuples,
    revision: graph.revision,
    quarantined: graph.quarantined.map(({ id: model, why }) => ({ model, why: why.message })),
    sealed: graph.sealed?.message ?? null,
  }
}

/** Messages of the library name what the caller sent; they may be told. */
async function told<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof RelationsError)) throw error
    const conflicts = ['write_conflict', 'model_quarantined'].includes(error.code)
    const code = conflicts ? 'conflict' : 'invalid_params'
    throw new SafeconductError(code, { message: error.message, cause: error })
  }
}
