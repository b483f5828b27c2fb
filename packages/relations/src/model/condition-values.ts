/**
 * JSON values of a condition's context, as the CEL types that its parameters declare.
 *
 * @module
 */
import { BlockList, isIP } from 'node:net'
import { Environment } from '@marcbachmann/cel-js'
import type { ParameterType } from './definition.ts'

/** An IPv4 or IPv6 address; `in_cidr` of OpenFGA's conditions. */
export class IpAddress {
  readonly text: string
  readonly family: 'ipv4' | 'ipv6'

  private constructor(text: string, family: 'ipv4' | 'ipv6') {
    this.text = text
    this.family = family
  }

  static from(text: string): IpAddress | undefined {
    const version = isIP(text)
    return version === 0 ? undefined : new IpAddress(text, version === 4 ? 'ipv4' : 'ipv6')
  }

  static parse(text: string): IpAddress {
    const found = IpAddress.from(text)
    if (found === undefined) throw new RangeError('not an IP address')
    return found
  }

  inRange(range: string): boolean {
    const [network = '', bits = ''] = range.split('/')
    const version = isIP(network)
    const most = version === 4 ? 32 : 128
    if (version === 0 || !/^\d{1,3}$/.test(bits) || Number(bits) > most)
      throw new RangeError('not a CIDR range')
    const list = new BlockList()
    list.addSubnet(network, Number(bits), version === 4 ? 'ipv4' : 'ipv6')
    return list.check(this.text, this.family)
  }
}

/** The name of a parameter's type as the CEL environment declares it. */
export function declaredType(type: ParameterType): string {
  switch (type.name) {
    case 'timestamp':
      return 'google.protobuf.Timestamp'
    case 'duration':
      return 'google.protobuf.Duration'
    case 'ipaddress':
      return 'IpAddress'
    case 'any':
      return 'dyn'
    case 'list':
      return type.of === undefined ? 'list' : `list<${declaredType(type.of)}>`
    case 'map':
      return type.of === undefined ? 'map' : `map<string, ${declaredType(type.of)}>`
    default:
      return type.name
  }
}

/** The CEL value; undefined when `value` is not one of `type`. Numbers may be sent as text, as in OpenFGA. */
export function convert(value: unknown, type: ParameterType): unknown {
  switch (type.name) {
    case 'bool':
      return typeof value === 'boolean' ? value : undefined
    case 'string':
      return typeof value === 'string' ? value : undefined
    case 'int':
      return integer(value, -(2n ** 63n), 2n ** 63n - 1n)
    case 'uint': {
      const whole = integer(value, 0n, 2n ** 63n - 1n)
      return whole === undefined ? undefined : toUint({ whole })
    }
    case 'double':
      return double(value)
    case 'timestamp':
      return typeof value === 'string' ? instant(value) : undefined
    case 'duration':
      return typeof value === 'string' ? duration(value) : undefined
    case 'ipaddress':
      return typeof value === 'string' ? IpAddress.from(value) : undefined
    case 'any':
      return anything(value)
    case 'list':
      return Array.isArray(value) ? all(value, type.of) : undefined
    case 'map':
      return isRecord(value) ? mapOf(value, type.of) : undefined
  }
}

function integer(value: unknown, least: bigint, most: bigint): bigint | undefined {
  if (typeof value === 'number' ? !Number.isSafeInteger(value) : typeof value !== 'string') return undefined
  if (typeof value === 'string' && !/^-?\d{1,20}$/.test(value)) return undefined
  const whole = BigInt(String(value))
  return whole < least || whole > most ? undefined : whole
}

function double(value: unknown): number | undefined {
  if (typeof value === 'string' && !/^[-+]?\d+(\.\d+)?([eE][-+]?\d+)?$/.test(value)) return undefined
  const number = typeof value === 'string' ? Number(value) : value
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined
}

const RFC3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/

function instant(text: string): Date | undefined {
  const date = RFC3339.test(text) ? new Date(text) : undefined
  return date === undefined || Number.isNaN(date.getTime()) ? undefined : date
}

/** Go's duration text: `1h30m`, `-1.5s`. */
function duration(text: string): unknown {
  const fits = text.length <= 64 && /^[-+]?(\d+(\.\d+)?(h|ms|m|s|us|µs|ns))+$/.test(text)
  return fits ? toDuration({ text }) : undefined
}

// The library keeps the classes of these two types to itself; only its own functions make values of them.
const toDuration = new Environment().registerVariable('text', 'string').parse('duration(text)')
const toUint = new Environment().registerVariable('whole', 'int').parse('uint(whole)')

/** Members of one list or map; a loop goes over all of them. */
const MAX_MEMBERS = 1000

function all(values: readonly unknown[], of: ParameterType = { name: 'any' }): unknown[] | undefined {
  if (values.length > MAX_MEMBERS) return undefined
  const converted = values.map((value) => convert(value, of))
  return converted.includes(undefined) ? undefined : converted
}

function mapOf(
  value: Record<string, unknown>,
  of: ParameterType = { name: 'any' },
): Map<string, unknown> | undefined {
  const converted = new Map<string, unknown>()
  const entries = Object.entries(value)
  if (entries.length > MAX_MEMBERS) return undefined
  for (const [key, item] of entries) {
    const one = convert(item, of)
    if (one === undefined) return undefined
    converted.set(key, one)
  }
  return converted
}

/** A JSON value without a declared type: numbers are doubles. */
function anything(value: unknown): unknown {
  if (Array.isArray(value)) return all(value)
  return isRecord(value) ? mapOf(value) : value
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
