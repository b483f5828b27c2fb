/** @module Reading foreign JSON: each function returns the value in its type or throws, naming what it was. */

export function record(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new TypeError(`${what}: not an object`)
  return { ...value }
}

export function list(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new TypeError(`${what}: not a list`)
  return value
}

export function text(value: unknown, what: string): string {
  if (typeof value !== 'string') throw new TypeError(`${what}: not text`)
  return value
}
