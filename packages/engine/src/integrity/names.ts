/**
 * Tool names that mislead: invisible or direction-changing characters, letters of other scripts that look Latin,
 * and two names that read alike. Skeletons follow the idea of UTS #39 (confusable detection).
 * @module
 */
import { clean, fold } from '../flow/normal.ts'

/** What two names share when a reader cannot tell them apart. Separators and case do not distinguish. */
export function nameSkeleton(name: string): string {
  return fold(clean(name))
    .replace(/[\s_\-.]+/g, '')
    .replaceAll('0', 'o')
    .replaceAll('1', 'l')
    .replaceAll('rn', 'm')
    .replaceAll('vv', 'w')
}

const MAX_NAME = 128
// Control, format (bidi, zero width), surrogate, private-use, unassigned; variation selectors and invisible fillers.
const HIDDEN = /\p{C}|\u034f|[\u115f\u1160\u17b4\u17b5\u3164\uffa0\u2028\u2029]|[\ufe00-\ufe0f]/u

/** Why a name may not be shown to an agent, or null. Made by us; never holds the name. */
export function badName(name: string): string | null {
  if (name === '') return 'The tool has no name.'
  if (name.length > MAX_NAME) return `The tool's name is longer than ${MAX_NAME} characters.`
  if (!name.isWellFormed() || HIDDEN.test(name))
    return "The tool's name holds invisible or control characters."
  if (/\s/.test(name)) return "The tool's name holds white space."
  if (name.normalize('NFKC') !== name) return "The tool's name is not in its plain Unicode form."
  if (mixesScripts(name)) return "The tool's name mixes letters that look alike."
  return null
}

/** Letters of a second script inside a Latin name, or a name made wholly of letters that imitate Latin ones. */
function mixesScripts(name: string): boolean {
  const folded = fold(name)
  if (folded === name.toLowerCase()) return false
  return /[a-z]/i.test(name) || /^[\x20-\x7e]*$/.test(folded)
}
