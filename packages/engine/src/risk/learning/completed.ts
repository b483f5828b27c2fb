/**
 * State of an earlier release in the shape of this one: members that it lacks, or has of another kind, are as they are
 * where nothing was learned; whatever else it learned stays. What is inside maps and lists is taken as it is.
 * @module
 */

/** @param empty never changed; parts of it become parts of the answer */
export function completed(empty: unknown, state: unknown): unknown {
  if (empty === null) return state === undefined ? null : state
  if (kindOf(empty) !== kindOf(state)) return empty
  if (kindOf(empty) !== 'members') return state
  const whole: Record<string, unknown> = { ...(state as object) }
  for (const [name, member] of Object.entries(empty as object)) whole[name] = completed(member, whole[name])
  return whole
}

function kindOf(value: unknown): string {
  if (value instanceof Map) return 'map'
  if (Array.isArray(value)) return 'list'
  return typeof value === 'object' ? (value === null ? 'nothing' : 'members') : typeof value
}
