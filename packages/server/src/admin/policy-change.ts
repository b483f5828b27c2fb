/**
 * A change of policy as its owner confirms it: which policies go, change and come, forbids that go first, and how many
 * recorded calls would be decided otherwise. It is told of the version that rules when it is asked; `over` names that
 * one, and the change is not made over another.
 * @module
 */
import type { PolicyChange, PolicySource, ReplayReport } from '@safeconduct/engine'
import { type JsonObject, OUTCOMES, SafeconductError, toSafeconductError } from '@safeconduct/protocol'
import type { Asked } from '../http/route.ts'
import { displayText } from '../pages/html.ts'
import type { AdminPorts } from './ports.ts'

/** The latest recorded decisions that both are put to, and how long that may take. */
const LAST = 1000
const PATIENCE_MS = 5000
const MAX_NAME = 200
const MAX_TEXT = 8000
const MAX_GROUPS = 20
const NOTHING: PolicySource = { agentPolicies: '', userPolicies: '' }

/** `start` begins the sentence, for example `Activate the policy sha256:…`. */
export async function askedPolicy(
  ports: AdminPorts,
  tenant: string,
  next: PolicySource,
  { start, body }: { readonly start: string; readonly body: JsonObject },
): Promise<Asked> {
  const [active] = await ports.store.policies.find(tenant, 'status', 'active')
  const changes = await ports.checks.as('ask').diff(active ?? NOTHING, next)
  const report = active === undefined ? 'no policy rules yet' : await replayed(ports, tenant, active, next)
  return {
    summary: `${start} (${sentenceOf(changes)}; ${callsOf(report)})`,
    shown: { ...shownChanges(changes), ...shownCalls(report) },
    body: { ...body, over: active?.id ?? null },
  }
}

/** @throws {SafeconductError} `conflict` when another version rules than the one its change was told of */
export async function requireOver(
  ports: AdminPorts,
  tenant: string,
  over: string | null | undefined,
): Promise<void> {
  if (over === undefined) return
  const [active] = await ports.store.policies.find(tenant, 'status', 'active')
  if ((active?.id ?? null) === over) return
  const message = 'Another policy was activated since this was asked; ask again to see what it changes now.'
  throw new SafeconductError('conflict', { message })
}

const isForbid = ({ effect }: PolicyChange) => effect === 'forbid'
const nameOf = ({ layer, id }: PolicyChange) => displayText(`${layer}:${id}`, MAX_NAME)

function kindsOf(changes: readonly PolicyChange[]) {
  const of = (kind: PolicyChange['change']) => changes.filter(({ change }) => change === kind)
  const removed = of('removed')
  return {
    forbidsGone: removed.filter(isForbid),
    permitsGone: removed.filter((one) => !isForbid(one)),
    changed: of('changed'),
    added: of('added'),
  }
}

function sentenceOf(changes: readonly PolicyChange[]): string {
  const { forbidsGone, permitsGone, changed, added } = kindsOf(changes)
  const counts = `${forbidsGone.length} forbids removed, ${permitsGone.length} permits removed, ${changed.length} policies changed, ${added.length} added`
  return forbidsGone.length === 0 ? counts : `LESS IS FORBIDDEN: ${counts}`
}

function shownChanges(changes: readonly PolicyChange[]): JsonObject {
  const { forbidsGone, permitsGone, changed, added } = kindsOf(changes)
  const groups: readonly (readonly [string, readonly string[]])[] = [
    ['forbids removed', forbidsGone.map(nameOf)],
    [
      'policies changed',
      changed.map((one) => `${nameOf(one)}\n${lines('-', one.before)}\n${lines('+', one.after)}`),
    ],
    ['permits added', added.filter((one) => !isForbid(one)).map(nameOf)],
    ['permits removed', permitsGone.map(nameOf)],
    ['forbids added', added.filter(isForbid).map(nameOf)],
  ]
  return Object.fromEntries(groups.filter(([, found]) => found.length > 0))
}

function lines(sign: string, text: string | null): string {
  const whole = (text ?? '')
    .split('\n')
    .map((line) => `${sign} ${line}`)
    .join('\n')
  return whole.length > MAX_TEXT
    ? `${whole.slice(0, MAX_TEXT)}… (${whole.length - MAX_TEXT} more characters)`
    : whole
}

/** A report, or why there is none. */
type Replayed = ReplayReport | string

async function replayed(
  ports: AdminPorts,
  tenant: string,
  base: PolicySource,
  candidate: PolicySource,
): Promise<Replayed> {
  const run = ports.policies.replayPolicy(tenant, { candidate, base, window: { last: LAST } })
  const until = ports.clock.now() + PATIENCE_MS
  try {
    for (;;) {
      const step = await run.next()
      if (step.done === true) return step.value
      if (ports.clock.now() <= until) continue
      await run.return(undefined as never)
      return 'it takes too long'
    }
  } catch (thrown) {
    return toSafeconductError(thrown).message
  }
}

function callsOf(report: Replayed): string {
  if (typeof report === 'string') return 'recorded calls were not tried'
  const freer = freed(report)
  const told = `${report.changed} of the latest ${report.decisions} recorded calls would be decided differently`
  return freer === 0 ? told : `${told}, ${freer} of them LESS STRICTLY`
}

function shownCalls(report: Replayed): JsonObject {
  if (typeof report === 'string') return { 'recorded calls': [displayText(`not tried: ${report}`, 300)] }
  const groups = [...report.groups].sort(
    (a, b) => Number(isFreer(b)) - Number(isFreer(a)) || b.count - a.count,
  )
  const rest = groups.slice(MAX_GROUPS).reduce((sum, { count }) => sum + count, report.ungrouped)
  const more = rest === 0 ? [] : [`and ${rest} more`]
  const unjudged = report.decisions - report.compared - report.settled
  return {
    'recorded calls decided differently': [
      `${report.changed} of the latest ${report.decisions}${unjudged > 0 ? ` (${unjudged} could not be judged)` : ''}`,
      ...groups
        .slice(0, MAX_GROUPS)
        .map(({ count, tool, from, to }) => displayText(`${count} × ${tool}: ${from} → ${to}`, 300)),
      ...more,
    ],
  }
}

type Group = ReplayReport['groups'][number]

/** The outcomes stand in the order in which they ask for more. */
const isFreer = ({ from, to }: Group) => OUTCOMES.indexOf(to) < OUTCOMES.indexOf(from)

const freed = ({ groups }: ReplayReport) => groups.filter(isFreer).reduce((sum, { count }) => sum + count, 0)
