/**
 * Agents that only work, for many days: how often one of them is suspended, lowered, or interrupted without cause.
 * In process, with simulated time; the office's days have misspelled names, yearly bills and new suppliers in them.
 * @module
 */
import { random } from '../lib/shifted-clock.ts'
import { CALLS_A_DAY, madeUp, PACE_MS } from './measure.ts'
import { openOffice, START } from './office.ts'
import { worker } from './scenario.ts'

export interface BenignDays {
  readonly agentDays: number
  readonly calls: number
  readonly suspended: number
  /** Agent-days at whose end the agent was below `standard`. */
  readonly lowered: number
  readonly interrupted: Readonly<Record<string, number>>
  /** The same by agent: their days are not independent of each other. */
  readonly agents: readonly AgentDays[]
}

export interface AgentDays {
  readonly days: number
  readonly calls: number
  readonly suspended: number
  readonly lowered: number
  readonly interrupted: number
}

const DAY = 24 * 3_600_000

export function measureBenign({
  agents,
  days,
  seed,
}: {
  agents: number
  days: number
  seed: number
}): BenignDays {
  const office = openOffice()
  const staff = Array.from({ length: agents }, (_, i) => ({
    id: `clerk-${i}`,
    chance: random(seed * 100_000 + i),
    worker: worker(`desk-${seed}-${i}`, random(seed * 1000 + i)),
    own: { days: 0, calls: 0, suspended: 0, lowered: 0, interrupted: 0 },
  }))
  const interrupted: Record<string, number> = {}
  for (let day = 0; day < days; day++) {
    const morning = START + day * DAY
    for (const { id, worker: hand } of staff) {
      office.errand(id, morning)
      hand.begin()
    }
    for (let i = 0; i < CALLS_A_DAY; i++) {
      for (const { id, worker: hand, chance, own } of staff) {
        const act = hand.next()
        const { decision } = office.act(id, act, Math.floor(morning + (i + chance()) * PACE_MS))
        own.calls++
        if (decision.outcome === 'allow' || madeUp(act)) continue
        const why = `${act.tool}: ${decision.policies[0]?.id ?? decision.code ?? decision.outcome}`
        own.interrupted++
        interrupted[why] = (interrupted[why] ?? 0) + 1
      }
    }
    for (const { id, own } of staff) {
      own.days++
      const level = office.levelOf(id)
      if (level === 'suspended') {
        own.suspended++
        office.reset(id, morning + CALLS_A_DAY * PACE_MS)
      }
      if (level !== 'elevated' && level !== 'standard') own.lowered++
    }
  }
  const each = staff.map(({ own }) => own)
  const all = (of: (one: AgentDays) => number) => each.reduce((sum, one) => sum + of(one), 0)
  return {
    agentDays: all(({ days }) => days),
    calls: all(({ calls }) => calls),
    suspended: all(({ suspended }) => suspended),
    lowered: all(({ lowered }) => lowered),
    interrupted,
    agents: each,
  }
}
