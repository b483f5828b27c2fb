/**
 * ECDSA signatures over P-256 as JOSE has them (RFC 7518 §3.4: r and s, 32 bytes each) and as OpenSSL has them (RFC 3279
 * §2.2.3: DER). Node converts by itself when told `ieee-p1363`, but takes the key anew on that way, which costs half a
 * verification.
 * @module
 */

const HALF = 32
const SEQUENCE = 0x30
const INTEGER = 0x02

/** @param signature 64 bytes */
export function toDer(signature: Uint8Array): Buffer {
  const r = magnitude(signature.subarray(0, HALF))
  const s = magnitude(signature.subarray(HALF))
  const der = Buffer.alloc(6 + sizeOf(r) + sizeOf(s))
  der[0] = SEQUENCE
  der[1] = der.length - 2
  putInteger(der, putInteger(der, 2, r), s)
  return der
}

/** @param der what OpenSSL made: it is not checked */
export function fromDer(der: Uint8Array): Buffer {
  const signature = Buffer.alloc(2 * HALF)
  const [r, next] = integerAt(der, 2)
  const [s] = integerAt(der, next)
  signature.set(r, HALF - r.length)
  signature.set(s, 2 * HALF - s.length)
  return signature
}

/** Without leading zeros; zero itself keeps one byte. */
function magnitude(bytes: Uint8Array): Uint8Array {
  let at = 0
  while (at < bytes.length - 1 && bytes[at] === 0) at++
  return bytes.subarray(at)
}

/** A zero before a first bit that would make it negative. */
function sizeOf(value: Uint8Array): number {
  return value.length + ((value[0] ?? 0) >= 0x80 ? 1 : 0)
}

function putInteger(der: Buffer, at: number, value: Uint8Array): number {
  const size = sizeOf(value)
  der[at] = INTEGER
  der[at + 1] = size
  const end = at + 2 + size
  der.set(value, end - value.length)
  return end
}

function integerAt(der: Uint8Array, at: number): readonly [value: Uint8Array, next: number] {
  const end = at + 2 + (der[at + 1] ?? 0)
  return [magnitude(der.subarray(at + 2, end)), end]
}
