/**
 * The role of an argument as a call uses it. Must hold: no text of a third party makes an argument weigh less, whatever
 * its wording is.
 * @module
 */
import { canon } from './normal.ts'
import { isAsked, originOf } from './origin.ts'
import type { ArgumentRole, ToolRoles } from './roles.ts'
import { roleOfValue } from './roles.ts'
import type { FlowState } from './state.ts'
import { LIMITS } from './state.ts'

/** `roleOfValue` for what the agent, the user or their own data worded; the plain role for everything else. */
export function roleInUse<R extends ArgumentRole>(
  state: FlowState,
  roles: ToolRoles,
  role: R,
  value: string,
): R {
  const used = roleOfValue(roles, role, value)
  if (used === role) return role
  const { standing, output } = originOf(state, canon(value).slice(0, LIMITS.value), false)
  return isAsked(standing) || output?.thirdParty === true ? role : used
}
