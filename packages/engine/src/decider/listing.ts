/**
 * `list`: pins what a server defines, then shows each tool only where a call of it could be allowed to this grant now:
 * the same path that decides calls, asked with no arguments.
 * @module
 */
import type { CallRequest, JsonObject, PinnedTool } from '@safeconduct/protocol'
import { control } from '../control.ts'
import { nameOf, pinTools } from '../integrity/pins.ts'
import { evaluate } from '../pipeline.ts'
import type { ToolListing } from '../ports.ts'
import type { Owner } from './owner.ts'

/** Pins and persists, and leaves word of it for the ledger in the same transaction (`told`). Must not run twice at a time for one tenant: both would pin the same tool as new. */
export async function pin(
  owner: Owner,
  request: CallRequest,
  definitions: readonly JsonObject[],
): Promise<{ readonly pins: ReadonlyMap<string, PinnedTool>; readonly told: boolean }> {
  const { state, ports } = owner
  const { tenant } = request.grant
  const server = request.operation.server
  const directory = state.tenants.get(tenant)?.directory
  if (directory?.servers.has(server) !== true) return { pins: new Map(), told: false }
  const known: PinnedTool[] = []
  for (const tool of directory.tools.values()) if (tool.pin !== null) known.push(tool.pin)
  const { changed, pins } = pinTools(known, { tenant, server, at: request.at, definitions })
  const news = changed.filter(({ id }) => directory.tools.get(id)?.pin?.status !== 'quarantined')
  if (changed.length > 0) {
    await ports.store.tx(async (t) => {
      for (const tool of changed) await (tool.version === 1 ? t.tools.insert(tool) : t.tools.replace(tool))
      if (news.length > 0) await t.outbox.add(tenant, ports.ids.next(), pinnedEvent(server, news, request.at))
    })
  }
  for (const tool of changed) {
    control(state, ports.policyEngine, { type: 'tool', tool }, request.at)
    ports.bus.publish({ type: 'tool', tenant, tool })
  }
  return { pins, told: news.length > 0 }
}

/** What was pinned or quarantined. A quarantined tool that goes on changing is told of once: the rest is the server's noise. */
function pinnedEvent(server: string, tools: readonly PinnedTool[], at: number): JsonObject {
  const told = (status: PinnedTool['status']) =>
    tools
      .filter((tool) => tool.status === status)
      .map(({ name, digest, proposedDigest, reason }) => ({ name, digest: proposedDigest ?? digest, reason }))
  return { event: 'tools.pinned', server, pinned: told('active'), quarantined: told('quarantined'), at }
}

export function visible(
  owner: Owner,
  request: CallRequest,
  definitions: readonly JsonObject[],
  pins: ReadonlyMap<string, PinnedTool>,
): ToolListing {
  const shown = new Set<string>()
  return {
    visible: definitions.filter((definition) => {
      const name = nameOf(definition)
      // Of two definitions under one name the first was pinned.
      if (shown.has(name) || pins.get(name)?.status !== 'active') return false
      shown.add(name)
      return mayBeAllowed(owner, request, name)
    }),
  }
}

function mayBeAllowed({ state }: Owner, request: CallRequest, name: string): boolean {
  const operation = { ...request.operation, method: 'tools/call', kind: 'tool', name, args: {} } as const
  const found = evaluate(state, { ...request, operation }, null, { ignoreArguments: true })
  // A policy that needs arguments says nothing about a tool as such.
  return found.outcome !== 'deny' || found.needsArguments
}
