/**
 * What is said of a name or id that nothing has: what was looked for, and which verb lists what there is.
 * @module
 */
import { SafeconductError } from '@safeconduct/protocol'

const THINGS = {
  agent: ['There is no agent by that name or id.', 'agents list'],
  user: ['There is no user by that name or id.', 'users list'],
  subject: ['There is no agent or user by that name or id.', 'agents list and ./safeconduct users list'],
  server: ['There is no server by that name.', 'servers list'],
  tool: ['There is no tool by that id.', 'tools list'],
  task: ['There is no task by that id.', 'tasks list'],
  delegation: ['There is no delegation by that id.', 'tasks show with the id of its task'],
  decision: ['There is no decision by that id, or its record was erased.', 'decisions'],
  approval: ['There is no approval by that id.', 'approvals list'],
  elevation: ['There is no elevation by that id.', 'tasks elevations'],
  evidence: [
    'The agent has no such evidence against it, or the record was erased.',
    'explain with the id of a decision',
  ],
  baseline: ['The agent has no such baseline.', 'agents baseline list with its name'],
  'policy version': ['There is no such policy version.', 'policy history'],
  'policy store': ['There is no policy store by that name.', 'stores list'],
  'policy store version': ['There is no such version of this policy store.', 'stores show with its name'],
  'enforcement point': ['There is no enforcement point by that name.', 'enforcers list'],
  'relation space': ['There is no such relation space.', 'relations list'],
} as const

export function notFound(thing: keyof typeof THINGS): SafeconductError {
  const [sentence, verb] = THINGS[thing]
  return new SafeconductError('not_found', { message: `${sentence} What there is: ./safeconduct ${verb}` })
}
