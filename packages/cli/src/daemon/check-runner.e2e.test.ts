import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import type { CheckJob, CheckRank } from '@safeconduct/engine'
import { type CheckRunner, type CheckRunnerOptions, createCheckRunner } from './check-runner.ts'

const schema = { tools: [], relations: null }
const job = (agentPolicies: string): CheckJob => ({
  kind: 'policy',
  source: { agentPolicies, userPolicies: '' },
  schema,
})
/** Takes a second and more wherever it runs: each policy is validated for every action. */
const LARGE = Array.from({ length: 6500 }, () => 'permit (principal, action, resource);').join('\n')

describe('checks on a thread of their own', () => {
  const made: CheckRunner[] = []
  const runner = (options: CheckRunnerOptions = {}) => {
    const one = createCheckRunner(options)
    made.push(one)
    return one
  }
  after(() => Promise.all(made.map((one) => one.close())))

  it('answer and refuse as they would here, one after another', async () => {
    const { run } = runner()
    const asked = [
      run(job('permit (principal, action, resource);')),
      run(job('permit (')),
      run({ kind: 'model', source: { dsl: 'model\n  schema 1.1\ntype user\n' } }),
      run({ kind: 'model', source: { dsl: 'nothing' } }),
    ] as const
    const [valid, invalid, model, none] = await Promise.allSettled(asked)
    assert.deepEqual(valid, { status: 'fulfilled', value: null })
    assert.equal(invalid.status === 'rejected' && invalid.reason.code, 'policy_invalid')
    assert.ok(model.status === 'fulfilled')
    assert.ok(none.status === 'rejected')
    assert.deepEqual([none.reason.name, none.reason.code], ['RelationsError', 'model_syntax'])
    assert.ok(none.reason.problems.length > 0)
  })

  it('let this thread go on meanwhile', async () => {
    const { run } = runner()
    await run(job(''))
    let turns = 0
    const beat = setInterval(() => turns++, 1)
    try {
      await run(job(LARGE))
    } finally {
      clearInterval(beat)
    }
    assert.ok(turns > 0, `${turns} turns`)
  })

  it('are ended when they take too long, and the next one is answered', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const { run } = runner({ limit: 1000 })
    const long = run(job(LARGE))
    t.mock.timers.tick(1000)
    await assert.rejects(long, { code: 'too_large' })
    assert.equal(await run(job('')), null)
  })

  it('leave nothing of a job that cannot be sent to the one after it', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const { run } = runner({ limit: 1000 })
    const unsendable = { kind: 'model', source: { dsl: () => '' } } as unknown as CheckJob
    await assert.rejects(run(unsendable), { code: 'invalid_request' })
    const next = run(job('permit ('))
    await assert.rejects(next, { code: 'policy_invalid' })
    const last = run(job(LARGE))
    t.mock.timers.tick(999)
    assert.equal(await last, null, 'the limit of the first one is over')
  })

  it('run what the owner is to be asked before other checks', async () => {
    const { run } = runner()
    const done: string[] = []
    const named = (name: string, rank: CheckRank) => run(job(''), rank).then(() => done.push(name))
    await Promise.all([named('first', 'check'), named('check', 'check'), named('ask', 'ask')])
    assert.deepEqual(done, ['first', 'ask', 'check'])
  })

  it('run what the owner confirmed at once, however much waits', async () => {
    const one = runner({ queue: 2 })
    let ended = 0
    const waiting = [one.run(job(`${LARGE}${LARGE}${LARGE}`)), one.run(job(''))].map((each) =>
      each.then(
        () => ended++,
        () => undefined,
      ),
    )
    await assert.rejects(one.run(job('')), { code: 'overloaded' })
    assert.equal(await one.run(job(''), 'confirmed'), null)
    assert.equal(ended, 0, 'the others go on')
    await one.close()
    await Promise.all(waiting)
  })

  it('refuse what would wait behind too many, and everything once closed', async () => {
    const one = runner({ queue: 1 })
    const first = one.run(job(''))
    await assert.rejects(one.run(job('')), { code: 'overloaded' })
    await first
    await one.close()
    await assert.rejects(one.run(job('')), { code: 'shutting_down' })
  })
})
