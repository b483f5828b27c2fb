/**
 * Roles of a tool from its own definition: what it does, what it may reach, which arguments steer, whose words come
 * back. The same code for every catalogue; an operator corrects single fields. What a server says about itself
 * (annotations) can only make the roles more cautious.
 * @module
 */

import type { JsonObject, JsonValue } from './json.ts'
import { asObject } from './json.ts'
import {
  ARGUMENT_KINDS,
  BINDING_NOUNS,
  BINDING_VERBS,
  CLASSES_OF,
  DESTRUCTIVE_VERBS,
  MONEY_NOUNS,
  NOUNISH,
  OUTWARD_VERBS,
  OWN_NOUNS,
  PRIVATE_NOUNS,
  READ_VERBS,
  SOFT_KINDS,
  THIRD_PARTY_NOUNS,
} from './lexicon.ts'
import { singular, stem, words } from './normal.ts'

export interface ToolDefinition {
  readonly name: string
  readonly description?: string
  readonly inputSchema: JsonObject
  readonly annotations?: {
    readonly readOnlyHint?: boolean
    readonly destructiveHint?: boolean
    readonly idempotentHint?: boolean
    readonly openWorldHint?: boolean
  }
}

/** `weight` 0–1: what a hijacked value costs. A free-text argument steers only by the addresses inside it. */
export interface ArgumentRole {
  readonly kind: string
  readonly weight: number
  readonly sink: boolean
  readonly freeText: boolean
}

export interface ToolRoles {
  readonly effect: 'read' | 'write'
  readonly destructive: boolean
  /** Data given to it can leave: recipients, addresses, accounts, publication. */
  readonly openWorld: boolean
  /** A second call can undo it: nothing is gone, nothing has left, nobody was bound by it. */
  readonly reversible: boolean
  /** Its output can carry words of somebody who is neither the user nor the operator. */
  readonly thirdPartyOutput: boolean
  /** Its output is one writer's text as it stands: structure inside it is the writer's, not the server's. */
  readonly documentOutput: boolean
  /** Its output holds data that is not public. */
  readonly ownData: boolean
  readonly classes: readonly string[]
  /** What it is about, singular. */
  readonly nouns: readonly string[]
  readonly args: Readonly<Record<string, ArgumentRole>>
  /** False when no definition was known: such a call is never let through silently. */
  readonly known: boolean
}

const DESCRIPTION_WORDS = 60
/** `calendar.create`, `mail/search`, `github__list`: what stands before is the namespace, not the verb. */
const NAMESPACE = /[./]|__/
const NO_NOUNS = new Set(
  'the a an of to from in on at by for with and or given list all is are be it its this that'.split(' '),
)

/** Roles of a tool; `corrections` are an operator's and win. Total: a broken schema gives cautious roles. */
export function deriveRoles(tool: ToolDefinition, corrections: Partial<ToolRoles> = {}): ToolRoles {
  const name = words(tool.name.slice(0, 256))
  const description = words((tool.description ?? '').slice(0, 2000)).slice(0, DESCRIPTION_WORDS)
  const properties = asObject(asObject(tool.inputSchema).properties)
  const verb = leadVerb(words(tool.name.slice(0, 256).split(NAMESPACE).at(-1) ?? ''), description, properties)
  const effect = verb.reads && tool.annotations?.readOnlyHint !== false ? 'read' : 'write'
  const nouns = new Set([...name, ...description].map(singular).filter((word) => !NO_NOUNS.has(word)))
  const named = new Set(name.map(singular))
  const args = argumentRoles(properties, effect, named)
  const classes = actionClasses(verb.verbs, effect, nouns)
  const outward =
    effect === 'write' &&
    (Object.values(args).some((a) => ['url', 'recipient', 'account', 'permission'].includes(a.kind)) ||
      classes.includes('pay') ||
      verb.verbs.some((v) => OUTWARD_VERBS.has(v)))
  const reach = effect === 'read' && Object.values(args).some((a) => a.sink)
  const destructive =
    effect === 'write' &&
    (verb.verbs.some((v) => DESTRUCTIVE_VERBS.has(v)) || tool.annotations?.destructiveHint === true)
  const binding = verb.verbs.some((v) => BINDING_VERBS.has(v)) || [...named].some((n) => BINDING_NOUNS.has(n))
  const openWorld = outward || reach || tool.annotations?.openWorldHint === true
  const derived: ToolRoles = {
    effect,
    destructive,
    openWorld,
    reversible: effect === 'read' || (!destructive && !openWorld && !binding && !classes.includes('run')),
    thirdPartyOutput: thirdParty(named, nouns),
    documentOutput:
      effect === 'read' && Object.values(args).some((a) => a.kind === 'path' || a.kind === 'url'),
    ownData: effect === 'read' && !reach && [...nouns].some((n) => PRIVATE_NOUNS.has(n)),
    classes,
    nouns: [...nouns].slice(0, 48),
    args,
    known: true,
  }
  return { ...derived, ...corrections }
}

/** A tool nobody defined: a write into the open, every argument steers. */
export function unknownToolRoles(name: string): ToolRoles {
  const roles = deriveRoles({ name, inputSchema: {} })
  return {
    ...roles,
    effect: 'write',
    openWorld: true,
    reversible: false,
    thirdPartyOutput: true,
    known: false,
  }
}

/** Verbs that fetch when they are given where from, and act otherwise. */
const FETCH_VERBS = new Set('open visit browse navigate load crawl scrape download goto'.split(' '))
const LOCATORS = new Set('url uri link href path file filename'.split(' '))

