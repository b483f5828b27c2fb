/**
 * Prometheus metrics from what the bus tells: counts and levels, no names of people, agents or tools.
 * @module
 */
import type { Bus } from '@safeconduct/engine'
import { Counter, Gauge, Registry } from 'prom-client'

export function createMetrics(
  bus: Bus,
  ledgerSize: () => number,
): { text: () => Promise<string>; close: () => void } {
  const registry = new Registry()
  const decisions = new Counter({
    name: 'safeconduct_decisions_total',
    help: 'Decisions by outcome.',
    labelNames: ['outcome'],
    registers: [registry],
  })
  const outcomes = new Counter({
    name: 'safeconduct_outcomes_total',
    help: 'Settled calls by what came back.',
    labelNames: ['status'],
    registers: [registry],
  })
  const policyErrors = new Counter({
    name: 'safeconduct_policy_errors_total',
    help: 'Policies that failed to evaluate; each denies what it should have judged.',
    registers: [registry],
  })
  const trust = new Counter({
    name: 'safeconduct_trust_changes_total',
    help: 'Changes of trust level, by the level reached.',
    labelNames: ['to'],
    registers: [registry],
  })
  const revocations = new Counter({
    name: 'safeconduct_revocations_total',
    help: 'Revocations by kind.',
    labelNames: ['kind'],
    registers: [registry],
  })
  new Gauge({
    name: 'safeconduct_ledger_entries',
    help: 'Entries in the ledger.',
    registers: [registry],
    collect() {
      this.set(ledgerSize())
    },
  })
  const close = bus.subscribe((message) => {
    if (message.type === 'decision') {
      decisions.inc({ outcome: message.decision.outcome })
      if (message.decision.policyErrors.length > 0) policyErrors.inc(message.decision.policyErrors.length)
    } else if (message.type === 'outcome') outcomes.inc({ status: message.status })
    else if (message.type === 'trust') trust.inc({ to: message.to })
    else if (message.type === 'revoked') revocations.inc({ kind: message.kind })
  })
  return { text: () => registry.metrics(), close }
}
