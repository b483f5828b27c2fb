/**
 * Which autonomous system announces an address, as sorted arrays in one buffer: read in one piece, asked by binary
 * search. Compiled from lists of ranges; the bytes depend on the lists only.
 *
 * Layout, little-endian, each part on an 8-byte boundary: magic, SHA-256 of everything after it, five counts; IPv6
 * starts and ends (upper 64 bits), IPv4 starts and ends, holder of each range (IPv4 first), number of each holder, where
 * its name begins, names in UTF-8. A holder is one pair of number and name.
 * @module
 */
import { hash } from 'node:crypto'
import { endianness } from 'node:os'
import { addressNumber } from './address.ts'

export interface Holder {
  readonly asn: number
  readonly organisation: string
}

export interface AsnTable {
  lookup(ip: string): Holder | null
  readonly ranges: number
}

const MAGIC = 'SCASN-1\n'
const HEADER = 8 + 32 + 5 * 8
const MAX_NAME = 120

interface Range<N> {
  readonly start: N
  readonly end: N
  readonly holder: number
}

export interface AsnTableBuilder {
  /** A line of `first,last,number,"name"`; what is no such line is passed over. */
  add(line: string): void
  finish(): Uint8Array
}

export function buildAsnTable(): AsnTableBuilder {
  const four: Range<number>[] = []
  const six: Range<bigint>[] = []
  const holders = new Map<string, number>()
  const list: Holder[] = []
  const holderOf = (asn: number, organisation: string) => {
    const key = `${asn} ${organisation}`
    let at = holders.get(key)
    if (at === undefined) {
      at = list.push({ asn, organisation }) - 1
      holders.set(key, at)
    }
    return at
  }
  return {
    add(line) {
      const [, first = '', last = '', number = '', name = ''] =
        /^([0-9a-f.:]{2,45}),([0-9a-f.:]{2,45}),(\d{1,10}),(.*)$/i.exec(line) ?? []
      const [start, end, asn] = [addressNumber(first), addressNumber(last), Number(number)]
      if (start === null || end === null || !(asn <= 0xffff_ffff)) return
      const holder = holderOf(asn, unquoted(name).slice(0, MAX_NAME))
      if (start.family === 4 && end.family === 4 && start.value <= end.value)
        four.push({ start: start.value, end: end.value, holder })
      else if (start.family === 6 && end.family === 6 && start.value <= end.value)
        six.push({ start: start.value, end: end.value, holder })
    },
    finish() {
      four.sort((a, b) => a.start - b.start)
      six.sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0))
      return write(four, six, list)
    },
  }
}

/** @returns null when the bytes are not whole or of another release */
export function openAsnTable(bytes: Uint8Array): AsnTable | null {
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (whole.length < HEADER || whole.toString('latin1', 0, 8) !== MAGIC || endianness() !== 'LE') return null
  if (!hash('sha256', whole.subarray(40), 'buffer').equals(whole.subarray(8, 40))) return null
  const counts = Array.from({ length: 5 }, (_, i) => Number(whole.readBigUInt64LE(40 + 8 * i)))
  const [fours = 0, sixes = 0, holders = 0, names = 0] = counts
  // A view needs its own alignment; what was read from a file has any.
  const body = new Uint8Array(whole.length - HEADER)
  body.set(whole.subarray(HEADER))
  let at = 0
  const part = (bytesLong: number) => {
    const from = at
    at += padded(bytesLong)
    return from
  }
  const words = (n: number) => new Uint32Array(body.buffer, part(4 * n), n)
  const sixStart = new BigUint64Array(body.buffer, part(8 * sixes), sixes)
  const sixEnd = new BigUint64Array(body.buffer, part(8 * sixes), sixes)
  const [fourStart, fourEnd] = [words(fours), words(fours)]
  const holder = words(fours + sixes)
  const [numbers, offsets] = [words(holders), words(holders + 1)]
  const text = Buffer.from(body.buffer, part(names), names)

  const named = (index: number | undefined): Holder | null => {
    if (index === undefined) return null
    return {
      asn: numbers[index] ?? 0,
      organisation: text.toString('utf8', offsets[index], offsets[index + 1]),
    }
  }
  return {
    ranges: fours + sixes,
    lookup(ip) {
      const address = addressNumber(ip)
      if (address === null) return null
      if (address.family === 4) return named(holder[indexOf(fourStart, fourEnd, address.value)])
      const found = indexOf(sixStart, sixEnd, address.value)
      return found < 0 ? null : named(holder[fours + found])
    },
  }
}

interface Sorted<N> {
  readonly length: number
  readonly [index: number]: N
}

/** Of the range that holds the value; -1 = none. */
function indexOf<N extends number | bigint>(starts: Sorted<N>, ends: Sorted<N>, value: N): number {
  let low = 0
  let high = starts.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const start = starts[middle]
    if (start !== undefined && start <= value) low = middle + 1
    else high = middle
  }
  const end = ends[low - 1]
  return end !== undefined && value <= end ? low - 1 : -1
}

function write(four: readonly Range<number>[], six: readonly Range<bigint>[], list: readonly Holder[]) {
  const names = list.map(({ organisation }) => Buffer.from(organisation, 'utf8'))
  const offsets = [0]
  for (const name of names) offsets.push((offsets.at(-1) ?? 0) + name.length)
  const parts: ArrayBufferView[] = [
    BigUint64Array.from(six, ({ start }) => start),
    BigUint64Array.from(six, ({ end }) => end),
    Uint32Array.from(four, ({ start }) => start),
    Uint32Array.from(four, ({ end }) => end),
    Uint32Array.from([...four, ...six], ({ holder }) => holder),
    Uint32Array.from(list, ({ asn }) => asn),
    Uint32Array.from(offsets),
    Buffer.concat(names),
  ]
  const counts = BigUint64Array.from([four.length, six.length, list.length, offsets.at(-1) ?? 0, 0], BigInt)
  const rest = Buffer.concat(
    [counts, ...parts].map((view) => {
      const bytes = Buffer.alloc(padded(view.byteLength))
      bytes.set(new Uint8Array(view.buffer, view.byteOffset, view.byteLength))
      return bytes
    }),
  )
  return Buffer.concat([Buffer.from(MAGIC, 'latin1'), hash('sha256', rest, 'buffer'), rest])
}

function padded(length: number): number {
  return Math.ceil(length / 8) * 8
}

function unquoted(name: string): string {
  return name.startsWith('"')
    ? name.slice(1, name.endsWith('"') ? -1 : undefined).replaceAll('""', '"')
    : name
}
