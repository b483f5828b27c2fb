/**
 * What the arguments of a call look like, and what it touches, without their values: for each argument a class (kind, power
 * of four of its length, which kinds of characters), a digest of which arguments there are, and digests of the things.
 * @module
 */
import { hash } from 'node:crypto'
import type { JsonObject } from '@safeconduct/protocol'
import { type ScalarLeaf, scalars } from '../flow/json.ts'
import type { KnownTool } from '../integrity/catalogue.ts'
import { fnv } from './behaviour/peers.ts'

const LIMITS = { depth: 8, leaves: 64 } as const
const MAX_FORMS = 6
const MAX_TARGETS = 16
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

export function looksOf(tool: KnownTool, args: JsonObject): Looks {
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
    targets: targetsOf(tool, leaves),
  }
}

/** A read is one thing as it is asked; a write reaches whom its steering arguments name. A list is its members. */
function targetsOf(tool: KnownTool, leaves: readonly ScalarLeaf[]): number[] {
  const things = new Set<number>()
  const members = leaves.filter(({ path }) => path.includes('['))
  if (!tool.write && members.length === 0)
    things.add(
      digest(`${tool.action} ${JSON.stringify(leaves.map(({ path, value }) => [path, cut(value)]))}`),
    )
  for (const { path, value } of tool.write ? leaves : members) {
    if (things.size >= MAX_TARGETS) break
    const role = tool.roles.args[path.split(/[.[]/, 1)[0] ?? '']
    if (tool.write && (role?.sink !== true || role.weight < PARTY_WEIGHT)) continue
    things.add(digest(`${tool.write ? '' : tool.action} ${cut(value)}`))
  }
  return [...things]
}

function cut(value: string | number | boolean): string {
  return String(value).slice(0, EXAMINED)
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
