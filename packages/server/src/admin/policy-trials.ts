/**
 * A policy tried before it rules: what its text changes, what it would have made of recorded decisions, and what it makes
 * of live ones beside the policy that rules.
 * @module
 */
import * as z from 'zod'
import { type Route, route } from '../http/route.ts'
import { findAgent } from './agents.ts'
import { newVersion } from './policy.ts'
import { digestOf, reference, resolve, sourceOf } from './policy-source.ts'
import { type AdminPorts, byOf, change } from './ports.ts'
import { replayLines } from './replay-lines.ts'

const time = z.int().nonnegative()

const replayBody = z.strictObject({
  candidate: reference,
  /** Compared with this one instead of the recorded decisions. */
  base: reference.optional(),
  from: time.optional(),
  to: time.optional(),
  last: z.int().min(1).max(10_000_000).optional(),
  /** Name or id. */
  agent: z.string().max(256).optional(),
})

export function policyTrialRoutes(ports: AdminPorts): Route[] {
  return [
    route({
      method: 'POST',
      path: '/api/v1/policy/diff',
      who: 'reader',
      summary: 'Policies that were added, removed or changed, by id.',
      body: z.strictObject({ old: reference, new: reference }),
      handle: async ({ tenant, body }) => {
        const [before, after] = [
          await resolve(ports, tenant, body.old),
          await resolve(ports, tenant, body.new),
        ]
        return {
          old: digestOf(before),
          new: digestOf(after),
          changes: await ports.checks.diff(sourceOf(before), sourceOf(after)),
        }
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/policy/replay',
      who: 'reader',
      summary:
        'Recorded decisions put to a candidate: progress and, last, the report, one JSON value a line.',
      body: replayBody,
      handle: async ({ tenant, body, signal }) => {
        const { candidate, base, agent, ...times } = body
        const tried = sourceOf(await resolve(ports, tenant, candidate))
        await ports.checks.policy(tenant, tried)
        const run = ports.policies.replayPolicy(tenant, {
          candidate: tried,
          base: base === undefined ? null : sourceOf(await resolve(ports, tenant, base)),
          window: {
            ...defined(times),
            ...(agent === undefined ? {} : { agent: (await findAgent(ports, tenant, agent)).id }),
          },
        })
        // What is wrong with the question is told before anything is streamed.
        const first = await run.next()
        return new Response(replayLines(run, first, { signal }), {
          headers: { 'content-type': 'application/x-ndjson' },
        })
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/policy/shadow',
      who: 'reader',
      summary: 'The candidate in the shadow and what it would have decided otherwise.',
      handle: async ({ tenant }) => ({ shadow: ports.policies.shadow(tenant) }),
    }),
    route({
      method: 'POST',
      path: '/api/v1/policy/shadow/start',
      who: 'confirmed',
      summary: 'Asks a candidate beside the active policy from the next call on, without effect.',
      body: z.strictObject({ candidate: reference }),
      confirm: async ({ candidate }, { tenant }) => {
        const text = await resolve(ports, tenant, candidate)
        await ports.checks.as('ask').policy(tenant, sourceOf(text))
        return `Ask the policy ${digestOf(text).slice(0, 19)}… beside the active one, without effect`
      },
      handle: async ({ tenant, body, caller }) => {
        const text = await resolve(ports, tenant, body.candidate)
        await ports.checks.as('confirmed').policy(tenant, sourceOf(text))
        const by = byOf(caller)
        const version = newVersion(ports, tenant, text, { status: 'shadow', by })
        const event = { event: 'policy.shadowed', policy: version.id, digest: version.digest, by }
        return change(ports, event, async (t) => {
          for (const old of await t.policies.find(tenant, 'status', 'shadow')) {
            await t.policies.replace({ ...old, status: 'tried', version: old.version + 1 })
          }
          await t.policies.insert(version)
          return { result: version, control: [{ type: 'shadow', tenant, version }] }
        })
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/policy/shadow/stop',
      who: 'reader',
      summary: 'Takes the candidate out of the shadow; answers what it came to.',
      body: z.strictObject({}),
      handle: async ({ tenant, caller }) => {
        const report = ports.policies.shadow(tenant)
        if (report === null) return { stopped: null }
        const { version, digest } = report
        const event = { event: 'policy.unshadowed', policy: version, digest, by: byOf(caller) }
        return change(ports, event, async (t) => {
          for (const old of await t.policies.find(tenant, 'status', 'shadow')) {
            await t.policies.replace({ ...old, status: 'tried', version: old.version + 1 })
          }
          return { result: { stopped: report }, control: [{ type: 'shadow', tenant, version: null }] }
        })
      },
    }),
  ]
}

function defined<T extends object>(value: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
}
