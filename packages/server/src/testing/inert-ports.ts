/**
 * Ports for tests that look at the route table without calling it: whatever is used of them fails the test.
 * @module
 */
import type { ControlPlanePorts } from '../control-plane.ts'

/** What a row's handler would need; using any of it throws. */
function inert(name: string): never {
  return new Proxy(Object.create(null), {
    get: (_target, member) => {
      throw new Error(`${name}.${String(member)} was used`)
    },
  }) as never
}

export function inertPorts(more: Partial<ControlPlanePorts> = {}): ControlPlanePorts {
  const unused = () => {
    throw new Error('a port was used')
  }
  return {
    tenant: 't1',
    version: '1.2.3',
    enforcement: 'enforce',
    store: inert('store'),
    decider: inert('decider'),
    bus: inert('bus'),
    clock: inert('clock'),
    ids: inert('ids'),
    access: inert('access'),
    relations: inert('relations'),
    revoke: unused,
    checks: inert('checks'),
    policies: {
      replayPolicy: unused,
      shadow: unused,
      policyReceipt: unused,
      ruleOnElevation: unused,
    },
    people: inert('people'),
    putCredential: unused,
    eraseCredential: unused,
    ownerSession: unused,
    readLog: unused,
    unready: unused,
    metrics: unused,
    status: unused,
    onError: unused,
    ...more,
  }
}
