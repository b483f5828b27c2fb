/**
 * How options are read that several verbs have.
 * @module
 */
import { InvalidArgumentError } from 'commander'

/** As it was given: it goes on as text, and the daemon knows the bounds. @throws when it is no whole number */
export function wholeNumber(given: string): string {
  if (/^\d{1,15}$/.test(given)) return given
  throw new InvalidArgumentError('It is no whole number.')
}

/** An option that may be given again for more. */
export const many = (value: string, before: readonly string[]): readonly string[] => [...before, value]
