/**
 * The SSRF rule for upstream addresses: a public https origin, or, where the owner allowed it for this server, anything.
 * Names are resolved by us and the connection goes to the very address that was checked.
 * @module
 */
import { type LookupAddress, type LookupAllOptions, lookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { isPublicAddress, SafeconductError } from '@safeconduct/protocol'

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
