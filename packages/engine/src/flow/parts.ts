/**
 * The values of a call that are put to the test: arguments that steer, and the addresses inside texts, each with where it
 * stands in what the task has seen.
 * @module
 */
import type { JsonObject, ScalarLeaf } from './json.ts'
import { canon } from './normal.ts'
import { roleOf } from './observe.ts'
import type { Origin } from './origin.ts'
import { COMPOSED, originOf, worse } from './origin.ts'
import type { ToolRoles } from './roles.ts'
import { isHard } from './roles.ts'
import type { FlowState } from './state.ts'
import { LIMITS } from './state.ts'
import { hostOf, tokenKind, tokensOf } from './tokens.ts'
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
  readonly kind: string
  readonly weight: number
  readonly token: boolean
  readonly sink: boolean
  readonly origin: Origin
}

export function partsOf(state: FlowState, roles: ToolRoles, leaf: ScalarLeaf, steers: boolean): Part[] {
  if (typeof leaf.value === 'boolean') return []
  const text = String(leaf.value).slice(0, LIMITS.examined)
  const role = roleInUse(state, roles, roleOf(roles, leaf.path), text)
  const inside = tokensOf(text.replace(/\\n/g, '\n')).map((t) => ({
    text: t.text,
    kind: t.kind as string,
    weight: 1,
    token: true,
  }))
  // A command or path that carries an address is judged by the whole and by the address: the longer the one, the less
  // it says about the other.
  const pieces = isHard(role)
    ? [
        { text, kind: role.kind, weight: weighed(roles, role.weight, text), token: false },
        ...inside.filter((piece) => canon(piece.text) !== canon(text.slice(0, 2 * LIMITS.value))),
      ]
    : inside
  const parts: Part[] = []
  for (const piece of pieces) {
    const value = canon(piece.text).slice(0, LIMITS.value)
    if (value.length <= 1) continue
    const found = approvedOr(state, roles, value, piece.kind, () =>
      fullOrigin(state, value, piece.kind, piece.token),
    )
    // What a list merely mentions may be passed on inside a text; it does not choose where anything goes.
    const origin: Origin =
      found.standing === 'mentioned' && !piece.token ? { ...found, standing: 'stated' } : found
    parts.push({
      path: leaf.path,
      raw: piece.text,
      value,
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
function weighed(roles: ToolRoles, weight: number, text: string): number {
  return roles.effect === 'write' && weight > 0 && tokenKind(text) !== null ? 1 : weight
}

function approvedOr(
  state: FlowState,
  roles: ToolRoles,
  value: string,
  kind: string,
  look: () => Origin,
): Origin {
  const yes = state.approved.some(
    (a) => a.value === value && a.kind === kind && sameAction(a.classes, roles.classes),
  )
  return yes ? { standing: 'approved', output: null, field: null, author: false, place: null } : look()
}
function sameAction(approved: readonly string[], now: readonly string[]): boolean {
  return now.every((name) => approved.includes(name))
}

const IDENTIFYING = ['account', 'url', 'recipient', 'credential', 'path', 'command']

/** The origin of a value; of an unknown URL its host; of an unknown compound its worst known word. */
function fullOrigin(state: FlowState, value: string, kind: string, token: boolean): Origin {
  const identifying = token || IDENTIFYING.includes(kind) || (kind === 'id' && /\d/.test(value))
  const origin = originOf(state, value, identifying)
  if (origin.standing !== 'composed') return origin
  if (kind === 'url' && /[/?#]/.test(value)) {
    const host = originOf(state, hostOf(value), true)
    if (host.standing !== 'composed') return { ...host, partial: true }
    return origin
  }
  if (token || kind === 'credential') return origin
  const known = value
    .split(/[^\p{L}\p{N}_@.-]+/u)
    .filter((word) => word.length > 2)
    .slice(0, 12)
    .map((word) => originOf(state, word, false))
  if (known.length === 0 || known.some((o) => o.standing === 'composed')) return COMPOSED
  return known.reduce((a, b) => (worse(a.standing, b.standing) === a.standing ? a : b))
}
