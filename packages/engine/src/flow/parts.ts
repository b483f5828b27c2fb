/**
 * The values of a call that are put to the test: arguments that steer, and the addresses inside texts, each with where it
 * stands in what the task has seen.
 * @module
 */
import type { Effort } from './effort.ts'
import type { JsonObject, ScalarLeaf } from './json.ts'
import { lookalikeOrigin } from './lookalike.ts'
import { canon, spelledCanon } from './normal.ts'
import { roleOf } from './observe.ts'
import type { Origin } from './origin.ts'
import { COMPOSED, originOf, worse } from './origin.ts'
import type { ToolRoles } from './roles.ts'
import { isHard } from './roles.ts'
import type { FlowState } from './state.ts'
import { LIMITS } from './state.ts'
import type { TokenKind } from './tokens.ts'
import { hostOf, tokenKind, tokensOf, wholeKind } from './tokens.ts'
import { roleInUse } from './use.ts'

export interface FlowCall {
  readonly server: string
  readonly tool: string
  readonly roles: ToolRoles
  readonly args: JsonObject
  /** Was the value put into storage by a doubtful write of any errand? By `stainOf`. */
  readonly isStained?: (stain: string) => boolean
}

/** One value under test: an argument that steers, or an address inside a text. */
export interface Part {
  readonly path: string
  readonly raw: string
  readonly value: string
  /** `value` as it is spelled: different where letters imitate others. */
  readonly spelled: string
  /** Only looks like a value of the user's, or of data that holds. */
  readonly lookalike: boolean
  /** What kind of address the whole value is, if it is one. */
  readonly address: TokenKind | null
  readonly kind: string
  readonly weight: number
  readonly token: boolean
  readonly sink: boolean
  readonly origin: Origin
}

export function partsOf(
  state: FlowState,
  roles: ToolRoles,
  leaf: ScalarLeaf,
  steers: boolean,
  effort: Effort,
): Part[] {
  if (typeof leaf.value === 'boolean') return []
  const text = String(leaf.value).slice(0, LIMITS.examined)
  const role = roleInUse(state, roles, roleOf(roles, leaf.path), text)
  const tokens = tokensOf(text.replace(/\\n/g, '\n'))
  const inside = tokens.map((t) => ({ text: t.text, kind: t.kind as string, weight: 1, token: true }))
  const whole = wholeKind(text, tokens)
  // A command or path that carries an address is judged by the whole and by the address: the longer the one, the less
  // it says about the other.
  const pieces = isHard(role)
    ? [
        { text, kind: role.kind, weight: weighed(roles, role.weight, whole), token: false },
        ...inside.filter((piece) => canon(piece.text) !== canon(text.slice(0, 2 * LIMITS.value))),
      ]
    : inside
  const parts: Part[] = []
  for (const piece of pieces) {
    const made = spelledCanon(piece.text)
    const value = made.value.slice(0, LIMITS.value)
    const spelled = made.spelled.slice(0, LIMITS.value)
    if (value.length <= 1) continue
    const address =
      (piece.token ? tokenKind(piece.text) : whole) ?? (spelled === value ? null : tokenKind(value))
    const identifying =
      piece.token || IDENTIFYING.includes(piece.kind) || (piece.kind === 'id' && /\d/.test(value))
    const approved = isApproved(state, roles, spelled, piece.kind)
    const origins = approved
      ? APPROVED
      : fullOrigin(state, value, piece.kind, piece.token, identifying, effort)
    const imitated = approved
      ? null
      : lookalikeOrigin(state, { value, spelled }, origins, identifying || address !== null, effort)
    const found = imitated ?? origins
    // What a list merely mentions may be passed on inside a text; it does not choose where anything goes.
    const origin: Origin =
      found.standing === 'mentioned' && !piece.token ? { ...found, standing: 'stated' } : found
    parts.push({
      path: leaf.path,
      raw: piece.text,
      value,
      spelled,
      lookalike: imitated !== null,
      address,
      kind: piece.kind,
      weight: piece.weight,
      token: piece.token,
      sink: steers && (roles.effect === 'write' || role.sink || piece.token),
      origin,
    })
  }
  return parts
}

/** An address goes to whoever holds it, whatever the argument is called. */
function weighed(roles: ToolRoles, weight: number, address: TokenKind | null): number {
  return roles.effect === 'write' && weight > 0 && address !== null ? 1 : weight
}

const APPROVED: Origin = { standing: 'approved', output: null, field: null, author: false, place: null }
/** What a person said yes to, as it was spelled. */
function isApproved(state: FlowState, roles: ToolRoles, spelled: string, kind: string): boolean {
  return state.approved.some(
    (a) => a.value === spelled && a.kind === kind && sameAction(a.classes, roles.classes),
  )
}
function sameAction(approved: readonly string[], now: readonly string[]): boolean {
  return now.every((name) => approved.includes(name))
}

const IDENTIFYING = ['account', 'url', 'recipient', 'credential', 'path', 'command']

/** The origin of a value; of an unknown URL its host; of an unknown compound its worst known word. */
function fullOrigin(
  state: FlowState,
  value: string,
  kind: string,
  token: boolean,
  identifying: boolean,
  effort: Effort,
): Origin {
  const origin = originOf(state, value, identifying, effort)
  if (origin.standing !== 'composed') return origin
  if (kind === 'url' && /[/?#]/.test(value)) {
    const host = originOf(state, hostOf(value), true, effort)
    if (host.standing !== 'composed') return { ...host, partial: true }
    return origin
  }
  if (token || kind === 'credential') return origin
  const known = value
    .split(/[^\p{L}\p{N}_@.-]+/u)
    .filter((word) => word.length > 2)
    .slice(0, 12)
    .map((word) => originOf(state, word, false, effort))
  if (known.length === 0 || known.some((o) => o.standing === 'composed')) return COMPOSED
  return known.reduce((a, b) => (worse(a.standing, b.standing) === a.standing ? a : b))
}
