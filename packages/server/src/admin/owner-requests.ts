/**
 * Changes asked for on the command line wait here until the signed-in owner confirms them in the browser: a program
 * that runs as the same user can ask, but not confirm.
 * @module
 */

import type { Repositories } from '@safeconduct/engine'
import {
  canonicalize,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  type OwnerRequest,
  SafeconductError,
  toSafeconductError,
} from '@safeconduct/protocol'
import * as z from 'zod'
import { type Asked, type Route, type RouteContext, route } from '../http/route.ts'
import { displayText } from '../pages/html.ts'
import type { AdminPorts } from './ports.ts'

const LIFETIME_MS = 10 * 60_000
const MAX_PENDING = 50
/** How long what nobody answered stays readable for whoever asked. */
const KEPT_MS = 10 * 60_000

export interface OwnerRequestPorts extends AdminPorts {
  readonly onError: (error: SafeconductError, path: string) => void
}

export interface OwnerRequests {
  readonly routes: readonly Route[]
  ask(row: Route, body: JsonValue, params: Readonly<Record<string, string>>): Promise<object>
}

/** `rows` are the confirmed rows of the table; a request names its row by method and path. */
export function createOwnerRequests(ports: OwnerRequestPorts, rows: () => readonly Route[]): OwnerRequests {
  const verbOf = (row: Route) => `${row.method} ${row.path}`
  const asOf = (request: OwnerRequest): OwnerRequest =>
    request.status === 'pending' && request.expiresAt <= ports.clock.now()
      ? { ...request, status: 'expired' }
      : request

  const find = async (tenant: string, id: string | undefined): Promise<OwnerRequest> => {
    const request = await ports.store.ownerRequests.get(tenant, id ?? '')
    if (request === null) throw new SafeconductError('not_found', { message: 'There is no such request.' })
    return asOf(request)
  }

  async function run(request: OwnerRequest, context: RouteContext<never, never>): Promise<JsonObject> {
    const row = rows().find((one) => verbOf(one) === request.verb && one.who === 'confirmed')
    if (row === undefined) throw new SafeconductError('not_found', { message: 'That verb no longer exists.' })
    const body = row.body === null ? null : row.body.parse(request.params.body ?? {})
    const named = request.params.params
    const params = isJsonObject(named)
      ? Object.fromEntries(Object.entries(named).map(([k, v]) => [k, String(v)]))
      : {}
    const result: JsonValue = JSON.parse(
      JSON.stringify(await row.handle({ ...context, body: body as never, params })),
    )
    return isJsonObject(result) ? result : { value: result }
  }

  /** It was agreed to, so its failure is a result like another: whoever asked is told. */
  async function outcome(request: OwnerRequest, context: RouteContext<never, never>): Promise<JsonObject> {
    try {
      return await run(request, context)
    } catch (thrown) {
      const error = toSafeconductError(thrown)
      if (error.code === 'internal') ports.onError(error, request.verb)
      return { error: error.code, message: error.message }
    }
  }

  async function decide(
    id: string | undefined,
    confirm: boolean,
    context: RouteContext<never, never>,
  ): Promise<OwnerRequest> {
    const request = await find(context.tenant, id)
    if (request.status === 'expired')
      throw new SafeconductError('expired', { message: 'Nobody confirmed it in time; ask again.' })
    if (request.status !== 'pending')
      throw new SafeconductError('conflict', { message: `It was ${request.status} already.` })
    // Taken before it runs: two confirmations cannot run it twice.
    const taken: OwnerRequest = {
      ...request,
      version: request.version + 1,
      status: confirm ? 'confirmed' : 'refused',
    }
    await ports.store.ownerRequests.replace(taken)
    if (!confirm) return publish(taken)
    const result = await outcome(request, context)
    const done: OwnerRequest = { ...taken, version: taken.version + 1, result }
    await ports.store.ownerRequests.replace(done)
    return publish(done)
  }

  function publish(request: OwnerRequest): OwnerRequest {
    ports.bus.publish({ type: 'owner-request', tenant: request.tenant, request })
    return request
  }

  const routes = [
    route({
      method: 'GET',
      path: '/api/v1/owner-requests',
      who: 'reader',
      summary: 'Changes that wait for the owner.',
      handle: async ({ tenant }) => {
        const pending = await ports.store.ownerRequests.find(tenant, 'status', 'pending', {
          limit: 200,
          newestFirst: true,
        })
        return { requests: pending.map(asOf).filter((request) => request.status === 'pending') }
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/owner-requests/:id',
      who: 'reader',
      summary: 'One request and, once confirmed, its result.',
      handle: async ({ tenant, params }) => find(tenant, params.id),
    }),
    route({
      method: 'POST',
      path: '/api/v1/owner-requests/:id/decide',
      who: 'owner',
      summary: 'Confirms or refuses a change asked for on the command line.',
      body: z.strictObject({ confirm: z.boolean() }),
      handle: async (context) =>
        decide(context.params.id, context.body.confirm, {
          ...context,
          body: null as never,
          query: null as never,
        }),
    }),
  ]

  return {
    routes,
    async ask(row, body, params) {
      const parsed = row.body === null ? null : row.body.parse(body)
      const now = ports.clock.now()
      const { tenant } = ports
      const told = (await row.confirm?.(parsed as never, { tenant, params })) ?? row.summary
      const asked: Asked = typeof told === 'string' ? { summary: told } : told
      const { summary: asks, shown } = asked
      const target = Object.values(params).join(' ')
      const sentence = displayText(target === '' ? asks : `${asks}: ${target}`, 300)
      const request: OwnerRequest = {
        tenant,
        id: `or_${ports.ids.next()}`,
        version: 1,
        verb: verbOf(row),
        summary: sentence,
        params: {
          body: asked.body ?? body,
          params: { ...params },
          ...(shown === undefined ? {} : { shown }),
        },
        status: 'pending',
        result: null,
        createdAt: now,
        expiresAt: now + LIFETIME_MS,
      }
      const waits = await ports.store.tx(async (t) => {
        const waiting = await makeRoom(t, tenant, now)
        const same = waiting.find((one) => sameQuestion(one, request))
        if (same !== undefined) return same
        if (waiting.length >= MAX_PENDING) {
          throw new SafeconductError('overloaded', {
            message: 'Too many changes wait for the owner already.',
          })
        }
        await t.ownerRequests.insert(request)
        return publish(request)
      })
      return { request: { id: waits.id, summary: waits.summary, expiresAt: waits.expiresAt } }
    },
  }
}

/** Asked again, word for word, it stays one question to the owner. */
function sameQuestion(one: OwnerRequest, other: OwnerRequest): boolean {
  return one.verb === other.verb && canonicalize(one.params) === canonicalize(other.params)
}

/** Those that wait. What nobody answered goes after a while, so that asking again and again fills nothing. */
async function makeRoom(t: Repositories, tenant: string, now: number): Promise<OwnerRequest[]> {
  const unanswered = await t.ownerRequests.find(tenant, 'status', 'pending', { limit: 1000 })
  for (const one of unanswered)
    if (one.expiresAt + KEPT_MS <= now) await t.ownerRequests.remove(tenant, one.id)
  return unanswered.filter((one) => one.expiresAt > now)
}
