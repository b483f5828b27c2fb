/**
 * Revocation by counting: one number goes up, and everything issued under the old one fails at its next call,
 * descendants included, without anybody listing them.
 * @module
 */
import type { Clock, ControlEvent, Ids, Store } from '@safeconduct/engine'
import type { EpochRef } from '@safeconduct/protocol'

export interface RevokeTarget {
  readonly tenant: string
  readonly kind: 'agent' | 'user' | 'task' | 'delegation'
  readonly id: string
  /** Who revoked: a user id, or what part of the product did it. */
  readonly by: string
}

export interface RevokePorts {
  readonly store: Store
  readonly clock: Clock
  readonly ids: Ids
  readonly onControl: (event: ControlEvent) => void
}

/**
 * Bumps the epoch and writes the ledger event in one transaction; then tells memory. When this resolves the
 * revocation is durable and in force in this process. A revoked agent also loses its autonomy: it still holds its key
 * and would otherwise help itself to the next token; a person has to switch that on again.
 * @throws {SafeconductError} `not_found`
 */
export async function revoke(ports: RevokePorts, target: RevokeTarget): Promise<EpochRef> {
  const { tenant, kind, id, by } = target
  const { epoch, tamed } = await ports.store.tx(async (t) => {
    const next = await t.epochs.bump(tenant, kind, id)
    const agent = kind === 'agent' ? await t.agents.get(tenant, id) : null
    const changed =
      agent?.autonomous === true ? { ...agent, autonomous: false, version: agent.version + 1 } : null
    if (changed !== null) await t.agents.replace(changed)
    await t.outbox.add(tenant, ports.ids.next(), {
      event: 'revoked',
      kind,
      id,
      epoch: next,
      by,
      at: ports.clock.now(),
    })
    return { epoch: next, tamed: changed }
  })
  const ref: EpochRef = { kind, id, epoch }
  ports.onControl({ type: 'epoch', tenant, ref })
  if (tamed !== null) ports.onControl({ type: 'agent', agent: tamed })
  return ref
}
