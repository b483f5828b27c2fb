/**
 * Policy versions: immutable, checked before they rule, one active at a time.
 * @module
 */
import { hash } from 'node:crypto'
import { type PolicyVersion, SafeconductError } from '@safeconduct/protocol'
import * as z from 'zod'
import { type Route, route } from '../http/route.ts'
import { type AdminPorts, byOf, change } from './ports.ts'

const texts = z.strictObject({ agent: z.string().max(262_144), user: z.string().max(262_144) })

export function policyRoutes(ports: AdminPorts): Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/v1/policy',
      who: 'reader',
      summary: 'The active policy and its earlier versions.',
      handle: async ({ tenant }) => {
        const versions = await ports.store.policies.list(tenant, { limit: 100, newestFirst: true })
        const active = versions.find((version) => version.status === 'active') ?? null
        return { active, versions: versions.map(({ agentPolicies: _a, userPolicies: _u, ...rest }) => rest) }
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/policy/check',
      who: 'reader',
      summary: 'Parses and strictly validates; changes nothing.',
      body: texts,
      handle: async ({ body }) => {
        ports.checkPolicy(body)
        return { valid: true }
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/policy/apply',
      who: 'confirmed',
      summary: 'Activates a policy from the next call on.',
      body: texts,
      confirm: (body) => `Activate the policy ${digestOf(body).slice(0, 19)}…`,
      handle: async ({ tenant, body, caller }) => apply(ports, tenant, body, byOf(caller)),
    }),
    route({
      method: 'POST',
      path: '/api/v1/policy/rollback',
      who: 'confirmed',
      summary: 'Activates the texts of an earlier version again.',
      body: z.strictObject({ id: z.string().max(256) }),
      confirm: (body) => `Go back to the policy version ${body.id}`,
      handle: async ({ tenant, body, caller }) => {
        const version = await ports.store.policies.get(tenant, body.id)
        if (version === null)
          throw new SafeconductError('not_found', { message: 'There is no such policy version.' })
        const earlier = { agent: version.agentPolicies, user: version.userPolicies }
        return apply(ports, tenant, earlier, byOf(caller))
      },
    }),
  ]
}

function digestOf(text: z.infer<typeof texts>): string {
  return `sha256:${hash('sha256', `${text.agent.length}:${text.agent}${text.user}`, 'hex')}`
}

/** @throws `policy_invalid`, saying where; nothing is activated then */
export async function apply(
  ports: AdminPorts,
  tenant: string,
  text: z.infer<typeof texts>,
  by: string,
): Promise<PolicyVersion> {
  ports.checkPolicy(text)
  const version: PolicyVersion = {
    tenant,
    id: `pv_${ports.ids.next()}`,
    version: 1,
    agentPolicies: text.agent,
    userPolicies: text.user,
    digest: digestOf(text),
    status: 'active',
    createdAt: ports.clock.now(),
    createdBy: by,
  }
  return change(
    ports,
    { event: 'policy.activated', policy: version.id, digest: version.digest, by },
    async (t) => {
      for (const old of await t.policies.find(tenant, 'status', 'active')) {
        await t.policies.replace({ ...old, status: 'retired', version: old.version + 1 })
      }
      await t.policies.insert(version)
      return { result: version, control: [{ type: 'policy', tenant, version }] }
    },
  )
}
