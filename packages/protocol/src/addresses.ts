/**
 * Which network addresses may be connected to on somebody else's word: globally routable unicast ones (IANA
 * special-purpose registries, RFC 6890) and nothing else.
 * @module
 */

type Block = readonly [bits: bigint, length: number]
/** IPv4, first and last address. */
type Range = readonly [first: number, last: number]

const PART = String.raw`(0|[1-9]\d{0,2})`
const V4 = new RegExp(`^${PART}\\.${PART}\\.${PART}\\.${PART}$`)

const V4_REFUSED = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.31.196.0/24',
  '192.52.193.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '192.175.48.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
].map(range)

const V6_GLOBAL = block('2000::/3')
/** Inside global unicast: protocol assignments and Teredo, documentation, 6to4, AS112. */
const V6_REFUSED = ['2001::/23', '2001:db8::/32', '2002::/16', '2620:4f:8000::/48', '3fff::/20'].map((text) =>
  block(text),
)
const V4_LOOPBACK = range('127.0.0.0/8')

/**
 * False for everything that is not certainly a public unicast address in its usual spelling; an IPv4 address inside
 * an IPv6 one (mapped, 6to4, Teredo, NAT64) is a disguise and refused.
 */
export function isPublicAddress(text: string): boolean {
  const four = parseV4(text)
  if (four !== null) return !V4_REFUSED.some((one) => between(four, one))
  const six = parseV6(text)
  return six !== null && within(six, V6_GLOBAL) && !V6_REFUSED.some((one) => within(six, one))
}

/** True for 127.0.0.0/8 and ::1, not for a disguise of them. */
export function isLoopbackAddress(text: string): boolean {
  const four = parseV4(text)
  return four === null ? parseV6(text) === 1n : between(four, V4_LOOPBACK)
}

function block(text: string): Block {
  const [address = '', length = ''] = text.split('/')
  return [parseV6(address) ?? 0n, Number(length)]
}

function within(address: bigint, [bits, length]: Block): boolean {
  const rest = BigInt(128 - length)
  return address >> rest === bits >> rest
}

function range(text: string): Range {
  const [address = '', length = ''] = text.split('/')
  const first = parseV4(address) ?? 0
  return [first, first + 2 ** (32 - Number(length)) - 1]
}

function between(address: number, [first, last]: Range): boolean {
  return address >= first && address <= last
}

/** Four decimal parts; octal, hexadecimal and short forms mean other things elsewhere and are not read. */
function parseV4(text: string): number | null {
  const parts = V4.exec(text)
  if (parts === null) return null
  let address = 0
  for (let i = 1; i <= 4; i++) {
    const part = Number(parts[i])
    if (part > 255) return null
    address = address * 256 + part
  }
  return address
}

/** RFC 4291 §2.2. The URL parser reads every spelling and writes one (RFC 5952), without dots. Zones are not read. */
function parseV6(text: string): bigint | null {
  if (!/^[0-9a-f:.]{2,45}$/i.test(text) || !URL.canParse(`http://[${text}]`)) return null
  const [head = '', tail] = new URL(`http://[${text}]`).hostname.slice(1, -1).split('::')
  const groups = (part: string) => (part === '' ? [] : part.split(':'))
  const [left, right] = [groups(head), groups(tail ?? '')]
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => '0')
  return [...left, ...zeros, ...right].reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n)
}
