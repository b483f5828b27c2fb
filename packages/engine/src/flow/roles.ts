/**
 * Roles of a tool from its own definition: what it does, what it may reach, which arguments steer, whose words come
 * back. The same code for every catalogue; an operator corrects single fields. What a server says about itself
 * (annotations) can only make the roles more cautious; that a trusted one only reads counts where no verb is known.
 * @module
 */

import { answerOf } from './form.ts'
import type { JsonObject, JsonValue } from './json.ts'
import { asObject } from './json.ts'
import {
  ARGUMENT_KINDS,
  BINDING_NOUNS,
  BINDING_VERBS,
  CLASSES_OF,
  CONVEYED,
  DESTRUCTIVE_VERBS,
  DEVERBAL_NOUNS,
  FUNCTION_WORDS,
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
import { isRequest } from './spans.ts'

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
  /** A person said that the server is trusted: what it says of a tool counts where nothing else is known. */
  readonly trusted?: boolean
}

/** `weight` 0–1: what a hijacked value costs. A free-text argument steers only by the addresses inside it. */
export interface ArgumentRole {
  readonly kind: string
  readonly weight: number
  readonly sink: boolean
  readonly freeText: boolean
  /** One of a few values that the schema lists. */
  readonly closed?: boolean
  readonly optional?: boolean
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
  /** What its output is made of, where its words say so: one writer's text, records, or texts of several writers. */
  readonly answers?: 'written' | 'records' | 'texts'
  /** Its output holds data that is not public. */
  readonly ownData: boolean
  readonly classes: readonly string[]
  /** What it is about, singular. */
  readonly nouns: readonly string[]
  /** What its name says it acts on, singular. */
  readonly objects?: readonly string[]
  /** Of these, what goes from hand to hand by it: whoever asks for the verb asks for the thing. */
  readonly carried?: readonly string[]
  readonly args: Readonly<Record<string, ArgumentRole>>
  /** No verb of it is known: what it does is read off its arguments, and its answer is read like any other. */
  readonly unsure?: boolean
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
  const hints = tool.annotations
  const saidToLook = tool.trusted === true && hints?.readOnlyHint === true
  const looks = verb.reads || (verb.verbs.length === 0 && hints?.destructiveHint !== true && saidToLook)
  const effect = looks && hints?.readOnlyHint !== false ? 'read' : 'write'
  const nouns = new Set([...name, ...description].map(singular).filter((word) => !NO_NOUNS.has(word)))
  const named = new Set(name.map(singular))
  const given = argumentRoles(properties, effect, named, asObject(tool.inputSchema).required)
  const classes = actionClasses(verb.verbs, effect, nouns)
  const paying = effect === 'write' && movesMoney(given)
  if (paying && !classes.includes('pay')) classes.push('pay')
  const plain = placed(paying ? captioned(given) : given, classes)
  const outward =
    effect === 'write' &&
    (Object.values(plain).some((a) => ['url', 'recipient', 'account', 'permission'].includes(a.kind)) ||
      classes.includes('pay') ||
      verb.verbs.some((v) => OUTWARD_VERBS.has(v)))
  const reach = effect === 'read' && Object.values(plain).some((a) => a.sink)
  const destructive =
    effect === 'write' &&
    (verb.verbs.some((v) => DESTRUCTIVE_VERBS.has(v)) || tool.annotations?.destructiveHint === true)
  const binding = verb.verbs.some((v) => BINDING_VERBS.has(v)) || [...named].some((n) => BINDING_NOUNS.has(n))
  const openWorld = outward || reach || tool.annotations?.openWorldHint === true
  const unsure = effect === 'write' && verb.verbs.length === 0
  const reversible =
    effect === 'read' || (!unsure && !destructive && !openWorld && !binding && !classes.includes('run'))
  const args = reversible ? plain : heavier(plain, destructive)
  const objects = [...named].filter(
    (w) => !NO_NOUNS.has(w) && (!isVerbWord(w) || NOUNISH.has(w)) && w !== verb.verbs[0],
  )
  // A name in another language: whether the user spoke of what it says is not known.
  const legible = !unsure || objects.some((noun) => VOCABULARY.some((known) => known.has(noun)))
  const answers = answerOf(name, description, verb.verbs)
  const searches = verb.verbs.some((v) => SEARCH_VERBS.has(v))
  const derived: ToolRoles = {
    effect,
    destructive,
    openWorld,
    reversible,
    thirdPartyOutput:
      thirdParty(named, nouns) || ([...named].some((n) => PERSONAL.has(n)) && asksWhose(plain)),
    documentOutput: (effect === 'read' || unsure) && !searches && hasLocator(properties),
    ...(answers === undefined ? {} : { answers }),
    ownData: (effect === 'read' || unsure) && !reach && [...nouns].some((n) => PRIVATE_NOUNS.has(n)),
    classes,
    nouns: [...nouns].slice(0, 48),
    ...(legible ? { objects } : {}),
    carried: objects.filter((noun) => isCarried(noun, classes, plain)),
    args,
    ...(unsure ? { unsure } : {}),
    known: true,
  }
  return { ...derived, ...corrections }
}

