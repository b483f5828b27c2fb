/**
 * The trace stage: where did each argument of a call come from, and how much doubt is that? Pure: reads a state, changes
 * nothing. Risk is a sum of named terms; a value takes its safest place, the call takes its worst value.
 * @module
 */

import { hash } from 'node:crypto'
import type { Add } from './action.ts'
import { judgeAction } from './action.ts'
import type { Disputes } from './agreement.ts'
import { disputesOf, isAgreed } from './agreement.ts'
import type { Effort } from './effort.ts'
import { effortOf, spend } from './effort.ts'
import { isClearExfiltration } from './exfiltration.ts'
import type { Intent } from './intent.ts'
import { type ScalarLeaf, scalars } from './json.ts'
import { AUTHOR_KEYS, COMMON, CONVEYED, kinOf, LINKED_NOUNS, PHONE_NOUNS } from './lexicon.ts'
import { singular, words } from './normal.ts'
import { roleOf } from './observe.ts'
import type { Standing } from './origin.ts'
import { isAsked, isRemark, rank } from './origin.ts'
import type { FlowCall, Part } from './parts.ts'
import { partsOf } from './parts.ts'
import { dictated, quotesRequest, requestedIn } from './quotes.ts'
import { isOnlyOne, isRoleBound, isSpokenOf } from './role-binding.ts'
import type { ToolRoles } from './roles.ts'
import { CARRYING_CLASSES, isHard } from './roles.ts'
import { isRequest } from './spans.ts'
import type { FlowState, SeenField, SeenOutput } from './state.ts'
import { LIMITS } from './state.ts'
import { hostOf, MAX_TOKENS, tokenKind, tokensOf } from './tokens.ts'
import { roleInUse } from './use.ts'
import type { Term } from './weights.ts'
import { THRESHOLDS, weightOf } from './weights.ts'

export interface ArgumentLabel {
  /** Dotted path in the arguments. */
  readonly path: string
  /** The value as sent, at most 512 characters; redact before it leaves the engine. */
  readonly value: string
  readonly label: 'user' | 'agent' | 'trusted' | 'untrusted' | 'unseen'
  readonly standing: Standing
  readonly source: {
    readonly server: string
    readonly tool: string
    readonly callId: string
    readonly field: string | null
  } | null
  readonly kind: string
  readonly sink: boolean
}

export interface FlowEvidence {
  readonly term: Term
  readonly weight: number
  readonly path: string
  readonly reason: string
}

export interface Trace {
  readonly labels: readonly ArgumentLabel[]
  readonly evidence: readonly FlowEvidence[]
  readonly score: number
  readonly doubt: 'none' | 'approval' | 'deny'
  readonly facts: {
    readonly privateDataRead: boolean
    readonly untrustedSeen: boolean
    readonly openWorldSink: boolean
    /** Private data goes where a text of somebody else's wants it (`exfiltration.ts`). */
    readonly exfiltration?: boolean
  }
  /** What a person would be asked about: the same key is the same question. */
  readonly question: string | null
  /** Digest of the passage that offered the worst value of a doubted call; null when none did. */
  readonly passage: string | null
}

export function trace(state: FlowState, call: FlowCall): Trace {
  const { leaves, truncated } = scalars(call.args)
  const evidence: FlowEvidence[] = []
  const add = (term: Term, path: string, reason: string, factor = 1): void => {
    evidence.push({ term, weight: weightOf(term) * factor, path, reason })
  }
  const steers = call.roles.effect === 'write' || Object.values(call.roles.args).some((role) => role.sink)
  const parts: Part[] = []
  const seen: ScalarLeaf[] = []
  let room: number = LIMITS.examinedAll
  const effort = effortOf()
  const isHeld = anchorsOf(state, effort)
  for (const leaf of leaves) {
    room -= Math.min(String(leaf.value).length, LIMITS.examined)
    if (parts.length >= LIMITS.parts || room < 0) break
    seen.push(leaf)
    for (const part of partsOf(state, call.roles, leaf, steers, effort)) parts.push(part)
  }
  if (!call.roles.known) add('unknown-tool', '', 'no definition of this tool is known')
  if (truncated || seen.length < leaves.length)
    add('oversized', '', 'more arguments, or deeper ones, than are examined')
  if (steers) judge(state, call, seen, parts, { isHeld, effort }, add)
  if (effort.left < 0) add('oversized', '', 'more text than can be searched for its values')
  const score = evidence.reduce((sum, item) => sum + item.weight, 0)
  const doubt = score >= THRESHOLDS.deny ? 'deny' : score >= THRESHOLDS.approval ? 'approval' : 'none'
  return {
    labels: parts.map((part) => labelOf(part)),
    evidence,
    score,
    doubt,
    facts: {
      privateDataRead: state.privateDataRead,
      untrustedSeen: state.untrustedSeen,
      openWorldSink: call.roles.openWorld && steers,
      exfiltration: steers && isClearExfiltration(state, call.roles, seen, parts, isHeld),
    },
    question: doubt === 'none' ? null : questionOf(call, parts),
    passage: doubt === 'none' ? null : passageOf(worstOf(parts.filter((part) => part.sink))),
  }
}

