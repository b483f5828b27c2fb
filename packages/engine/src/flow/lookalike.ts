/**
 * Values whose letters imitate others (UTS #39, Unicode Security Mechanisms). Folded, they are found wherever they were
 * copied from; here they are told from what they imitate. Must hold: what only looks like a value of the user, or of data
 * that holds, is another value; a value in one script that is spelled as its source spells it is the source's.
 * @module
 */
import type { Effort } from './effort.ts'
import { skeleton } from './normal.ts'
import type { Origin } from './origin.ts'
import { COMPOSED, directOrigin, rank, standsIn, worse } from './origin.ts'
import type { FlowState } from './state.ts'
import { hostOf } from './tokens.ts'

const NON_ASCII = /[^\p{ASCII}]/u
/** Scripts that share letters with each other. */
const SCRIPTS = [/\p{Script=Latin}/u, /\p{Script=Cyrillic}/u, /\p{Script=Greek}/u, /\p{Script=Armenian}/u]

/**
 * The origin of a value that only looks like one that is better founded, or null. `found` is where it stands folded;
 * `identifying` = an address or identifier, of which the parts count, too.
 */
export function lookalikeOrigin(
  state: FlowState,
  { value, spelled }: { readonly value: string; readonly spelled: string },
  found: Origin,
  identifying: boolean,
  effort: Effort,
): Origin | null {
  const imitates = spelled !== value
  if (
    !imitates &&
    state.intent?.spelling === undefined &&
    state.outputs.every((o) => o.spelling === undefined)
  )
    return null
  const literal = directOrigin(state, value, effort, spelled)
  if (literal?.standing === 'user') return null
  const mixed = imitates && identifying && isMixed(spelled)
  if (!mixed && !piecesOf(value, spelled, identifying).some((piece) => isOther(state, piece, effort)))
    return null
  if (literal !== null) return { ...literal, standing: worse(literal.standing, 'stated') }
  return rank(found.standing) > rank('composed') ? found : COMPOSED
}

/** Letters of two scripts in one label, all of them such as ASCII has: `аcme` is no Russian word and no English one. */
function isMixed(spelled: string): boolean {
  return spelled.split(/[^\p{L}\p{N}\p{M}]+/u).some((label) => {
    if (!NON_ASCII.test(label) || SCRIPTS.filter((script) => script.test(label)).length < 2) return false
    return !NON_ASCII.test(skeleton(label))
  })
}

type Piece = readonly [value: string, spelled: string]
const MAX_PIECES = 12

/** The value, its host, and what stands on either side of an `@` or a slash. */
function piecesOf(value: string, spelled: string, identifying: boolean): readonly Piece[] {
  const pieces: Piece[] = [[value, spelled]]
  if (!identifying) return pieces
  const host = hostOf(value).length
  if (host < value.length) pieces.push([value.slice(0, host), spelled.slice(0, host)])
  for (const { 0: text, index } of value.matchAll(/[^@/\s]{3,}/g)) {
    if (pieces.length >= MAX_PIECES) break
    if (text !== value) pieces.push([text, spelled.slice(index, index + text.length)])
  }
  return pieces
}

/** Stands, spelled otherwise, where as much vouches for it as for this spelling. */
function isOther(state: FlowState, [value, spelled]: Piece, effort: Effort): boolean {
  if (state.intent !== null && standsIn(state.intent, value, spelled)) return false
  const other = directOrigin(state, value, effort, spelled, false)
  if (other === null) return false
  const standing = directOrigin(state, value, effort, spelled)?.standing ?? COMPOSED.standing
  // Of two with as much behind them, the one is doubted whose letters imitate.
  return spelled === value
    ? rank(other.standing) < rank(standing)
    : rank(other.standing) <= Math.min(rank(standing), rank('composed'))
}
