/**
 * The SSRF rule for upstream addresses: a public https origin, or, where the owner allowed it for this server, anything.
 * Names are resolved by us and the connection goes to the very address that was checked.
 * @module
 */
import { type LookupAddress, type LookupAllOptions, lookup } from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'
import { SafeconductError } from '@safeconduct/protocol'

const REFUSED = new BlockList()
for (const [net, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const) {
  REFUSED.addSubnet(net, bits, 'ipv4')
}
/** Of IPv6 only global unicast is public; inside it, these are not, or hide an IPv4 address. */
const GLOBAL_V6 = new BlockList()
GLOBAL_V6.addSubnet('2000::', 3, 'ipv6')
const REFUSED_V6 = new BlockList()
for (const [net, bits] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const) {
  REFUSED_V6.addSubnet(net, bits, 'ipv6')
}

/** False for everything that is not certainly a public unicast address. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address)
  if (family === 4) return !REFUSED.check(address, 'ipv4')
  if (family === 6) return GLOBAL_V6.check(address, 'ipv6') && !REFUSED_V6.check(address, 'ipv6')
  return false
}

/**
 * Checks an upstream URL before anything is sent.
 * @throws {SafeconductError} `ssrf_refused`
 */
export function checkUpstreamUrl(text: string, allowPrivate: boolean): URL {
  if (!URL.canParse(text)) throw refused('The URL of the server is not valid.')
  const url = new URL(text)
  if (url.username !== '' || url.password !== '') throw refused('The URL of the server holds credentials.')
  if (url.protocol !== 'https:' && !(allowPrivate && url.protocol === 'http:')) {
    throw refused('The URL of the server must use https.')
  }
  const literal = url.hostname.replace(/^\[|\]$/g, '')
  if (!allowPrivate && isIP(literal) !== 0 && !isPublicAddress(literal)) {
    throw refused('The address of the server is private.')
  }
  return url
}

export type ResolveAll = (
  hostname: string,
  options: LookupAllOptions,
  done: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void

/** A resolver that hands out only addresses that may be connected to; one private answer spoils the name. */
export function guardedLookup(allowPrivate: boolean, resolve: ResolveAll = lookup): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, '', 0)
      const [first] = addresses
      if (
        first === undefined ||
        (!allowPrivate && !addresses.every((found) => isPublicAddress(found.address)))
      ) {
        return callback(refused('The address of the server is private.'), '', 0)
      }
      return options.all === true ? callback(null, addresses) : callback(null, first.address, first.family)
    })
  }
}

function refused(message: string): SafeconductError {
  return new SafeconductError('ssrf_refused', { message, details: { effect: 'none' } })
}
