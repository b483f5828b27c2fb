/**
 * Cedar `ipaddr`: an IPv4 or IPv6 address with an optional prefix length.
 *
 * IPv4 written inside IPv6 (`::ffff:1.2.3.4`), leading zeros and zone ids are refused. Host bits are kept, so
 * `10.0.0.1/8` and `10.0.0.0/8` differ.
 *
 * @module
 */

import { EvaluationFailure } from './failure.ts'

export class IpAddress {
  readonly kind = 'ipaddr'
  readonly bits: 32 | 128
  readonly address: bigint
  readonly prefix: number

  constructor(bits: 32 | 128, address: bigint, prefix: number) {
    this.bits = bits
    this.address = address
    this.prefix = prefix
  }

  get canonicalKey(): string {
    return `ip(${this.bits}:${this.address}/${this.prefix})`
  }

  /** Whole range of this inside the range of `outer`. Never true across versions. */
  isInRange(outer: IpAddress): boolean {
    if (this.bits !== outer.bits || this.prefix < outer.prefix) return false
    const hostBits = BigInt(outer.bits - outer.prefix)
    return this.address >> hostBits === outer.address >> hostBits
  }

  isLoopback(): boolean {
    return this.isInRange(this.bits === 32 ? loopback4 : loopback6)
  }

  isMulticast(): boolean {
    return this.isInRange(this.bits === 32 ? multicast4 : multicast6)
  }

  toString(): string {
    return `${this.bits === 32 ? text4(this.address) : text6(this.address)}/${this.prefix}`
  }
}

const loopback4 = new IpAddress(32, 127n << 24n, 8)
const loopback6 = new IpAddress(128, 1n, 128)
const multicast4 = new IpAddress(32, 224n << 24n, 4)
const multicast6 = new IpAddress(128, 0xffn << 120n, 8)

/** 39 characters of address, a slash and three digits. */
const MAX_LENGTH = 43

/** @throws {EvaluationFailure} */
export function parseIp(text: string): IpAddress {
  if (text.length > MAX_LENGTH) throw invalid()
  const slash = text.indexOf('/')
  const addressText = slash < 0 ? text : text.slice(0, slash)
  const bits = addressText.includes(':') ? 128 : 32
  const address = bits === 32 ? parse4(addressText) : parse6(addressText)
  return new IpAddress(bits, address, slash < 0 ? bits : parsePrefix(text.slice(slash + 1), bits))
}

function parsePrefix(text: string, bits: number): number {
  if (!/^(?:0|[1-9][0-9]{0,2})$/.test(text) || Number(text) > bits) throw invalid()
  return Number(text)
}

function parse4(text: string): bigint {
  const parts = text.split('.')
  if (parts.length !== 4) throw invalid()
  let address = 0n
  for (const part of parts) {
    if (!/^(?:0|[1-9][0-9]{0,2})$/.test(part) || Number(part) > 255) throw invalid()
    address = (address << 8n) | BigInt(part)
  }
  return address
}

/** RFC 4291 section 2.2, forms 1 and 2. */
function parse6(text: string): bigint {
  const halves = text.split('::')
  if (halves.length > 2) throw invalid()
  const [left = [], right] = halves.map((half) => (half === '' ? [] : half.split(':')))
  const missing = 8 - left.length - (right?.length ?? 0)
  if (right === undefined ? missing !== 0 : missing < 1) throw invalid()
  const groups = right === undefined ? left : [...left, ...Array<string>(missing).fill('0'), ...right]
  let address = 0n
  for (const group of groups) {
    if (!/^[0-9a-fA-F]{1,4}$/.test(group)) throw invalid()
    address = (address << 16n) | BigInt(`0x${group}`)
  }
  return address
}

function text4(address: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => (address >> shift) & 255n).join('.')
}

function text6(address: bigint): string {
  return Array.from({ length: 8 }, (_, i) => ((address >> BigInt(112 - 16 * i)) & 0xffffn).toString(16)).join(
    ':',
  )
}

function invalid(): EvaluationFailure {
  return new EvaluationFailure('not a valid IP address')
}
