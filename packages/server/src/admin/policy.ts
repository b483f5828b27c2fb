/**
 * Policy versions: immutable, checked before they rule, one active at a time. Trying one before it rules is in
 * `policy-trials.ts`.
 * @module
 */
import { type PolicyVersion, SafeconductError } from '@safeconduct/protocol'
import * as z from 'zod'
import { type Route, route } from '../http/route.ts'
import { askedPolicy, requireOver } from './policy-change.ts'
import { digestOf, findVersion, sourceOf, type Texts, texts, textsOf } from './policy-source.ts'
import { type AdminPorts, byOf, change } from './ports.ts'

/** Id of the version that ruled when the change was told of; null = none did. Left out, it is made over any. */
const over = z.string().max(256).nullable().optional()

export function policyRoutes(ports: AdminPorts): Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/v1/policy',
      who: 'reader',
      summary: 'The active policy and its earlier versions.',
      handle: async ({ tenant }) => {
        const versions = await ports.store.policies.list(tenant, { limit: 100, newestFirst: true })
        const [active] = await ports.store.policies.find(tenant, 'status', 'active')
        return {
          active: active ?? null,
          versions: versions.map(({ agentPolicies: _a, userPolicies: _u, ...rest }) => rest),
        }
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/policy/versions/:id',
      who: 'reader',
      summary: 'One version with its texts.',
      handle: async ({ tenant, params }) => findVersion(ports, tenant, params.id ?? ''),
    }),
    route({
      method: 'GET',
      path: '/api/v1/policy/versions/:id/receipt',
      who: 'reader',
      summary: 'A receipt of its activation (which digest, by whom, when) that verifies offline.',
      handle: async ({ tenant, params }) => {
        const version = await findVersion(ports, tenant, params.id ?? '')
        const receipt = await ports.policies.policyReceipt(tenant, version)
        if (receipt === null) {
          throw new SafeconductError('not_found', { message: 'The ledger tells of no activation of it.' })
        }
        return receipt
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/policy/check',
      who: 'reader',
      summary: 'Every problem with its place; changes nothing.',
      body: texts,
      handle: async ({ tenant, body }) => {
        const problems = await ports.checks.inspect(tenant, sourceOf(body))
        return { valid: problems.every(({ severity }) => severity !== 'error'), problems }
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/policy/apply',
      who: 'confirmed',
      summary: 'Activates a policy from the next call on.',
      body: texts.extend({ over }),
      confirm: async ({ agent, user }, { tenant }) => {
        const body = { agent, user }
        await ports.checks.as('ask').policy(tenant, sourceOf(body))
        const start = `Activate the policy ${digestOf(body).slice(0, 19)}…`
        return askedPolicy(ports, tenant, sourceOf(body), { start, body })
      },
      handle: async ({ tenant, body, caller }) => {
        await requireOver(ports, tenant, body.over)
        return apply(ports, tenant, body, byOf(caller))
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/policy/rollback',
      who: 'confirmed',
      summary: 'Activates the texts of an earlier version again.',
      body: z.strictObject({ id: z.string().max(256), over }),
      confirm: async ({ id }, { tenant }) => {
        const earlier = await findVersion(ports, tenant, id)
        await ports.checks.as('ask').policy(tenant, earlier)
        const start = `Go back to the policy version ${earlier.id}`
        return askedPolicy(ports, tenant, earlier, { start, body: { id } })
      },
      handle: async ({ tenant, body, caller }) => {
        await requireOver(ports, tenant, body.over)
        const version = await findVersion(ports, tenant, body.id)
        return apply(ports, tenant, textsOf(version), byOf(caller), version.id)
      },
    }),
  ]
}

/**
 * @param again id of the earlier version whose texts these are
 * @throws `policy_invalid`, saying where; nothing is activated then
 */
export async function apply(
  ports: AdminPorts,
  tenant: string,
  text: Texts,
  by: string,
  again: string | null = null,
): Promise<PolicyVersion> {
  await ports.checks.as('confirmed').policy(tenant, sourceOf(text))
  const version = newVersion(ports, tenant, text, { status: 'active', by })
  const event = { event: 'policy.activated', policy: version.id, digest: version.digest, by, again }
  return change(ports, event, async (t) => {
    for (const old of await t.policies.find(tenant, 'status', 'active')) {
      await t.policies.replace({ ...old, status: 'retired', version: old.version + 1 })
    }
    await t.policies.insert(version)
    return { result: version, control: [{ type: 'policy', tenant, version }] }
  })
}

export function newVersion(
  { ids, clock }: AdminPorts,
  tenant: string,
  text: Texts,
  { status, by }: { readonly status: PolicyVersion['status']; readonly by: string },
): PolicyVersion {
  return {
    tenant,
    id: `pv_${ids.next()}`,
    version: 1,
    ...sourceOf(text),
    digest: digestOf(text),
    status,
    createdAt: clock.now(),
    createdBy: by,
  }
}