const VOCABULARY = [THIRD_PARTY_NOUNS, OWN_NOUNS, PRIVATE_NOUNS, MONEY_NOUNS, CONVEYED, NOUNISH]

/** An account and a number: whatever it is called, money moves. */
function movesMoney(args: Readonly<Record<string, ArgumentRole>>): boolean {
  const kinds = Object.values(args).map(({ kind }) => kind)
  return kinds.includes('account') && (kinds.includes('amount') || kinds.includes('scalar'))
}

/** Where money goes is said by the account; an argument beside it whose name says nothing is a caption. */
function captioned(args: Readonly<Record<string, ArgumentRole>>): Record<string, ArgumentRole> {
  return mapped(args, (role) =>
    role.kind === 'other' ? { ...role, kind: 'caption', weight: CAPTION } : role,
  )
}
const CAPTION = 0.3

/** A text goes somewhere: without a person or an address to go to, what the tool is named after is the place. */
function placed(
  args: Readonly<Record<string, ArgumentRole>>,
  classes: readonly string[],
): Record<string, ArgumentRole> {
  const roles = Object.values(args)
  const carries = classes.some((name) => CARRYING.includes(name)) && roles.some((role) => role.freeText)
  const goes = roles.some((role) => DESTINATIONS.includes(role.kind))
  const open = roles.filter((role) => role.kind === 'object')
  if (!carries || goes || open.length !== 1) return mapped(args, (role) => role)
  return mapped(args, (role) => (role.kind === 'object' ? { ...role, kind: 'place' } : role))
}
const CARRYING = ['send', 'post']
/** Action classes by which something changes hands. */
export const CARRYING_CLASSES: readonly string[] = [...CARRYING, 'pay']
const DESTINATIONS = ['recipient', 'account', 'url', 'place', 'path', 'member']

/** `send_bulletin(hub, text)`: what is sent is no argument of its own; where it goes is. */
function isCarried(
  noun: string,
  classes: readonly string[],
  args: Readonly<Record<string, ArgumentRole>>,
): boolean {
  const carries = classes.some((name) => CARRYING_CLASSES.includes(name))
  if (!carries || !Object.values(args).some((role) => DESTINATIONS.includes(role.kind))) return false
  return !Object.keys(args).some((arg) => words(arg).map(singular).includes(noun))
}

function mapped(
  args: Readonly<Record<string, ArgumentRole>>,
  change: (role: ArgumentRole) => ArgumentRole,
): Record<string, ArgumentRole> {
  const changed = Object.entries(args).map(([name, role]): [string, ArgumentRole] => [name, change(role)])
  return Object.assign(Object.create(null), Object.fromEntries(changed))
}

/** What cannot be taken back weighs by what it is done to, whatever that is called: an id that is deleted, a name that is booked. */
function heavier(
  args: Readonly<Record<string, ArgumentRole>>,
  destructive: boolean,
): Record<string, ArgumentRole> {
  const least = destructive ? 1 : 0.8
  const objects = ['id', 'object', 'path', 'place', 'other', 'attribute']
  return mapped(args, (role) =>
    role.sink && objects.includes(role.kind) && role.weight >= 0.3 && !role.closed
      ? { ...role, weight: Math.max(role.weight, least) }
      : role,
  )
}

