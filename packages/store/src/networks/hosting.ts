/**
 * Whether the holder of a network rents out machines, by the words of its registered name. A guess that is right often
 * enough to be one term among others, never a reason by itself: many an agent lives in a data centre.
 * @module
 */

const HOSTING =
  /\b(?:hosting|host|hosted|cloud|clouds|vps|server|servers|colo|colocation|colocrossing|dedicated|data ?cent(?:er|re)s?|virtual|vpn|cdn|aws|amazon|ovh|hetzner|linode|akamai|choopa|vultr|contabo|leaseweb|scaleway|digitalocean|m247|datacamp|alibaba|tencent|oracle|google|microsoft|cloudflare|fastly|rackspace|ionos|equinix|gcore|g-core|netcup|upcloud|kamatera|hostinger|godaddy|psychz|quadranet|cogent|datapacket|zenlayer)/i
/** Names of those who sell access and happen to carry such a word. */
const ACCESS =
  /\b(?:telecom|telekom|telecommunications?|telefonica|mobile|broadband|wireless|cable|fiber|fibre|university|school|fiberhost)\b/i

export function isHosting(organisation: string): boolean {
  return HOSTING.test(organisation) && !ACCESS.test(organisation)
}
