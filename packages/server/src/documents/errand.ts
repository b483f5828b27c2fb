/**
 * On whose errand documents are asked for: the task, its user, the agent and everybody who handed the errand on. An
 * errand of which any link was revoked after it was opened is dead, and so is one that nobody knows.
 * @module
 */
import type { Clock, Store } from '@safeconduct/engine'
import type { Delegation, EpochKind, Task } from '@safeconduct/protocol'

export interface Errand {
  readonly user: string | null
  readonly agent: string
  readonly task: string
}

/** Everybody whose rights count; a document has to be open to all of them. */
export interface Parties {
  readonly user: string | null
  /** The calling agent, then whoever handed on to it. */
  readonly agents: readonly string[]
  /** Ids that the errand is limited to begin with one of these; null = no limit. */
  readonly prefixes: readonly string[] | null
}

export interface ErrandPorts {
  readonly store: Pick<Store, 'tasks' | 'delegations' | 'agents' | 'epochs'>
  readonly clock: Clock
}

/** null when the errand is not that of this user and agent, or has ended, or was revoked. */
export async function partiesOf(ports: ErrandPorts, tenant: string, errand: Errand): Promise<Parties | null> {
  const { store, clock } = ports
  const task = await store.tasks.get(tenant, errand.task)
  const now = clock.now()
  if (task === null || task.user !== errand.user || !isOpen(task, now)) return null
  const chain = await chainTo(ports, task, errand.agent, now)
  if (chain === null) return null
  const links: [EpochKind, string][] = [
    ['tenant', tenant],
    ['task', task.id],
    ...chain.agents.map((agent): [EpochKind, string] => ['agent', agent]),
    ...(task.user === null ? [] : [['user', task.user] as [EpochKind, string]]),
  ]
  for (const [kind, id] of links) {
    const at = await store.epochs.bumpedAt(tenant, kind, id)
    if (at !== null && at >= task.createdAt) return null
  }
  for (const id of chain.agents) {
    const agent = await store.agents.get(tenant, id)
    if (agent === null || agent.status !== 'active') return null
    if (task.user === null && !agent.autonomous) return null
  }
  const limits = [task.details.resources, ...chain.links.map(({ details }) => details.resources)]
  return { user: task.user, agents: chain.agents, prefixes: narrowest(limits) }
}

function isOpen({ status, expiresAt, details }: Task, now: number): boolean {
  return (
    status === 'active' && now < expiresAt && (details.expires === undefined || now < details.expires * 1000)
  )
}

interface Chain {
  readonly agents: readonly string[]
  readonly links: readonly Delegation[]
}

const MAX_LINKS = 1000

/** From the agent up to the task's own; every link alive. */
async function chainTo(ports: ErrandPorts, task: Task, agent: string, now: number): Promise<Chain | null> {
  const { store } = ports
  const links = await store.delegations.find(task.tenant, 'task', task.id, { limit: MAX_LINKS })
  const byId = new Map(links.map((link) => [link.id, link]))
  const alive = async (link: Delegation) =>
    now < link.expiresAt && (await store.epochs.bumpedAt(task.tenant, 'delegation', link.id)) === null
  for (const last of links.filter(({ to }) => to === agent)) {
    const used: Delegation[] = []
    let link: Delegation | undefined = last
    while (link !== undefined && used.length <= links.length && (await alive(link))) {
      used.push(link)
      if (link.parent === null) break
      link = byId.get(link.parent)
    }
    const first = used.at(-1)
    if (first?.parent === null)
      return { agents: [...new Set(used.map(({ to }) => to)), ...own(first, task)], links: used }
  }
  // A task without links is its agent's own: nobody handed anything on.
  const isOwn = task.agent === agent && !links.some(({ to }) => to === agent)
  return isOwn ? { agents: [agent], links: [] } : null
}

/** The agent that the first link comes from, where that is an agent and not the user. */
function own(first: Delegation, task: Task): string[] {
  return first.from === task.user || first.from === first.to ? [] : [first.from]
}

/**
 * An id has to fit every limit: of two prefixes the longer one, where it begins with the other. Each once: agents choose
 * their own limits, and what is named many times over must not multiply from link to link.
 */
export function narrowest(limits: readonly (readonly string[] | undefined)[]): readonly string[] | null {
  const given = limits.filter((limit) => limit !== undefined)
  const [first, ...rest] = given
  if (first === undefined) return null
  const narrowed = rest.reduce((narrow, limit) => {
    const both = new Set<string>()
    for (const a of narrow)
      for (const b of new Set(limit)) {
        if (a.startsWith(b)) both.add(a)
        else if (b.startsWith(a)) both.add(b)
      }
    return both
  }, new Set(first))
  return [...narrowed]
}
