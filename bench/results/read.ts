/**
 * Reading the JSON that benches print: members by path, numbers or nothing. A shape that changed gives a gap, not a
 * crash: the file says what is missing.
 * @module
 */
export type Path = readonly (string | number)[]

export function at(value: unknown, ...path: Path): unknown {
  let here = value
  for (const step of path) {
    if (here === null || typeof here !== 'object') return undefined
    here = Object(here)[step]
  }
  return here
}

export function number(value: unknown, ...path: Path): number {
  const found = at(value, ...path)
  return typeof found === 'number' ? found : Number.NaN
}

export function list(value: unknown, ...path: Path): readonly unknown[] {
  const found = at(value, ...path)
  return Array.isArray(found) ? found : []
}

export function entries(value: unknown, ...path: Path): readonly (readonly [string, unknown])[] {
  const found = at(value, ...path)
  return found !== null && typeof found === 'object' ? Object.entries(found) : []
}

/** The first item of a list whose member has this value. */
export function row(value: unknown, member: string, wanted: unknown, ...path: Path): unknown {
  return list(value, ...path).find((item) => at(item, member) === wanted)
}

export function fixed(value: number, digits = 2): string {
  return Number.isFinite(value) ? value.toFixed(digits) : '–'
}
