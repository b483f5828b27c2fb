/**
 * ULIDs: what OpenFGA's clients demand of the ids of stores and models. The same 128 bits as a UUIDv7 (48 bits of time,
 * 80 others), written in Crockford's base 32, so they sort alike.
 * @module
 */
const DIGITS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const LENGTH = 26

export function ulidOf(uuid: string): string {
  let bits = BigInt(`0x${uuid.replaceAll('-', '')}`)
  let text = ''
  for (let at = 0; at < LENGTH; at++) {
    text = `${DIGITS[Number(bits & 31n)] ?? ''}${text}`
    bits >>= 5n
  }
  return text
}
