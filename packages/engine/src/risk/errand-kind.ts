/**
 * What kind of errand a call belongs to, and what kind of tool it asks for: by the purpose of the errand, and by what the
 * user's words ask to be done; nothing of either is kept but a digest.
 * @module
 */
import { hash } from 'node:crypto'
import type { FlowState } from '../flow/index.ts'
import type { KnownTool } from '../integrity/catalogue.ts'

export interface ErrandKind {
  /** Digests, the narrowest first. */
  readonly kinds: readonly string[]
  /** `read` or `write`, and what the definition of the tool says that it does. */
  readonly does: string
  /** The user's own words ask for every change that the tool makes: no custom of others says more of this errand. */
  readonly asked?: boolean
}

const MAX_WORDS = 12
/** Nearly every request asks for one of these, so that it does names no tool. */
const CHANGES_NOTHING: ReadonlySet<string> = new Set(['read', 'visit', 'run'])

/** @returns null when nothing is known of what the errand is for */
export function errandOf(
  purpose: string | undefined,
  intent: FlowState['intent'],
  tool: KnownTool,
): ErrandKind | null {
  const kinds: string[] = []
  const words = wordsOf(purpose ?? '')
  if (words.length > 0) kinds.push(digest(`purpose ${words.join(' ')}`))
  if (intent?.understood === true && intent.classes.length > 0)
    kinds.push(digest(`words ${[...intent.classes].sort().join(' ')}`))
  if (kinds.length === 0) return null
  const changes = tool.roles.classes.filter((name) => !CHANGES_NOTHING.has(name))
  const asked =
    intent?.understood === true &&
    changes.length > 0 &&
    changes.every((name) => intent.classes.includes(name))
  return { kinds, does: doesOf(tool), ...(asked ? { asked } : {}) }
}

/** Numbers name a case, not a kind. */
function wordsOf(purpose: string): string[] {
  const words =
    purpose
      .normalize('NFKC')
      .toLowerCase()
      .match(/\p{L}{2,}/gu) ?? []
  return [...new Set(words)].sort().slice(0, MAX_WORDS)
}

function doesOf({ action, pin, write, roles }: KnownTool): string {
  if (pin === null) return action
  const reach = `${roles.openWorld ? 'o' : ''}${roles.destructive ? 'd' : ''}${roles.ownData ? 'p' : ''}`
  return digest(`${write ? 'write' : 'read'} ${[...roles.classes].sort().join(' ')} ${reach}`)
}

function digest(text: string): string {
  return hash('sha256', text, 'base64url').slice(0, 10)
}
