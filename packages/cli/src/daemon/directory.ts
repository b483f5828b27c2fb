/**
 * Servers by name, in memory: the gateway asks on every call, and no call waits for SQL. Loaded at start, kept
 * current by the control events that every change sends.
 * @module
 */
import type { ControlEvent, EngineDecider, Store } from '@safeconduct/engine'
import type { Server } from '@safeconduct/protocol'

export interface ServerDirectory {
  server(tenant: string, name: string): Server | null
  /** Whether any tenant has a server of this name. */
  known(name: string): boolean
}

export interface Directed {
  readonly servers: ServerDirectory
  /** The same decider; what is carried to it reaches the directory, too. */
  readonly decider: EngineDecider
}

const PAGE = 1000

export async function createDirectory(
  store: Store,
  tenant: string,
  decider: EngineDecider,
  onCarried: (event: ControlEvent) => void = () => undefined,
): Promise<Directed> {
  const servers = new Map<string, Server>()
  const keyOf = (of: string, name: string) => JSON.stringify([of, name])
  let after: string | undefined
  for (;;) {
    const page = await store.servers.list(tenant, { limit: PAGE, ...(after === undefined ? {} : { after }) })
    for (const server of page) servers.set(keyOf(server.tenant, server.name), server)
    after = page.at(-1)?.id
    if (page.length < PAGE) break
  }
  const follow = (event: ControlEvent) => {
    if (event.type === 'server') servers.set(keyOf(event.server.tenant, event.server.name), event.server)
    else if (event.type === 'server-removed') servers.delete(keyOf(event.tenant, event.server))
  }
  return {
    servers: {
      server: (of, name) => servers.get(keyOf(of, name)) ?? null,
      known: (name) => [...servers.values()].some((server) => server.name === name),
    },
    decider: {
      ...decider,
      control(event) {
        decider.control(event)
        follow(event)
        onCarried(event)
      },
    },
  }
}
