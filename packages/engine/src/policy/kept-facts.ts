/**
 * Facts that are the same from call to call: of a tool, a server, a task, a trust level. Made once for each of these
 * and frozen, so that whoever reads one may keep what it read. A change of any of them brings another object
 * (`state.ts`), so nothing here grows old.
 * @module
 */
import { type Server, type Task, TRUST_LEVELS, type TrustLevel, trustRank } from '@safeconduct/protocol'
import type { KnownTool } from '../integrity/catalogue.ts'
import type { PolicyRecord } from './engine.ts'

/** What is made of each thing, as long as somebody holds the thing. */
function keptBy<K extends object, V>(make: (key: K) => V): (key: K) => V {
  const known = new WeakMap<K, V>()
  return (key) => {
    const found = known.get(key)
    if (found !== undefined) return found
    const made = make(key)
    known.set(key, made)
    return made
  }
}

const levels = new Map<TrustLevel, PolicyRecord>(
  TRUST_LEVELS.map((level) => [level, Object.freeze({ level, rank: trustRank(level) })]),
)

export function trustFacts(level: TrustLevel): PolicyRecord {
  return levels.get(level) ?? { level, rank: trustRank(level) }
}

const tools = keptBy(({ roles, pin }: KnownTool) => {
  const { effect, destructive, openWorld, reversible } = roles
  const quarantined = pin?.status === 'quarantined'
  const facts = (seenBefore: boolean): PolicyRecord =>
    Object.freeze({ effect, destructive, openWorld, reversible, seenBefore, quarantined })
  return { seen: facts(true), unseen: facts(false) }
})

export function toolFacts(tool: KnownTool, seenBefore: boolean): PolicyRecord {
  const { seen, unseen } = tools(tool)
  return seenBefore ? seen : unseen
}

const servers = keptBy(({ name, standing }: Server): PolicyRecord => Object.freeze({ name, standing }))

/** @param name as the call spells it */
export function serverFacts(server: Server | null, name: string): PolicyRecord {
  return server !== null && server.name === name
    ? servers(server)
    : { name, standing: server?.standing ?? 'new' }
}

const NO_TASK: PolicyRecord = Object.freeze({ purpose: '', hasIntent: false, implicit: false })

// As the task was opened: whoever hands it on may say why, and gains nothing by it.
const tasks = keptBy(
  ({ details, intent, implicit }: Task): PolicyRecord =>
    Object.freeze({
      purpose: details.purpose ?? '',
      hasIntent: intent !== null,
      implicit,
    }),
)

export function taskFacts(task: Task | null): PolicyRecord {
  return task === null ? NO_TASK : tasks(task)
}
