/**
 * Is a write the kind of action that the user asked for? What the words say of it is weak evidence: it adds to a doubt, and
 * takes none away.
 * @module
 */
import type { Intent } from './intent.ts'
import { DEVERBAL_NOUNS, FUNCTION_WORDS } from './lexicon.ts'
import { words } from './normal.ts'
import type { ToolRoles } from './roles.ts'
import type { FlowState } from './state.ts'
import type { Term } from './weights.ts'

/** Adds a term to the doubt of a call; `path` is empty where it is about the whole call. */
export type Add = (term: Term, path: string, reason: string, factor?: number) => void

/** Is this the kind of action the user asked for? */
export function judgeAction(state: FlowState, roles: ToolRoles, add: Add): void {
  const { intent } = state
  if (intent === null) return
  const asked = intent.classes.filter((name) => !['read', 'visit', 'run'].includes(name))
  const mismatch = !roles.classes.some((name) => intent.classes.includes(name))
  if (!intent.understood || roles.unsure === true || isCalledByName(intent, roles)) return
  if (!intent.follows && asked.length === 0)
    add('read-only-request', '', 'the user asked for no change, and this is one')
  else if (intent.tasks !== true && asked.length > 0 && mismatch)
    add(
      'other-action',
      '',
      'the user asked for another kind of action',
      isActionNamed(intent, roles) || isNotedDown(intent, roles) ? SPOKEN_OF : 1,
    )
  if (mismatch && state.marks > 0 && roles.classes.some((name) => state.asked.includes(name)))
    add('action-requested', '', 'an output asked for this kind of action, and the user did not')
  if (mismatch && roles.destructive) add('destructive', '', 'destroys, and the user did not ask for it')
}

/** The user ordered it by the very word that the tool is named by, whether any list knows it or not. */
function isCalledByName({ heads = [] }: Intent, { objects = [], args }: ToolRoles): boolean {
  const given = Object.keys(args).flatMap((arg) => words(arg))
  return heads.some((head) => objects.includes(head) && !given.includes(head) && !FUNCTION_WORDS.has(head))
}

/** `Update my payment`: the user speaks of such an action, and asks for another one to be done to it. */
function isActionNamed({ nouns }: Intent, { classes }: ToolRoles): boolean {
  return nouns.some((noun) => classes.includes(DEVERBAL_NOUNS.get(noun) ?? ''))
}
/** To put something down and to change it: people say the one for the other. */
const NOTING = ['add', 'update']
function isNotedDown({ classes: asked }: Intent, { classes, destructive }: ToolRoles): boolean {
  return !destructive && [asked, classes].every((of) => NOTING.some((name) => of.includes(name)))
}
const SPOKEN_OF = 0.5