function judge(
  state: FlowState,
  call: FlowCall,
  leaves: readonly ScalarLeaf[],
  parts: readonly Part[],
  { isHeld, effort }: { readonly isHeld: (part: Part) => boolean; readonly effort: Effort },
  add: Add,
): void {
  const { roles } = call
  for (const leaf of leaves) judgeLeaf(state, roles, leaf, parts, add)
  // One doubt, however many there are: the schema is not what the agent thinks.
  const strange = leaves.find((leaf) => !roleOf(roles, leaf.path).known)
  if (strange !== undefined) add('unknown-argument', strange.path, 'not in the tool’s schema')
  const tested = parts.filter((part) => part.sink)
  const disputes = handsOver(roles) ? disputesOf(state) : () => null
  const against = new Map(tested.map((part) => [part, disputes(part)] as const))
  for (const part of tested) judgePart(state, call, part, against.get(part) ?? null, add)
  const twin = tested.find((part) => part.lookalike)
  if (twin !== undefined)
    add('lookalike', twin.path, 'letters of another script make it look like another value', twin.weight)
  const uncompared = tested.find((part) => against.get(part) === 'unknown')
  if (uncompared !== undefined) add('oversized', uncompared.path, 'more records than can be compared')
  const worst = worstOf(tested)
  if (worst !== undefined) {
    judgeWorst(state, roles, tested, isHeld, add)
    if (leadsAway(state, leaves, tested, effort))
      add('leads-away', worst.path, 'a page leads to a host that the user did not speak of')
  }
  const vouched = tested.some((part) => part.origin.standing === 'approved')
  if (roles.effect === 'write' && !vouched) judgeAction(state, roles, add)
  if (state.intent === null) judgeWithoutIntent(state, roles, tested, add)
}

/** What an argument is by itself: unknown to the schema, a request, or a quotation of one. */
function judgeLeaf(
  state: FlowState,
  roles: ToolRoles,
  leaf: ScalarLeaf,
  parts: readonly Part[],
  add: Add,
): void {
  if (typeof leaf.value !== 'string') return
  const role = roleInUse(state, roles, roleOf(roles, leaf.path), leaf.value.slice(0, LIMITS.examined))
  const part = parts.find((p) => p.path === leaf.path)
  const foreign =
    part !== undefined &&
    (part.origin.output !== null || (part.origin.standing !== 'user' && state.requests.length > 0))
  if (isHard(role) && foreign && isRequest(leaf.value.slice(0, LIMITS.examined)))
    add('value-is-request', leaf.path, 'an identifier that reads as a request')
  const text = leaf.value.slice(0, LIMITS.examined)
  if (text.length < leaf.value.length) add('oversized', leaf.path, 'a longer text than is examined')
  else if (text.length > MAX_TOKENS * 4 && tokensOf(text, MAX_TOKENS + 1).length > MAX_TOKENS)
    add('oversized', leaf.path, 'more addresses than are examined')
  if (role.freeText && dictated(state, roles, text))
    add('requested-value', leaf.path, 'a text that a request of this kind, found in an output, dictates')
  if (role.freeText && quotesRequest(state, text))
    add('quotes-request', leaf.path, 'repeats the wording of a request found in an output')
}

