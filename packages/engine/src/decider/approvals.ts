/**
 * Approvals whose time has passed: marked in the store, so that nobody is shown a request that can no longer be decided.
 * Deciding does not depend on it; `decide` looks at the clock.
 * @module
 */
import type { Approval } from '@safeconduct/protocol'
import { type Owner, track } from './owner.ts'

export function expireApprovals(owner: Owner, tenant: string, at: number): void {
  const directory = owner.state.tenants.get(tenant)?.directory
  if (directory === undefined) return
  for (const [key, approval] of directory.approvals) {
    if (at < approval.expiresAt) continue
    directory.approvals.delete(key)
    if (approval.status !== 'pending' && approval.status !== 'approved') continue
    track(owner, expire(owner, { ...approval, status: 'expired', version: approval.version + 1 })).catch(
      () => undefined,
    )
  }
}

/** Refused when a person decided meanwhile: the record then says so, and that is right. */
async function expire({ ports }: Owner, approval: Approval): Promise<void> {
  await ports.store.approvals.replace(approval)
  ports.bus.publish({ type: 'approval', tenant: approval.tenant, approval })
}
