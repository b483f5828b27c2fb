import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Decision } from '@safeconduct/protocol'
import type { ControlEvent } from '../../ports.ts'
import {
  agent,
  call,
  definition,
  epoch,
  grant,
  type Host,
  host,
  ok,
  pinned,
  START,
  setup,
  TENANT,
  task,
} from '../../testing/world.ts'

const PREDICT = definition('get_prediction', { features: { type: 'array', items: { type: 'number' } } })
const SIZE = 64
const TEACHERS = ['agent-2', 'agent-3', 'agent-4']

function dice(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

function natural(next: () => number): number[] {
  return Array.from({ length: SIZE }, () => (next() < 0.25 ? next() ** 2 * 4 : 0))
}

/** A model behind a tool, and agents of other owners that use it. */
function events(): ControlEvent[] {
  const others = TEACHERS.flatMap((id): ControlEvent[] => [
    { type: 'agent', agent: agent({ id, name: id, owner: `owner-${id}` }) },
    { type: 'epoch', tenant: TENANT, ref: epoch('agent', id) },
    { type: 'task', task: task({ id: `task-${id}`, agent: id }) },
    { type: 'epoch', tenant: TENANT, ref: epoch('task', `task-${id}`) },
  ])
  return setup([{ type: 'tool', tool: pinned(PREDICT) }, ...others])
}

async function ask({ decider, ports }: Host, id: string, features: number[]): Promise<Decision> {
  ports.clock.advance(3000)
  const task = id === 'agent-1' ? 'task-1' : `task-${id}`
  const request = call({
    at: ports.clock.now(),
    grant: grant({ agent: id, task }),
    tool: 'get_prediction',
    args: { features },
  })
  const { decision, forward } = await decider.prepare(request)
  if (forward) await decider.settle(request.id, ok('7'))
  return decision
}

test('a tool that predicts: honest agents teach, one that copies is found, narrowed and told why to its owner', async () => {
  const at = host(events(), { contestWindow: 0 })
  at.ports.clock.advance(START - at.ports.clock.now())
  for (const [i, id] of TEACHERS.entries()) {
    const next = dice(i + 1)
    for (let n = 0; n < 80; n++) assert.equal((await ask(at, id, natural(next))).outcome, 'allow')
  }
  const next = dice(77)
  const real = Array.from({ length: 40 }, () => natural(next))
  for (const x of real) assert.deepEqual(found(await ask(at, 'agent-1', x)), [])
  let last: Decision | null = null
  let asked = 0
  for (const x of real) {
    asked++
    last = await ask(
      at,
      'agent-1',
      x.map((value) => value + (next() < 0.5 ? 0.3 : -0.3)),
    )
    if (last.trust !== 'standard') break
  }
  assert.ok(asked < 40, 'narrowed')
  assert.ok(last !== null)
  const [evidence] = found(last)
  assert.equal(evidence?.technique, 'AML.T0024.002')
  assert.match(evidence?.reason ?? '', /made-up/)
  assert.doesNotMatch(last.remedy, /made-up|model/, 'the agent is not told what was seen')
  // Others of the model go on as before.
  assert.deepEqual(found(await ask(at, 'agent-2', natural(dice(5)))), [])
})

function found({ evidence }: Decision) {
  return evidence.filter(({ detector }) => detector === 'extraction')
}
