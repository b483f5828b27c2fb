/**
 * Texts of the agent against requests found in outputs: quoted at length, or dictated whole.
 * @module
 */
import { canon, occurrences, words } from './normal.ts'
import type { ToolRoles } from './roles.ts'
import type { FlowState } from './state.ts'

const shingled = new WeakMap<FlowState['requests'], { from: string | null; set: ReadonlySet<string> }>()

/** Two runs of five words in common with a marked request that the user did not write. */
export function quotesRequest(state: FlowState, text: string): boolean {
  if (state.marks === 0 && !state.requests.some((request) => request.marked)) return false
  const intent = state.intent?.text ?? null
  let known = shingled.get(state.requests)
  if (known === undefined || known.from !== intent) {
    const own = shingles(intent ?? '')
    const set = new Set<string>()
    for (const request of state.requests)
      if (request.marked) for (const run of shingles(request.text)) if (!own.has(run)) set.add(run)
    known = { from: intent, set }
    shingled.set(state.requests, known)
  }
  let common = 0
  for (const run of shingles(text.slice(0, 16_384))) if (known.set.has(run) && ++common >= 2) return true
  return false
}
/** Runs of five words. */
export function shingles(text: string): Set<string> {
  const list = words(text)
  const runs = new Set<string>()
  for (let i = 0; i + 5 <= list.length; i++) runs.add(list.slice(i, i + 5).join(' '))
  return runs
}

/** The whole text stands in a marked request for this class of action, and not in the user's words. */
export function dictated(state: FlowState, roles: ToolRoles, text: string): boolean {
  const value = canon(text)
  if (value.length < 5 || value.length > 300 || occurrences(value, state.intent?.text ?? '', 1).length > 0)
    return false
  return requestedIn(state, roles, value)
}
/** A marked request for this class of action names the canonical value. */
export function requestedIn(state: FlowState, roles: ToolRoles, value: string): boolean {
  return state.requests.some(
    (request) =>
      request.marked &&
      request.asks.some((name) => roles.classes.includes(name)) &&
      occurrences(value, request.text, 1).length > 0,
  )
}
