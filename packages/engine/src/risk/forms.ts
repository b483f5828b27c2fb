/**
 * What the arguments of a call look like, and what it touches, without their values: for each argument a class (kind, power
 * of four of its length, which kinds of characters), a digest of which arguments there are, and digests of the things.
 * @module
 */
import { hash } from 'node:crypto'
import type { JsonObject } from '@safeconduct/protocol'
import { scalars } from '../flow/json.ts'
import type { KnownTool } from '../integrity/catalogue.ts'
import { fnv } from './behaviour/peers.ts'
import { tellingMost } from './distinct.ts'

const LIMITS = { depth: 8, leaves: 64 } as const
const MAX_FORMS = 6
/** As many as a sketch has registers, so that none is missing in it. */
const MAX_TARGETS = 128
/** Where things are looked for. */
const WALK = { depth: 16, leaves: 512 } as const
const MAX_PATH = 24
/** Characters of a value that are looked at. */
const EXAMINED = 1024
/** Arguments that say whom or what an effect reaches weigh at least this much (`flow/roles.ts`). */
const PARTY_WEIGHT = 0.7

/** One letter for each kind of character that occurs. */
const CHARACTERS: readonly (readonly [string, RegExp])[] = [
  ['a', /[A-Za-z]/],
  ['d', /[0-9]/],
  ['-', /[-_.,]/],
  ['_', /[ \t\n\r]/],
  ['@', /@/],
  ['/', /[/:\\?&%#]/],
  ['k', /["'`;=<>|(){}[\]$*!~^+]/],
  ['u', /[^\x20-\x7e\t\n\r]/],
]

/** By code of an ASCII character: one bit for each kind. */
const KIND_OF: readonly number[] = Array.from({ length: 128 }, (_, code) =>
  CHARACTERS.reduce(
    (bits, [, kind], k) => (kind.test(String.fromCharCode(code)) ? bits | (1 << k) : bits),
    0,
  ),
)
const OTHER = 1 << CHARACTERS.findIndex(([letter]) => letter === 'u')

export interface Looks {
  readonly forms: readonly string[]
  readonly targets: readonly number[]
}

/** @param salt of digests of what is touched: who does not know it chooses none */
export function looksOf(tool: KnownTool, args: JsonObject, salt: string): Looks {
  const { leaves, truncated } = scalars(args, LIMITS)
  const forms = new Map<string, string>()
  const paths = new Set<string>()
  for (const { path, value } of leaves) {
    const of = pathOf(path)
    paths.add(of)
    // Of a list the longest member speaks.
    const form = formOf(value)
    const known = forms.get(of)
    if (known === undefined ? forms.size < MAX_FORMS - 1 : form > known) forms.set(of, form)
  }
  const which = fnv(`${[...paths].sort().join('\n')}${truncated ? '\n…' : ''}`).toString(36)
  return {
    forms: [`= ${which}`, ...[...forms].map(([path, form]) => `${path} ${form}`)],
    targets: targetsOf(tool, args, salt),
  }
}

/**
 * A read is one thing as it is asked, whole; a list is its members beside that. A write reaches whom its steering arguments
 * name. Of more than `MAX_TARGETS` those stay that say most about how many there were: nobody hides one behind others.
 */
function targetsOf(tool: KnownTool, args: JsonObject, salt: string): number[] {
  const names = Object.keys(args).sort()
  const chosen = tool.write ? names.filter((name) => isSteering(tool, name)) : names
  if (tool.write && chosen.length === 0) return []
  const keyed = (text: string) => digest(`${salt}\n${tool.write ? '' : tool.action}\n${text}`)
  const whole = () => keyed(JSON.stringify(chosen.map((name) => [name, args[name]])))
  const { leaves, truncated } = scalars(Object.fromEntries(chosen.map((name) => [name, args[name]])), WALK)
  const things = new Set<number>(tool.write ? [] : [whole()])
  for (const { path, value } of leaves)
    if (tool.write || path.includes('[')) things.add(keyed(`of ${String(value)}`))
  if (truncated) things.add(whole())
  return tellingMost([...things], MAX_TARGETS)
}

function isSteering({ roles }: KnownTool, name: string): boolean {
  const role = roles.args[name]
  return role?.sink === true && role.weight >= PARTY_WEIGHT
}

/** Kind, power of four of the length, characters: `s2ad-`. The order is by kind, then by length. */
function formOf(value: string | number | boolean): string {
  if (typeof value !== 'string') return typeof value === 'number' ? 'n' : 'b'
  const length = value === '' ? 0 : Math.min(9, 1 + Math.ceil(Math.log2(value.length) / 2))
  let found = 0
  for (let i = Math.min(value.length, EXAMINED) - 1; i >= 0; i--)
    found |= KIND_OF[value.charCodeAt(i)] ?? OTHER
  let letters = ''
  CHARACTERS.forEach(([letter], k) => {
    if ((found & (1 << k)) !== 0) letters += letter
  })
  return `s${length}${letters}`
}

/** The same characters, and nearly the same length. */
export function isNear(a: string, b: string): boolean {
  return (
    a[0] === 's' && b[0] === 's' && a.slice(2) === b.slice(2) && Math.abs(Number(a[1]) - Number(b[1])) <= 1
  )
}

/** Items of one list are one argument. Reasons repeat the name: only plain letters stay. */
function pathOf(path: string): string {
  const plain = path.replace(/\[\d+\]/g, '').replace(/[^\w.-]/g, '_')
  return plain.length <= MAX_PATH
    ? plain
    : `${plain.slice(0, MAX_PATH - 9)}~${fnv(plain).toString(16).padStart(8, '0')}`
}

function digest(text: string): number {
  return hash('sha256', text, 'buffer').readUInt32BE(0)
}