/** The first verb of the name; without one, the first of the description. Tools without any take part as writes. */
function leadVerb(
  name: readonly string[],
  description: readonly string[],
  properties: JsonObject,
): { verbs: string[]; reads: boolean } {
  const isVerb = (w: string): boolean => CLASSES_OF.has(w) || READ_VERBS.has(w)
  const head = name[0] ?? ''
  const told = description.slice(0, 3).map(verbForm).find(isVerb) ?? ''
  const located = Object.keys(properties).some((arg) => words(arg).some((w) => LOCATORS.has(w)))
  const reads = (verb: string): boolean => READ_VERBS.has(verb) || (located && FETCH_VERBS.has(verb))
  const last = name.at(-1) ?? ''
  const nounFirst = name.length > 1 && NOUNISH.has(head) && isVerb(last) && !NOUNISH.has(last)
  if (isVerb(head) && !nounFirst) return { verbs: told === '' ? [head] : [head, told], reads: reads(head) }
  const inside = name.slice(1).find(isVerb)
  // Noun-first names (`calendar_delete`): the verb stands inside, and the description must not call a write a read.
  if (inside !== undefined) {
    const writes = !reads(inside) || (told !== '' && !reads(told))
    return { verbs: told === '' ? [inside] : [inside, told], reads: !writes }
  }
  if (told !== '') return { verbs: [told], reads: reads(told) }
  return { verbs: [], reads: Object.keys(properties).length === 0 }
}

function verbForm(word: string): string {
  const bare = singular(word)
  if (CLASSES_OF.has(bare) || READ_VERBS.has(bare)) return bare
  const short = stem(word)
  return CLASSES_OF.has(short) || READ_VERBS.has(short) ? short : bare
}

function actionClasses(
  verbs: readonly string[],
  effect: 'read' | 'write',
  nouns: ReadonlySet<string>,
): string[] {
  const classes = new Set(verbs.flatMap((verb) => CLASSES_OF.get(verb) ?? []))
  if (effect === 'write') classes.delete('read')
  if (classes.has('send')) classes.add('post')
  if (effect === 'write' && [...nouns].some((n) => MONEY_NOUNS.has(n))) classes.add('pay')
  return [...classes]
}

/** Own data only when every noun of the name says so; anything else may carry somebody's words. */
function thirdParty(named: ReadonlySet<string>, nouns: ReadonlySet<string>): boolean {
  if ([...nouns].some((n) => THIRD_PARTY_NOUNS.has(n) && !OWN_NOUNS.has(n))) return true
  const about = [...named].filter((n) => !READ_VERBS.has(n) && !NO_NOUNS.has(n))
  return about.length === 0 || !about.every((n) => OWN_NOUNS.has(n))
}

/** The role of one argument; also used for arguments that the schema does not know. */
export function argumentRole(
  name: string,
  schema: JsonObject,
  effect: 'read' | 'write',
  toolWords: ReadonlySet<string>,
): ArgumentRole {
  const own = words(name)
  const bag = new Set([...own, ...own.map(singular)])
  const told = new Set(words(String(schema.description ?? '').slice(0, 400)).map(singular))
  const types = schemaTypes(schema)
  const text =
    types.length === 0 || types.includes('string') || types.includes('array') || types.includes('object')
  let kind = text ? 'other' : 'scalar'
  let weight = text ? 0.6 : 0
  const hit = kindOf(bag) ?? (text ? kindOf(told) : undefined)
  if (hit !== undefined) ({ kind, weight } = hit)
  const last = own[own.length - 1]
  if (last === 'id' || last === 'ids') {
    kind = 'id'
    weight = 0.5
  } else if (kind === 'attribute' && effect === 'write' && [...bag].some((w) => toolWords.has(w))) {
    kind = 'object'
    weight = 0.8
  } else if (kind === 'other' && effect === 'write' && [...bag].some((w) => toolWords.has(w))) {
    kind = 'object'
    weight = 0.8
  }
  if (kind === 'recipient' && (told.has('iban') || told.has('wallet') || told.has('account'))) {
    kind = 'account'
    weight = 1
  }
  if (types.length > 0 && types.every((t) => t === 'boolean' || t === 'null')) {
    kind = 'scalar'
    weight = 0
  }
  // One of a few given words: a text can pick among them, not bring its own.
  if (Array.isArray(schema.enum) && kind !== 'permission') weight = Math.min(weight, 0.3)
  const sink = weight > 0 && (effect === 'write' || kind === 'url')
  return { kind, weight, sink, freeText: kind === 'free' }
}

function argumentRoles(
  properties: JsonObject,
  effect: 'read' | 'write',
  named: ReadonlySet<string>,
): Record<string, ArgumentRole> {
  const roles: Record<string, ArgumentRole> = Object.create(null)
  for (const [name, schema] of Object.entries(properties).slice(0, 256))
    roles[name] = argumentRole(name, asObject(schema), effect, named)
  return roles
}

function kindOf(bag: ReadonlySet<string>): { kind: string; weight: number } | undefined {
  for (const entry of ARGUMENT_KINDS)
    for (const word of bag) if (entry.words.has(word)) return { kind: entry.kind, weight: entry.weight }
  return undefined
}

function schemaTypes(schema: JsonObject): string[] {
  const of = (value: JsonValue | undefined): string[] =>
    typeof value === 'string'
      ? [value]
      : Array.isArray(value)
        ? value.filter((v) => typeof v === 'string')
        : []
  const branches = [schema.anyOf, schema.oneOf].flatMap((v) => (Array.isArray(v) ? v : []))
  return [...of(schema.type), ...branches.flatMap((branch) => of(asObject(branch).type))]
}

/** Steers by its own value, not only by what stands inside it. */
export function isHard(role: ArgumentRole): boolean {
  return !SOFT_KINDS.has(role.kind)
}
