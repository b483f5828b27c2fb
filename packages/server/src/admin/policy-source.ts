/**
 * How a policy is named by whoever asks about it: by its two texts, by the id of a version, or as the active one.
 * @module
 */
import { hash } from 'node:crypto'
import type { PolicySource } from '@safeconduct/engine'
import { type PolicyVersion, SafeconductError } from '@safeconduct/protocol'
import * as z from 'zod'
import { notFound } from './not-found.ts'
import type { AdminPorts } from './ports.ts'

export const texts = z.strictObject({ agent: z.string().max(262_144), user: z.string().max(262_144) })
export type Texts = z.infer<typeof texts>

/** `active` stands for the version that rules. */
export const reference = z.union([texts, z.strictObject({ version: z.string().min(1).max(256) })])
export type Reference = z.infer<typeof reference>

export function sourceOf({ agent, user }: Texts): PolicySource {
  return { agentPolicies: agent, userPolicies: user }
}

export function textsOf({ agentPolicies, userPolicies }: PolicySource): Texts {
  return { agent: agentPolicies, user: userPolicies }
}

export function digestOf({ agent, user }: Texts): string {
  return `sha256:${hash('sha256', `${agent.length}:${agent}${user}`, 'hex')}`
}

/** @throws `not_found` */
export async function resolve(ports: AdminPorts, tenant: string, of: Reference): Promise<Texts> {
  if (!('version' in of)) return of
  if (of.version !== 'active') return textsOf(await findVersion(ports, tenant, of.version))
  const [active] = await ports.store.policies.find(tenant, 'status', 'active')
  if (active === undefined) throw new SafeconductError('not_found', { message: 'No policy is active.' })
  return textsOf(active)
}

/** @throws `not_found` */
export async function findVersion(ports: AdminPorts, tenant: string, id: string): Promise<PolicyVersion> {
  const version = await ports.store.policies.get(tenant, id)
  if (version === null) {
    throw notFound('policy version')
  }
  return version
}
