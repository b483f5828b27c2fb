/**
 * Network addresses as numbers that sort as the addresses do.
 * @module
 */
import { isIPv4, isIPv6 } from 'node:net'

export type AddressNumber =
  | { readonly family: 4; readonly value: number }
  /** The upper 64 bits: no network that is routed on the Internet is smaller. */
  | { readonly family: 6; readonly value: bigint }

const MAPPED = 0xffffn

/** An IPv4 address inside an IPv6 one (`::ffff:192.0.2.1`) is itself. Null when the text is no address. */
export function addressNumber(text: string): AddressNumber | null {
  if (isIPv4(text)) return { family: 4, value: fourOf(text) }
  if (!isIPv6(text) || text.includes('%')) return null
  const all = sixOf(text)
  if (all >> 32n === MAPPED) return { family: 4, value: Number(all & 0xffff_ffffn) }
  return { family: 6, value: all >> 64n }
}

function fourOf(text: string): number {
  return text.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
}

/** RFC 4291 §2.2; the URL parser reads every spelling and writes one (RFC 5952), without dots. */
function sixOf(text: string): bigint {
  const [head = '', tail] = new URL(`http://[${text}]`).hostname.slice(1, -1).split('::')
  const groups = (part: string) => (part === '' ? [] : part.split(':'))
  const [left, right] = [groups(head), groups(tail ?? '')]
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => '0')
  return [...left, ...zeros, ...right].reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n)
}