/**
 * What is kept of a value between errands: whoever stores and whoever reads may be different agents, so it is a digest.
 * Only of what identifies its holder. A word that anybody may use (a channel, a first name) would accuse everybody who
 * uses it; null = nothing is kept.
 */
export function stainOf(value: string): string | null {
  return tokenKind(value) === null ? null : hash('sha256', value, 'base64url').slice(0, 16)
}

/** What one value adds beside its origin. */
function judgePart(
  state: FlowState,
  call: FlowCall,
  part: Part,
  dispute: ReturnType<Disputes>,
  add: Add,
): void {
  const { roles } = call
  const { standing } = part.origin
  if (standing === 'user' || standing === 'approved') return
  if (
    (part.origin.place === null || part.origin.partial) &&
    part.value.includes('?') &&
    (part.kind === 'url' || part.token)
  )
    add(
      'query-in-url',
      part.path,
      'an address with data of the agent’s own in it',
      part.origin.partial ? 1 : 0.7,
    )
  const stain = call.isStained === undefined ? null : stainOf(part.value)
  const stained =
    state.stained.some(([value]) => value === part.value) ||
    (stain !== null && call.isStained?.(stain) === true)
  if (stained && (standing === 'field' || standing === 'own'))
    add('laundered', part.path, 'came back from storage, where it was put by a doubtful write')
  if (dispute !== null && dispute !== 'unknown')
    add(
      'disputed',
      part.path,
      `another source gives another one for the same holder${sourceOf(dispute.output, dispute.field)}`,
      part.weight,
    )
  if (isAsked(standing) || part.kind === 'place') return
  if (part.value.length <= 3 && part.kind !== 'id') return
  if (requestedIn(state, roles, part.value))
    add('requested-value', part.path, 'also named in a request of this kind found in an output')
}

/** Uses an address; to note down another one is what it may be for. */
function handsOver({ effect, classes, openWorld }: ToolRoles): boolean {
  if (effect === 'read') return false
  return classes.some((name) => CARRYING_CLASSES.includes(name)) || (openWorld && !classes.includes('update'))
}

function worstOf(parts: readonly Part[]): Part | undefined {
  let worst: Part | undefined
  for (const part of parts) if (worst === undefined || originWeight(part) > originWeight(worst)) worst = part
  return worst
}
/** One writer's text is one passage, however often it is read and whatever it asks for. */
function passageOf(worst: Part | undefined): string | null {
  const { output, place } = worst?.origin ?? { output: null, place: null }
  if (output === null) return null
  const text = place === null ? output.text : output.text.slice(place.at, place.end)
  return hash('sha256', text, 'base64url').slice(0, 16)
}
function originWeight(part: Part): number {
  return weightOf(part.origin.standing) * part.weight
}

/** The call's worst value, and whether anything ties the call to what the user or the data said. */
function judgeWorst(
  state: FlowState,
  roles: ToolRoles,
  parts: readonly Part[],
  isHeld: (part: Part) => boolean,
  add: Add,
): void {
  const hard = parts.filter((part) => !part.token)
  const told = parts.filter(
    (part) =>
      rank(part.origin.standing) >= rank('delegated') &&
      // What nobody can bring back is not done to a thing that the agent alone names.
      (part.origin.standing !== 'composed' || (roles.destructive && !part.token)) &&
      !isHeld(part),
  )
  const anchored = hard.some(
    (part) =>
      isHeld(part) &&
      (part.origin.standing !== 'said' || told.length === 0) &&
      told.every(
        (other) => vouchesFor(roles, part, other) && (roles.reversible || other.token || !isAnybodys(other)),
      ),
  )
  const adrift = roles.effect === 'write' && hard.length > 0 && told.length > 0 && !anchored
  const risk = (part: Part): number =>
    originWeight(part) + (adrift && told.includes(part) ? weightOf('no-anchor') * part.weight : 0)
  const worst = parts.reduce<Part | undefined>(
    (a, b) => (a === undefined || risk(b) > risk(a) ? b : a),
    undefined,
  )
  if (worst === undefined) return
  const { standing } = worst.origin
  // What can be taken back and stays inside is asked about only where somebody asked for it.
  const slight = isSlight(roles, parts) && rank(standing) <= rank('followed')
  const weight = worst.weight * (slight ? SLIGHT : 1)
  add(standing, worst.path, reasonOf(worst), weight)
  if (state.marks > 0 && (standing === 'composed' || standing === 'mentioned' || standing === 'stated'))
    add('session-marked', worst.path, 'this task has read text written for an agent', weight)
  if (adrift && told.includes(worst))
    add(
      'no-anchor',
      worst.path,
      'nothing in the call that matters as much stands in the user’s words or in a data field',
      weight,
    )
  if (adrift && told.includes(worst) && isAnybodys(worst))
    add('remark', worst.path, 'stands in prose of a record that the user did not speak of', weight)
  for (const part of hard)
    if (part.origin.standing === 'composed' && isGivenByField(state, part))
      add('unlisted', part.path, 'the servers list such identifiers, and this is none of them', part.weight)
  for (const part of parts)
    if (
      rank(part.origin.standing) >= rank('said') &&
      part.origin.output !== null &&
      isOtherRole(state, roles, part)
    )
      add('other-role', part.path, 'the user spoke of another argument of this tool', part.weight)
  if (isExfiltration(state, roles, parts, told, adrift))
    add(
      'carries-out',
      worst.path,
      'private data was read, other people’s words too, and this leads where nobody vouched for',
    )
  const unheld = !hard.some(isHeld)
  if (roles.effect === 'write' && (adrift || unheld) && !isObjectNamed(state, roles))
    add('unnamed-object', worst.path, 'the user spoke of nothing that this acts on')
  const other = otherThanNamed(state, parts)
  if (other !== undefined)
    add(
      'other-than-named',
      other.path,
      'the user named an address for this, and this is another one',
      other.weight,
    )
}

