/**
 * Which network addresses may be connected to on somebody else's word: globally routable unicast ones (IANA
 * special-purpose registries, RFC 6890) and nothing else.
 * @module
 */

type Block = readonly [bits: bigint, length: number]

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
].map((text) => block(text, parseV4))

const V6_GLOBAL = block('2000::/3', parseV6)
/** Inside global unicast: protocol assignments and Teredo, documentation, 6to4, AS112. */
const V6_REFUSED = ['2001::/23', '2001:db8::/32', '2002::/16', '2620:4f:8000::/48', '3fff::/20'].map((text) =>
  block(text, parseV6),
)
const V4_LOOPBACK = block('127.0.0.0/8', parseV4)

/**
 * False for everything that is not certainly a public unicast address in its usual spelling; an IPv4 address inside
 * an IPv6 one (mapped, 6to4, Teredo, NAT64) is a disguise and refused.
 */
export function isPublicAddress(text: string): boolean {
  const four = parseV4(text)
  if (four !== null) return !V4_REFUSED.some((one) => within(four, one, 32))
  const six = parseV6(text)
  return six !== null && within(six, V6_GLOBAL, 128) && !V6_REFUSED.some((one) => within(six, one, 128))
}

/** True for 127.0.0.0/8 and ::1, not for a disguise of them. */
export function isLoopbackAddress(text: string): boolean {
  const four = parseV4(text)
  return four === null ? parseV6(text) === 1n : within(four, V4_LOOPBACK, 32)
}

function block(text: string, parse: (address: string) => bigint | null): Block {
  const [address = '', length = ''] = text.split('/')
  return [parse(address) ?? 0n, Number(length)]
}

function within(address: bigint, [bits, length]: Block, width: number): boolean {
  const rest = BigInt(width - length)
  return address >> rest === bits >> rest
}

/** Four decimal parts; octal, hexadecimal and short forms mean other things elsewhere and are not read. */
function parseV4(text: string): bigint | null {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1)
  if (parts === undefined) return null
  const good = parts.every((part) => Number(part) <= 255 && String(Number(part)) === part)
  return good ? parts.reduce((sum, part) => (sum << 8n) | BigInt(part), 0n) : null
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
