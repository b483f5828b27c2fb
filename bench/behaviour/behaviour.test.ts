import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readCommands, readSyscalls, sharedFile } from './data.ts'
import { freeTextReport } from './keystrokes.ts'
import { auc, caught, eer, estimate, mean, shareInterval } from './metrics.ts'
import { mouseReport } from './mouse.ts'
import type { Report } from './report.ts'
import { commandUsers, mouseRecordings, syscallTraces, typists } from './synthetic.ts'
import { judgeTraces, learned, syscallsReport } from './syscalls.ts'
import { commandsReport, judgeCommands } from './unix-commands.ts'

function value(report: Report, metric: string): number {
  const row = report.rows.find((each) => each.metric === metric)
  assert.ok(row !== undefined, `no row ${metric}`)
  return row.value
}

test('metrics: known values, ties count half', () => {
  assert.equal(auc([1, 2, 3], [4, 5]), 1)
  assert.equal(auc([4, 5], [1, 2, 3]), 0)
  assert.equal(auc([1, 1], [1, 1]), 0.5)
  assert.equal(auc([1, 3], [2, 4]), 0.75)
  assert.equal(eer([1, 2], [3, 4]), 0)
  assert.equal(eer([1, 3], [2, 4]), 0.5)
  const hundred = Array.from({ length: 100 }, (_, i) => i)
  assert.equal(caught(hundred, [98.5, 99.5, 50], 0.01), 1 / 3)
  assert.equal(caught(hundred, [90, 96, 94.5], 0.05), 1 / 3)
})

test('metrics: exact intervals of shares (Clopper & Pearson)', () => {
  const close = (hits: number, n: number, low: number, high: number) => {
    const [from, to] = shareInterval(hits, n)
    assert.ok(Math.abs(from - low) < 5e-4 && Math.abs(to - high) < 5e-4, `${from}–${to}`)
  }
  close(0, 10, 0, 0.3085)
  close(10, 10, 0.6915, 1)
  close(2, 10, 0.0252, 0.5561)
  close(0, 0, 0, 1)
})

test('metrics: an interval holds the value and is the same every time', () => {
  const groups = [0.8, 0.9, 0.85, 0.95, 0.7]
  const { value: found, interval } = estimate(groups, mean)
  assert.ok(interval !== null && interval[0] < found && found < interval[1])
  assert.deepEqual(estimate(groups, mean), { value: found, interval })
})

test('unix-commands: separates made-up people, and the order of people changes nothing', () => {
  const users = commandUsers(4)
  const report = commandsReport('synthetic', users, [25])
  assert.ok(value(report, 'blocks of 25, frozen: AUC') > 0.97)
  assert.ok(report.stateBytes < 64 * 1024)
  const turned = commandsReport('synthetic', [...users].reverse(), [25])
  const metric = 'blocks of 25, frozen: EER'
  assert.ok(Math.abs(value(report, metric) - value(turned, metric)) < 1e-9)
})

test('unix-commands: what comes later changes no score before it', () => {
  const users = commandUsers(3)
  const changed = users.map(({ user, commands }, i) => ({
    user,
    commands: i === 0 ? [...commands.slice(0, 7000), ...commands.slice(7000).reverse()] : commands,
  }))
  for (const arm of ['frozen', 'streaming', 'streaming, one stream'] as const) {
    const [one, other] = [users, changed].map((all) => {
      const [first] = all
      assert.ok(first !== undefined)
      return judgeCommands(first, all, 25, arm).result.own
    })
    assert.deepEqual(one?.slice(0, 120), other?.slice(0, 120))
    assert.notDeepEqual(one, other)
  }
})

test('syscalls, keystrokes, mouse: separate what was made to differ', () => {
  const syscalls = syscallsReport('synthetic', syscallTraces())
  assert.ok(value(syscalls, 'frozen: AUC') > 0.95)
  const typing = freeTextReport('synthetic', typists(5))
  assert.ok(value(typing, 'free text, 100 keys, not normalised: EER') < 0.2)
  const mouse = mouseReport('synthetic', mouseRecordings(3))
  assert.ok(value(mouse, 'global AUC') > 0.95)
})

test('recorded behaviour: a sample does as well as it did', () => {
  const commands = sharedFile('unix-commands.dev.jsonl.gz')
  const syscalls = sharedFile('syscalls.dev.jsonl.gz')
  if (commands === null || syscalls === null) {
    console.error('SKIPPED: the shared behaviour data are missing (set SAFECONDUCT_SHARED)')
    return
  }
  const users = readCommands(commands)
  const judged = users.map((user) => judgeCommands(user, users, 25, 'streaming').result)
  assert.ok(mean(judged.map(({ own, foreign }) => auc(own, foreign))) >= 0.97)
  assert.ok(mean(judged.map(({ own, foreign }) => caught(own, foreign, 0.01))) >= 0.7)
  const traces = readSyscalls(syscalls)
  const { state } = learned(traces.filter(({ part }) => part === 'train'))
  const scores = judgeTraces(
    state,
    traces.filter(({ part }, i) => part !== 'train' && i % 3 === 0),
  )
  const of = (wanted: string): number[] =>
    [...scores].filter(([{ part }]) => part === wanted).map(([, bits]) => bits)
  assert.ok(auc(of('valid'), of('attack')) >= 0.9)
  assert.ok(caught(of('valid'), of('attack'), 0.05) >= 0.5)
})
