/**
 * The scenario for casbin: one line a policy, with the condition as an expression that `eval` reads.
 * @module
 */
import type { Peers } from './peers.ts'
import type { Question } from './scenario.ts'

interface Enforcer {
  addFunction(name: string, fn: (...args: never[]) => unknown): Promise<unknown>
  addPolicies(rules: readonly (readonly string[])[]): Promise<boolean>
  enforceSync(...request: readonly unknown[]): boolean
}
interface Casbin {
  newModelFromString(text: string): unknown
  newEnforcer(model: unknown): Promise<Enforcer>
}

const MODEL = `
[request_definition]
r = sub, act, obj, ctx
[policy_definition]
p = act, kind, rule, eft
[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))
[matchers]
m = (p.act == "*" || r.act == p.act) && (p.kind == "*" || r.obj.kind == p.kind) && eval(p.rule)
`

/** @throws when casbin is not installed */
export async function casbinEngine(
  peers: Peers,
  kinds: readonly string[],
): Promise<(question: Question) => boolean> {
  const { newModelFromString, newEnforcer } = peers.load('casbin') as Casbin
  const enforcer = await newEnforcer(newModelFromString(MODEL))
  await enforcer.addFunction('has', (list: readonly string[], member: string) => list.includes(member))
  await enforcer.addFunction('within', (text: string, part: string) => text.includes(part))
  await enforcer.addPolicies([
    ...kinds.flatMap((kind) => [
      ['read', kind, 'has(r.sub.owner.groups, r.obj.folder.viewers) && r.ctx.risk < 60', 'allow'],
      [
        'write',
        kind,
        'has(r.sub.owner.groups, r.obj.folder.editors) && r.ctx.risk < 40 && r.ctx.mfaAge < 3600 && r.sub.device.managed',
        'allow',
      ],
      [
        'share',
        kind,
        'r.obj.owner == r.sub.owner.id && r.ctx.purpose == "collaboration" && !has(r.obj.labels, "secret")',
        'allow',
      ],
      [
        'delete',
        kind,
        'r.obj.owner == r.sub.owner.id && r.ctx.signedOff && r.ctx.depth <= 1 && r.obj.folder.zone != "z0"',
        'allow',
      ],
    ]),
    ...[
      'r.sub.suspended',
      'r.ctx.risk >= 90',
      'r.ctx.depth > 3',
      'r.ctx.country == "XX"',
      'has(r.obj.labels, "quarantined")',
      'r.obj.company != r.sub.company',
      '(r.ctx.hour < 6 || r.ctx.hour > 22) && has(r.obj.labels, "office-hours")',
      'within(r.ctx.purpose, "exfil")',
      'r.obj.sensitivity > r.sub.clearance && !r.ctx.signedOff',
      'r.ctx.mfaAge > 86400 && r.obj.sensitivity > 2',
    ].map((rule) => ['*', '*', rule, 'deny']),
  ])
  return ({ agent, action, resource, context }) => enforcer.enforceSync(agent, action, resource, context)
}
