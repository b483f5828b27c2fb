/**
 * What the decision point says of itself (Authorization API 1.0 §9). A policy store is a decision point of its own,
 * whose path comes after the well-known part.
 * @module
 */
import type { JsonObject } from '@safeconduct/protocol'
import { OBLIGATION_TYPES } from './answer.ts'
import type { AccessPorts } from './ports.ts'

const CAPABILITIES = [
  'urn:openid:authzen:capability:access-request',
  'urn:openid:authzen:capability:obligations',
]

/** `store` null: the decision point for agents' calls, and for the first store of whoever asks. */
export function metadata(access: Pick<AccessPorts, 'issuer' | 'sign'>, store: string | null): JsonObject {
  const point = store === null ? access.issuer : `${access.issuer}/stores/${store}`
  const base = store === null ? `${access.issuer}/access/v1` : `${access.issuer}/access/v1/stores/${store}`
  const facts = {
    policy_decision_point: point,
    access_evaluation_endpoint: `${base}/evaluation`,
    access_evaluations_endpoint: `${base}/evaluations`,
    search_subject_endpoint: `${base}/search/subject`,
    search_resource_endpoint: `${base}/search/resource`,
    search_action_endpoint: `${base}/search/action`,
    capabilities: CAPABILITIES,
    supported_obligations: [...OBLIGATION_TYPES],
  }
  return { ...facts, signed_metadata: access.sign('authzen-configuration+jwt', { iss: point, ...facts }) }
}
