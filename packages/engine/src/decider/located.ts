/**
 * What the host knows of the caller's network becomes part of the question, before the turn: from then on the decision
 * depends on the request only, and what is recorded can be judged again.
 * @module
 */
import type { CallRequest } from '@safeconduct/protocol'
import type { NetworkLookup } from '../ports.ts'

export function located(request: CallRequest, networks: NetworkLookup | undefined): CallRequest {
  const { ip, country, network } = request.context
  if (networks === undefined || ip === null || network !== undefined) return request
  const known = networks.lookup(ip)
  if (known === null) return request
  return {
    ...request,
    context: {
      ...request.context,
      country: country ?? known.country,
      network: { asn: known.asn, hosting: known.hosting },
    },
  }
}
