/**
 * What the administration routes need; `cli` gives it.
 * @module
 */
import type {
  Bus,
  Checks,
  Clock,
  ControlEvent,
  Decider,
  EngineDecider,
  Ids,
  Repositories,
  Store,
} from '@safeconduct/engine'
import type { EpochRef, JsonObject } from '@safeconduct/protocol'
import type { Caller } from '../http/route.ts'

export interface AdminPorts {
  readonly tenant: string
  readonly store: Store
  readonly decider: Decider
  readonly bus: Bus
  readonly clock: Clock
  readonly ids: Ids
  readonly revoke: (target: {
    readonly tenant: string
    readonly kind: 'agent' | 'user' | 'task' | 'delegation'
    readonly id: string
    readonly by: string
  }) => Promise<EpochRef>
  readonly checks: Checks
  /** Trying policies, and proving which ones ruled. */
  readonly policies: Pick<EngineDecider, 'replayPolicy' | 'shadow' | 'policyReceipt' | 'ruleOnElevation'>
  /** What people do about what was learned of an agent. */
  readonly people: EngineDecider['people']
  readonly putCredential: (name: string, headers: Readonly<Record<string, string>>) => Promise<void>
  /** Leaves no copy behind; nothing happens when there is none. */
  readonly eraseCredential: (name: string) => Promise<void>
}

/** Whose word a change was made on, for its record. */
export function byOf(caller: Caller): string {
  return caller.kind === 'owner' ? caller.user : caller.kind
}

/**
 * One change: records and the ledger event that tells of it in one transaction; memory follows after the commit.
 * `work` must not await the network.
 */
export async function change<T>(
  ports: AdminPorts,
  event: JsonObject,
  work: (t: Repositories) => Promise<{ readonly result: T; readonly control: readonly ControlEvent[] }>,
): Promise<T> {
  const { result, control } = await ports.store.tx(async (t) => {
    const done = await work(t)
    await t.outbox.add(ports.tenant, ports.ids.next(), { ...event, at: ports.clock.now() })
    return done
  })
  for (const message of control) ports.decider.control(message)
  return result
}
