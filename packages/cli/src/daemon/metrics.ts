/**
 * Prometheus metrics from what the bus tells: counts and levels, no names of people, agents or tools.
 * @module
 */
import type { Bus, Oracle, ShadowReport } from '@safeconduct/engine'
import { Counter, Gauge, Registry } from 'prom-client'

export function createMetrics(
  bus: Bus,
  ledgerSize: () => number,
  policies: { readonly shadow: () => ShadowReport | null; readonly oracle: Oracle | null },
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
  policyGauges(registry, policies)
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

/** What the candidate in the shadow came to, and the watch over our own evaluation; nothing while there is none. */
function policyGauges(
  registry: Registry,
  { shadow, oracle }: { readonly shadow: () => ShadowReport | null; readonly oracle: Oracle | null },
): void {
  new Gauge({
    name: 'safeconduct_policy_shadow_decisions',
    help: 'Decisions put to the policy in the shadow since it stands there, by what came of it.',
    labelNames: ['result'],
    registers: [registry],
    collect() {
      this.reset()
      const report = shadow()
      if (report === null) return
      const { unchanged, changed, settled, failed, dropped, gaps } = report
      const unasked = Object.values(gaps).reduce((sum, each) => sum + each, 0)
      const results = { unchanged, changed, settled, failed, dropped, unasked }
      for (const [result, count] of Object.entries(results)) this.set({ result }, count)
    },
  })
  new Gauge({
    name: 'safeconduct_cedar_shadow_evaluations',
    help: 'Live policy evaluations asked again of cedar-wasm; any difference is a defect.',
    labelNames: ['result'],
    registers: [registry],
    collect() {
      this.reset()
      if (oracle === null) return
      const { compared, differences, skipped, dropped } = oracle.counts
      for (const [result, count] of Object.entries({ compared, differences, skipped, dropped })) {
        this.set({ result }, count)
      }
    },
  })
}