/** Answers with records of the server, also when it is files that were looked for. */
const SEARCH_VERBS = new Set('search find list query browse filter lookup'.split(' '))
function hasLocator(properties: JsonObject): boolean {
  return Object.keys(properties).some((arg) => words(arg).some((w) => LOCATORS.has(singular(w))))
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

const KNOWN_NOUNS = [THIRD_PARTY_NOUNS, OWN_NOUNS, PRIVATE_NOUNS, MONEY_NOUNS]

/** Verbs that fetch when they are given where from, and act otherwise. */
const FETCH_VERBS = new Set('open visit browse navigate load crawl scrape download goto'.split(' '))
const LOCATORS = new Set(
  'url uri link href website webpage page path file filename filepath document'.split(' '),
)

/** The first verb of the name; without one, the first of the description. Tools without any take part as writes. */
function leadVerb(
  name: readonly string[],
  description: readonly string[],
  properties: JsonObject,
): { verbs: string[]; reads: boolean } {
  const isVerb = (w: string): boolean => CLASSES_OF.has(w) || READ_VERBS.has(w)
  const head = name[0] ?? ''
  const told = toldVerb(description)
  const located = Object.keys(properties).some((arg) => words(arg).some((w) => LOCATORS.has(singular(w))))
  const fetches = located || opensText([...name, ...description.slice(0, 4)], properties)
  const reads = (verb: string): boolean => READ_VERBS.has(verb) || (fetches && FETCH_VERBS.has(verb))
  const last = name.at(-1) ?? ''
  if (isNounPhrase(name, description, properties)) return { verbs: [], reads: true }
  const nounFirst = name.length > 1 && NOUNISH.has(head) && isVerb(last) && !NOUNISH.has(last)
  if (isVerb(head) && !nounFirst) return { verbs: told === '' ? [head] : [head, told], reads: reads(head) }
  // Behind a word that is no known noun (`enlist_contact`), what can be a noun is one.
  const nounHead = KNOWN_NOUNS.some((nouns) => nouns.has(singular(head)))
  const inside = name.find(
    (w, i) => i > 0 && isVerb(w) && (!NOUNISH.has(w) || nounHead || i === name.length - 1),
  )
  // Noun-first names (`calendar_delete`): the verb stands inside, and the description must not call a write a read.
  if (inside !== undefined) {
    const writes = !reads(inside) || (told !== '' && !reads(told))
    return { verbs: told === '' ? [inside] : [inside, told], reads: !writes }
  }
  if (told !== '') return { verbs: [told], reads: reads(told) }
  // Only named after what it gives, with nothing to say what for.
  const thing = name.length > 0 && description.length === 0 && Object.keys(properties).length === 0
  return { verbs: [], reads: thing && name.every((w) => KNOWN_NOUNS.some((nouns) => nouns.has(singular(w)))) }
}

/**
 * The verb of a description, among its first words. Behind its first word a description names things: a noun that can be
 * a verb is one of them. A verb that only looks counts where a clause begins (`This tool returns …`), not behind a word
 * that may itself be the verb.
 */
function toldVerb(description: readonly string[]): string {
  const from = Math.max(
    0,
    description.findIndex((w) => !OPENERS.has(w)),
  )
  const at = description
    .slice(0, from + 3)
    .findIndex((w, i) => isVerbWord(verbForm(w)) && (i === from || (i > from && !NOUNISH.has(verbForm(w)))))
  const verb = at < 0 ? '' : verbForm(description[at] ?? '')
  return at > from && READ_VERBS.has(verb) ? '' : verb
}
const OPENERS = new Set('this the a tool api function endpoint action it can will may to you lets'.split(' '))

/** `open_letter(letter_no)`: one argument, the number of a text that is there already. */
function opensText(told: readonly string[], properties: JsonObject): boolean {
  const [arg, ...more] = Object.keys(properties).map((key) => words(key).map(singular))
  if (arg === undefined || more.length > 0 || !NUMBERS.has(arg.at(-1) ?? '')) return false
  return told.map(singular).some((noun) => THIRD_PARTY_NOUNS.has(noun) && arg.includes(noun))
}
const NUMBERS = new Set('id no number key ref reference uid uuid'.split(' '))

/**
 * Named and described by what it gives back (`Log of a build.`, `What an applicant handed in.`): words that are known and
 * can be no verb where they stand, no order anywhere, and no argument that could carry one out. An unknown word is a verb
 * as likely as not, in any language.
 */
function isNounPhrase(
  name: readonly string[],
  description: readonly string[],
  properties: JsonObject,
): boolean {
  const isOrder = (w: string): boolean =>
    !FUNCTION_WORDS.has(w) && isVerbWord(verbForm(w)) && !NOUNISH.has(verbForm(w))
  if ([...name, ...description].some((w) => isOrder(w)) || !namesThing(description)) return false
  if ([...name, ...description.slice(0, 3)].some((w) => isDeed(singular(w)))) return false
  // A verb that is a noun as well: only where the description has it as a noun.
  if (name.some((w) => isVerbWord(w) && !description.slice(0, 2).includes(w))) return false
  return Object.entries(properties).every(([arg, schema]) =>
    ['id', 'attribute', 'amount', 'time', 'scalar', 'other', 'place'].includes(
      argumentRole(arg, asObject(schema), 'read', NO_WORDS).kind,
    ),
  )
}
function namesThing([first = '', second = '', third = '']: readonly string[]): boolean {
  if (WHAT.has(first)) return second !== ''
  if (WHICH.has(first)) return !OF.has(second) && OF.has(third)
  return OF.has(second) && (TEXT_NOUNS.has(singular(first)) || THIRD_PARTY_NOUNS.has(singular(first)))
}
const WHAT = new Set('what everything whatever'.split(' '))
const WHICH = new Set('latest newest current recent all'.split(' '))
const TEXT_NOUNS = new Set(
  'text content transcript summary detail name state status result overview'.split(' '),
)
const OF = new Set('of from that with for on in'.split(' '))
/** A payment is done; a document, too, is there to be read. */
function isDeed(noun: string): boolean {
  return DEVERBAL_NOUNS.has(noun) && !THIRD_PARTY_NOUNS.has(noun)
}
const NO_WORDS: ReadonlySet<string> = new Set()

function isVerbWord(word: string): boolean {
  return CLASSES_OF.has(word) || READ_VERBS.has(word)
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

/** A profile of whoever is given is that one's word about himself. */
const PERSONAL = new Set('profile user info information account'.split(' '))
function asksWhose(args: Readonly<Record<string, ArgumentRole>>): boolean {
  return Object.values(args).some((role) => isHard(role) && role.closed !== true)
}

/** Own data only when every noun of the name says so; anything else may carry somebody's words. */
function thirdParty(named: ReadonlySet<string>, nouns: ReadonlySet<string>): boolean {
  if ([...nouns].some((n) => THIRD_PARTY_NOUNS.has(n) && !OWN_NOUNS.has(n))) return true
  const about = [...named].filter((n) => !READ_VERBS.has(n) && !NO_NOUNS.has(n))
  return about.length === 0 || !about.every((n) => OWN_NOUNS.has(n))
}

const DIRECTIONS = new Set('to from by for in at'.split(' '))
/** The role of one argument; also used for arguments that the schema does not know. */
export function argumentRole(
  name: string,
  schema: JsonObject,
  effect: 'read' | 'write',
  toolWords: ReadonlySet<string>,
): ArgumentRole {
  const own = words(name)
  // `to_city` is a city.
  const named = own.length > 1 && DIRECTIONS.has(own[0] ?? '') ? own.slice(1) : own
  const bag = new Set([...named, ...named.map(singular)])
  const told = new Set(
    words(String(schema.description ?? '').slice(0, 400))
      .filter((w) => !FUNCTION_WORDS.has(w))
      .map(singular),
  )
  const types = schemaTypes(schema)
  const text =
    types.length === 0 || types.includes('string') || types.includes('array') || types.includes('object')
  let kind = text ? 'other' : 'scalar'
  let weight = text ? 0.6 : 0
  if (bag.has('key') && !toolWords.has('key') && !SECRET_WORDS.some((w) => bag.has(w) || told.has(w))) {
    bag.delete('key')
    bag.add('id')
  }
  if (bag.has('code') && !RUN_WORDS.some((w) => told.has(w) || toolWords.has(w))) {
    bag.delete('code')
    bag.add('id')
  }
  const hit = kindOf(bag) ?? (text ? toldKind(schema, told) : undefined)
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
  const closed = Array.isArray(schema.enum) ? { closed: true } : {}
  return { kind, weight, sink, freeText: kind === 'free', ...closed }
}

/** Without one of them a code is a sign for something, not a program. */
const RUN_WORDS = [
  'run',
  'execute',
  'eval',
  'evaluate',
  'script',
  'python',
  'javascript',
  'shell',
  'snippet',
  'program',
  'source',
  'interpreter',
  'sandbox',
  'cell',
  'notebook',
]
/** Without one of them a key is what a record is found by. */
const SECRET_WORDS = [
  'api',
  'secret',
  'private',
  'access',
  'password',
  'credential',
  'token',
  'ssh',
  'encryption',
  'signing',
  'auth',
  'authentication',
]

function argumentRoles(
  properties: JsonObject,
  effect: 'read' | 'write',
  named: ReadonlySet<string>,
  required: JsonValue | undefined,
): Record<string, ArgumentRole> {
  const roles: Record<string, ArgumentRole> = Object.create(null)
  const needed = Array.isArray(required) ? required : []
  for (const [name, schema] of Object.entries(properties).slice(0, 256))
    roles[name] = {
      ...argumentRole(name, asObject(schema), effect, named),
      ...(needed.includes(name) ? {} : { optional: true }),
    }
  return roles
}

/** `Town of the member`: what it is stands first, whose it is behind. An unknown thing is no member for being one's. */
function toldKind(
  schema: JsonObject,
  told: ReadonlySet<string>,
): { kind: string; weight: number } | undefined {
  const hit = kindOf(told)
  if (hit === undefined || !OWNERS.has(hit.kind)) return hit
  const list = words(String(schema.description ?? '').slice(0, 400)).map(singular)
  const from = list.findIndex((w) => !FUNCTION_WORDS.has(w) && !CONTAINERS.has(w))
  const rest = list.slice(Math.max(0, from))
  const end = rest.findIndex((w) => w === 'of' || w === 'to' || w === 'for' || w === 'from')
  const head = new Set(end < 0 ? rest : rest.slice(0, end))
  return kindOf(head) === undefined ? undefined : hit
}
const OWNERS = new Set('recipient member place path url'.split(' '))
const CONTAINERS = new Set('list array set optional new'.split(' '))

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

/**
 * The role of an argument as it is used: one whose name says nothing, and whose value is running text, is a text. What
 * steers inside a text still does. Whoever writes what the agent reads chooses the wording: only where the worst that the
 * tool can do is known to be undone by a second call, inside, and where something else says what it is done to.
 */
export function roleOfValue<R extends ArgumentRole>(roles: ToolRoles, role: R, value: string): R {
  if ((role.kind !== 'other' && role.kind !== 'caption') || !isHarmless(roles)) return role
  if (!steersElse(roles) || !isRunningText(value) || isRequest(value)) return role
  return { ...role, kind: 'free', weight: 0, sink: false, freeText: true }
}
function isHarmless(roles: ToolRoles): boolean {
  return (
    roles.known &&
    roles.unsure !== true &&
    roles.reversible &&
    !roles.destructive &&
    !roles.openWorld &&
    !roles.classes.includes('run')
  )
}
/** An argument that a list knows says what is done, or to what. */
function steersElse({ args }: ToolRoles): boolean {
  return Object.values(args).some((role) => role.kind !== 'other' && isHard(role))
}

const RUNNING_WORDS = 4
/** Several words, most of them in small letters: neither a name nor a sign of anything. */
function isRunningText(value: string): boolean {
  const list = value.slice(0, 400).match(/(?<![\p{L}\p{N}_@./:-])\p{L}[\p{L}'’]*(?=[\s.,;:!?]|$)/gu) ?? []
  return (
    list.length >= RUNNING_WORDS && list.filter((word) => /^\p{Ll}/u.test(word)).length * 2 >= list.length
  )
}

/** Steers by its own value, not only by what stands inside it. */
export function isHard(role: ArgumentRole): boolean {
  return !SOFT_KINDS.has(role.kind)
}
