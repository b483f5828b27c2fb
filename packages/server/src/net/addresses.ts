/**
 * Which addresses may be fetched from here: globally routable unicast ones and nothing else.
 * @module
 */
import ipaddr from 'ipaddr.js'

type Range = readonly [string, number]

/** Special-purpose blocks (IANA registries, RFC 6890) that `ipaddr.js` calls unicast. */
const MORE_IPV4: readonly Range[] = [
  ['192.31.196.0', 24],
  ['192.52.193.0', 24],
  ['192.175.48.0', 24],
  ['198.18.0.0', 15],
]
const MORE_IPV6: readonly Range[] = [
  ['2001::', 23],
  ['2620:4f:8000::', 48],
  ['3fff::', 20],
]
const GLOBAL_IPV6: Range = ['2000::', 3]

/**
 * True for a globally routable unicast address. An IPv4 address inside an IPv6 one is judged as the IPv4 address
 * when it is mapped (`::ffff:`), and refused in every other disguise (6to4, Teredo, NAT64).
 */
export function isPublicAddress(text: string): boolean {
  const bare = text.split('%', 1)[0] ?? ''
  if (bare.length !== text.length || !ipaddr.isValid(bare)) return false
  const parsed = ipaddr.parse(bare)
  if (parsed.kind() === 'ipv4') return isPublicIpv4(bare)
  const six = ipaddr.IPv6.parse(bare)
  if (six.isIPv4MappedAddress()) return isPublicIpv4(six.toIPv4Address().toString())
  if (six.range() !== 'unicast') return false
  return inRange6(six, GLOBAL_IPV6) && !MORE_IPV6.some((range) => inRange6(six, range))
}

/** True for 127.0.0.0/8 and ::1, mapped or not. */
export function isLoopbackAddress(text: string): boolean {
  if (!ipaddr.isValid(text)) return false
  return ipaddr.process(text).range() === 'loopback'
}

function isPublicIpv4(text: string): boolean {
  // Four decimal parts only: `ipaddr.js` would also read octal, hexadecimal and short forms.
  if (!ipaddr.IPv4.isValidFourPartDecimal(text)) return false
  const four = ipaddr.IPv4.parse(text)
  if (four.range() !== 'unicast') return false
  return !MORE_IPV4.some(([net, bits]) => four.match(ipaddr.IPv4.parse(net), bits))
}

function inRange6(six: ipaddr.IPv6, [net, bits]: Range): boolean {
  return six.match(ipaddr.IPv6.parse(net), bits)
}