const LOADS = ['id', 'path', 'object']
/**
 * The lethal trifecta: private data read, untrusted words seen, and a way out whose destination neither the user nor data
 * vouches for. An address that stands nowhere is such a destination, too.
 */
function isExfiltration(
  state: FlowState,
  roles: ToolRoles,
  parts: readonly Part[],
  told: readonly Part[],
  adrift: boolean,
): boolean {
  if (!state.privateDataRead || !state.untrustedSeen || !roles.openWorld) return false
  // An invitation takes nothing along; a text, a record or a file does.
  if (!Object.values(roles.args).some((role) => role.freeText || LOADS.includes(role.kind))) return false
  return parts.some((part) => {
    const kind = part.token ? null : part.address
    if (kind === null) return false
    // A guessed page carries nothing; what carries data in its query is judged by that.
    return (part.origin.standing === 'composed' && kind !== 'url') || (adrift && told.includes(part))
  })
}

function isAnybodys({ origin: { output, place, author } }: Part): boolean {
  return output !== null && place !== null && !author && isRemark(output, place)
}

/** The user named one of the things that the tool can be given, and this is another one. */
function isOtherRole({ intent }: FlowState, roles: ToolRoles, part: Part): boolean {
  const name = part.path.split(/[.[]/, 1)[0] ?? ''
  if (intent === null || intent.follows || part.token || roles.args[name]?.optional !== true) return false
  const spoken = (arg: string): boolean => words(arg).some((w) => intent.nouns.includes(singular(w)))
  return (
    !spoken(name) &&
    Object.entries(roles.args).some(([arg, role]) => role.optional === true && isHard(role) && spoken(arg))
  )
}

const SLIGHT = 0.5
function isSlight(roles: ToolRoles, parts: readonly Part[]): boolean {
  // An address goes to somebody, whatever the argument that holds it is called.
  const risky =
    Object.values(roles.args).some((role) => NEVER_BOUND.includes(role.kind)) ||
    parts.some((part) => part.origin.standing !== 'user' && part.address !== null)
  return roles.effect === 'write' && roles.reversible && !roles.openWorld && roles.known && !risky
}

/** Does the tool act on something of which the user spoke? What is conveyed is spoken of by its verb. */
function isObjectNamed({ intent }: FlowState, roles: ToolRoles): boolean {
  if (intent === null || intent.follows || !intent.understood || roles.objects === undefined) return true
  const carries = CARRYING_CLASSES.some((c) => roles.classes.includes(c) && intent.classes.includes(c))
  const carried = carries ? (roles.carried ?? []) : []
  const things = roles.objects.filter((noun) => !CONVEYED.has(noun) && !carried.includes(noun))
  return things.length === 0 || things.some((noun) => kinOf(noun).some((kin) => intent.nouns.includes(kin)))
}

const NEVER_BOUND = ['account', 'url', 'credential', 'command', 'permission']
/** An argument that the user called by its name. */
function roleWords({ path }: Part): string[] {
  return words(path.split(/[.[]/, 1)[0] ?? '').map(singular)
}

/** Identifiers of this name stand in fields of what the task has read. */
function isGivenByField(state: FlowState, part: Part): boolean {
  if (part.kind !== 'id' || state.intent === null) return false
  const name = inWords(part.path.split(/[.[]/, 1)[0] ?? '')
  if (name === 'id') return false
  return state.outputs.some((output) => keysOf(output).has(name))
}
const keyed = new WeakMap<SeenOutput, ReadonlySet<string>>()
/** Names of the whole fields, in words. */
function keysOf(output: SeenOutput): ReadonlySet<string> {
  const keys = keyed.get(output) ?? new Set(output.fields.filter((f) => f.whole).map((f) => inWords(f.key)))
  keyed.set(output, keys)
  return keys
}
function inWords(key: string): string {
  return words(key).map(singular).join(' ')
}

/** Money, secrets and commands are never bound by a text alone: there, a person confirms. */
function bindsToRole(state: FlowState, part: Part): boolean {
  const kind = part.address
  const { output } = part.origin
  if (state.intent === null || output === null) return false
  const { place } = part.origin
  // Where servers give such values in a field of their own, a text is no source of another one.
  if (isGivenByField(state, part)) return false
  if (isOthersName(state.intent, part.value)) return false
  const nouns = place === null ? [] : tellingNouns(state.intent.nouns, output, place)
  if (kind === null && !NEVER_BOUND.includes(part.kind) && place !== null)
    return isSpokenOf(output, place, part.value, nouns, roleWords(part))
  if (kind !== 'email' && kind !== 'phone') return false
  // A number is called a number by everybody: the only one of a source that was named for it is the one.
  const called = state.intent.nouns.some((noun) => PHONE_NOUNS.has(noun))
  if (kind === 'phone' && called && !isAnybodys(part) && isOnlyOne(output, part.value, kind)) return true
  const isOwn = (address: string): boolean => isOwnName(state.intent, address)
  if (kind === 'email' && !isAnybodys(part) && isOnlyOne(output, part.value, kind, isOwn)) return true
  if (part.kind !== 'recipient' && part.kind !== 'other' && part.kind !== 'object') return false
  if (place === null || isAnybodys(part) || !isSpokenOf(output, place, part.value, nouns, roleWords(part)))
    return false
  return isRoleBound(output, part.value, kind, state.intent.nouns)
}

/** The address spells a first name that the user gave in full, with another last name. */
function isOthersName({ names = [] }: Intent, value: string): boolean {
  if (tokenKind(value) !== 'email') return false
  const local = words(value.split('@', 1)[0] ?? '').filter((word) => word.length > 2)
  return names.some(
    ([first, last]) =>
      local.length > 1 &&
      local.includes(first) &&
      !local.includes(last) &&
      !names.some(([f, l]) => f === first && local.includes(l)),
  )
}

/** The address spells a name that the user gave in full. */
function isOwnName(intent: Intent | null, value: string): boolean {
  const local = words(value.split('@', 1)[0] ?? '')
  return (intent?.names ?? []).some((name) => name.every((word) => word.length > 2 && local.includes(word)))
}

/** Who wrote a record says nothing about one part of it: the author's name ties no sentence to the user. */
function tellingNouns(nouns: readonly string[], output: SeenOutput, place: SeenField): readonly string[] {
  const authors = output.fields
    .filter((field) => field.record === place.record && words(field.key).some((w) => AUTHOR_KEYS.has(w)))
    .flatMap((field) => words(output.text.slice(field.at, field.end)).map(singular))
  return authors.length === 0 ? nouns : nouns.filter((noun) => !authors.includes(noun))
}

/**
 * An anchor vouches for what is no more dangerous than itself and plays another role: a file's id does not vouch for whom
 * it is shared with, nor one recipient's address for another's.
 */
function vouchesFor(roles: ToolRoles, anchor: Part, told: Part): boolean {
  if (told.token) return true
  if (told.address !== null && anchor.address === told.address) return false
  return anchor.weight >= told.weight || (roles.unsure === true && isPartOf(anchor.path, told.path))
}
/** `member_email` beside `member`: whatever the words mean, the one is said of the other. */
function isPartOf(whole: string, part: string): boolean {
  const [of, all] = [words(whole), words(part)]
  return of.length > 0 && of.length < all.length && of.every((word, i) => all[i] === word)
}

/** `isAnchor`, asked once of a part; a statement that is too long to be looked through binds nothing. */
function anchorsOf(state: FlowState, effort: Effort): (part: Part) => boolean {
  const known = new Map<Part, boolean>()
  return (part) => {
    const made = known.get(part)
    if (made !== undefined) return made
    const held = isAnchor(state, part, effort)
    known.set(part, held)
    return held
  }
}
/** What is read of a statement and of its neighbours to tell whom it is about, in characters a character. */
const READ_AGAIN = 8

function isAnchor(state: FlowState, part: Part, effort: Effort): boolean {
  if (part.lookalike) return false
  if (['user', 'approved', 'own', 'field', 'delegated'].includes(part.origin.standing)) return true
  if (
    part.origin.standing === 'said' &&
    spend(effort, READ_AGAIN * (part.origin.output?.text.length ?? 0)) &&
    (bindsToRole(state, part) || isAgreed(state, part))
  )
    return true
  // The letters of an address are its owner's choice: a word of the user inside one proves nothing.
  if (part.kind === 'url' || part.kind === 'account' || part.address !== null) return false
  const nouns = state.intent?.nouns ?? []
  const telling = words(part.value).filter((word) => word.length > 3 && !COMMON.has(word))
  const spoken = telling.filter((word) => nouns.includes(word)).length
  // A first name in common with somebody the user named makes nobody of that name the one who was meant.
  return spoken * 2 > telling.length
}

/** The user spelled out an account or address for this, and the call uses another one that only text offers. */
function otherThanNamed(state: FlowState, parts: readonly Part[]): Part | undefined {
  const { intent } = state
  if (intent === null || intent.follows) return undefined
  return parts.find((part) => {
    const kind = part.token ? null : part.address
    const { output, standing } = part.origin
    if (kind === null && !part.token && output !== null && rank(standing) >= rank('said'))
      return hasRival(intent, part.value)
    // An address that stands nowhere is another one, too.
    const other = output === null ? standing === 'composed' : rank(standing) >= rank('said')
    return kind !== null && kind !== 'url' && intent.tokenKinds.includes(kind) && other
  })
}

/** A sign of the same make as one the user wrote: `P-46982` where the call has `P-01188`. */
function hasRival(intent: Intent, value: string): boolean {
  if (!/\d/.test(value) || !/[\p{L}_-]/u.test(value) || /\s/.test(value)) return false
  const make = makeOf(value)
  return makesOf(intent).has(make)
}
const made = new WeakMap<Intent, ReadonlySet<string>>()
function makesOf(intent: Intent): ReadonlySet<string> {
  const known = made.get(intent)
  if (known !== undefined) return known
  const signs = (intent.text.match(/[\p{L}\p{N}_-]+/gu) ?? []).filter((word) => /\d/.test(word))
  const makes = new Set(signs.map(makeOf))
  made.set(intent, makes)
  return makes
}
function makeOf(word: string): string {
  return word.replace(/\p{L}+/gu, 'a').replace(/\d+/g, '9')
}

/**
 * A link to a host that only a fetched page of another host offers, when the user spoke of no links: a page that leads
 * away from what the user sent the agent to. In a text it counts when the text is little more than the link.
 */
function leadsAway(
  state: FlowState,
  leaves: readonly ScalarLeaf[],
  parts: readonly Part[],
  effort: Effort,
): boolean {
  const { intent } = state
  if (intent === null || intent.nouns.includes('link')) return false
  return parts.some((part) => {
    const { output, standing } = part.origin
    if (part.address !== 'url' || output === null || rank(standing) < rank('said')) return false
    if (output.host === null)
      return !isLinkSpokenOf(state, part, effort) && (!part.token || isBareLink(leaves, part))
    // A page that the user said to follow may lead on; a page that was only reached from it may not.
    if (intent.follows && output.naming === 'named') return false
    const host = hostOf(part.value)
    if (state.outputs.some((seen) => seen.host === host)) return false
    return !part.token || isBareLink(leaves, part)
  })
}
const BARE_LINK_WORDS = 30
const BARE_LINK_TEXT = 4096
/** The text is little more than the link. */
function isBareLink(leaves: readonly ScalarLeaf[], part: Part): boolean {
  const text = leaves.find((leaf) => leaf.path === part.path)?.value
  return words(String(text).replaceAll(part.raw, ' ').slice(0, BARE_LINK_TEXT)).length < BARE_LINK_WORDS
}

/** The user spoke of links, or of what the sentence that gives this one is about. */
function isLinkSpokenOf({ intent }: FlowState, part: Part, effort: Effort): boolean {
  const {
    value,
    origin: { output, place },
  } = part
  if (intent === null || intent.nouns.some((noun) => LINKED_NOUNS.has(noun))) return true
  if (intent.follows && !isAnybodys(part)) return true
  if (output === null || place === null || !spend(effort, READ_AGAIN * output.text.length)) return false
  return isSpokenOf(output, place, hostOf(value), intent.nouns)
}

/** Without the user's words nothing can be anchored: untrusted sinks go to a person, unseen ones where it hurts. */
function judgeWithoutIntent(state: FlowState, roles: ToolRoles, parts: readonly Part[], add: Add): void {
  for (const part of parts) {
    const { standing, output } = part.origin
    const handle = part.kind === 'id' && standing === 'field' && !roles.destructive
    if (output?.thirdParty && !handle) {
      add('untrusted-unasked', part.path, 'from an untrusted output, and the user’s words are not known')
      return
    }
    // Before anything untrusted was read, an address to fetch can only be the user's.
    const early = roles.effect === 'read' && !state.untrustedSeen
    if (output === null && standing === 'composed' && !early && (roles.destructive || roles.openWorld)) {
      add('unseen-unasked', part.path, 'seen nowhere, and the user’s words are not known')
      return
    }
  }
}

function labelOf(part: Part): ArgumentLabel {
  const { output, field, standing } = part.origin
  return {
    path: part.path,
    value: part.raw.slice(0, LIMITS.value),
    label: label(part),
    standing,
    source:
      output === null ? null : { server: output.server, tool: output.tool, callId: output.callId, field },
    kind: part.kind,
    sink: part.sink,
  }
}
function label(part: Part): ArgumentLabel['label'] {
  const { standing, output } = part.origin
  if (standing === 'user' || standing === 'approved') return 'user'
  if (output !== null)
    return output.thirdParty || part.lookalike || isAsked(standing) ? 'untrusted' : 'trusted'
  return part.sink ? 'unseen' : 'agent'
}

const WHERE: Readonly<Record<Standing, string>> = {
  user: 'stands in the user’s words',
  approved: 'was approved by a person',
  own: 'is the user’s or the system’s own data',
  field: 'is a data field',
  delegated: 'stands in a record whose author the user said to follow',
  said: 'is stated in a source the user named',
  composed: 'was written by the agent',
  mentioned: 'is stated in a list the user only talked about',
  assembled: 'was pieced together from an output',
  stated: 'is stated in a source nobody named',
  followed: 'stands in a request inside a source the user said to follow',
  'asked-named': 'stands in a request inside a source the user named',
  asked: 'stands in a request inside an output',
  hidden: 'stands in encoded text inside an output',
  hostile: 'stands in text written for an agent',
}
function reasonOf(part: Part): string {
  const { output, field, standing } = part.origin
  return `${part.kind} ${WHERE[standing]}${output === null ? '' : sourceOf(output, field)}`
}
function sourceOf({ tool }: SeenOutput, field: string | null): string {
  return ` (${tool}${field === null ? '' : `.${field}`})`
}

/** One question for the same values in the same role, whatever the texts around them. */
function questionOf(call: FlowCall, parts: readonly Part[]): string {
  const values = parts
    .filter((part) => part.sink && rank(part.origin.standing) >= rank('delegated'))
    .map((part) => `${part.kind}=${part.spelled}`)
  return JSON.stringify([call.server, [...call.roles.classes].sort(), [...new Set(values)].sort()])
}
