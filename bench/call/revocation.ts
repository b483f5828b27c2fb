/**
 * How soon a revocation holds: calls run at full speed on eight connections, the revocation is posted, and from its
 * answer on nothing may pass. A call counts as sent late when it left the client after the answer had arrived there;
 * one that was under way then was decided before.
 * @module
 */
import { createControlClient } from '../../packages/cli/src/client/control-client.ts'
import { median } from '../lib/stats.ts'
import { createTransport, openCaller, passed, presenceOf } from './client.ts'
import type { AgentHandle } from './daemon-process.ts'
import { gatewayTarget, type Servers } from './path.ts'

const CONNECTIONS = 8
const BEFORE_MS = 80
/** Late calls that are made and looked at, each time. */
const LATE = 40

export type Revoked = 'task' | 'agent' | 'user'

export interface RevocationRow {
  readonly kind: Revoked
  readonly times: number
  /** Medians, milliseconds: the revocation itself, and from its answer to the answer of the first refused call. */
  readonly revokeMs: number
  readonly refusedAfterMs: number
  readonly passedBefore: number
  /** Calls that were under way when the answer came, and passed. */
  readonly passedUnderWay: number
  readonly lateCalls: number
  /** Calls sent after the answer that passed all the same. Must be 0. */
  readonly passedLate: number
}

interface Trial {
  readonly revokeMs: number
  readonly refusedAfterMs: number
  readonly passedBefore: number
  readonly passedUnderWay: number
  readonly lateCalls: number
  readonly passedLate: number
}

/** Agents that `measureRevocation` uses up. */
export function agentsToRevoke(times: number): { dpop: number; bearer: number } {
  return { dpop: 2 * times, bearer: 1 }
}

export async function measureRevocation(servers: Servers, times: number): Promise<RevocationRow[]> {
  const { agents } = servers.daemon.ready
  const dpop = agents.filter(({ scheme }) => scheme === 'dpop')
  const bearer = agents.filter(({ scheme }) => scheme === 'bearer')
  // The user last: nothing of theirs lives on after it.
  const plan: readonly (readonly [Revoked, readonly AgentHandle[]])[] = [
    ['task', dpop.slice(0, times)],
    ['agent', dpop.slice(times, 2 * times)],
    ['user', bearer.slice(0, 1)],
  ]
  const rows: RevocationRow[] = []
  for (const [kind, handles] of plan) {
    const trials: Trial[] = []
    for (const handle of handles) trials.push(await revokeOnce(servers, kind, handle))
    const sum = (pick: (trial: Trial) => number) => trials.reduce((total, trial) => total + pick(trial), 0)
    rows.push({
      kind,
      times: trials.length,
      revokeMs: median(trials.map(({ revokeMs }) => revokeMs)),
      refusedAfterMs: median(trials.map(({ refusedAfterMs }) => refusedAfterMs)),
      passedBefore: sum(({ passedBefore }) => passedBefore),
      passedUnderWay: sum(({ passedUnderWay }) => passedUnderWay),
      lateCalls: sum(({ lateCalls }) => lateCalls),
      passedLate: sum(({ passedLate }) => passedLate),
    })
  }
  return rows
}

async function revokeOnce(servers: Servers, kind: Revoked, handle: AgentHandle): Promise<Trial> {
  const { ready } = servers.daemon
  const transport = createTransport()
  const control = createControlClient(ready.controlSocket)
  const presence = presenceOf(handle, ready.resource)
  const caller = await openCaller(transport, gatewayTarget(ready), presence, '2026-07-28')
  let answeredAt = Number.POSITIVE_INFINITY
  let refusedAt = Number.POSITIVE_INFINITY
  const count = { passedBefore: 0, passedUnderWay: 0, lateCalls: 0, passedLate: 0 }
  const work = async () => {
    while (count.lateCalls < LATE) {
      const late = performance.now() > answeredAt
      if (late) count.lateCalls++
      const ok = passed(await caller.ask())
      const now = performance.now()
      if (!ok) refusedAt = Math.min(refusedAt, now)
      else if (late) count.passedLate++
      else if (now > answeredAt) count.passedUnderWay++
      else count.passedBefore++
    }
  }
  try {
    const working = Promise.all(Array.from({ length: CONNECTIONS }, work))
    await new Promise((resolve) => setTimeout(resolve, BEFORE_MS))
    const id = kind === 'user' ? ready.owner : kind === 'task' ? handle.task : handle.id
    const asked = performance.now()
    await control.post('/api/v1/revocations', { kind, id })
    answeredAt = performance.now()
    await working
    // A refusal may overtake the answer of the revocation.
    return { revokeMs: answeredAt - asked, refusedAfterMs: Math.max(0, refusedAt - answeredAt), ...count }
  } finally {
    transport.close()
  }
}
