import assert from 'node:assert/strict'
import { test } from 'node:test'
import { machine } from '../lib/machine.ts'
import { random } from '../login/random.ts'
import { type Digit, SIZE } from './digits.ts'
import type { SeedResult } from './measure.ts'
import { gradient, newMlp, predict, train } from './mlp.ts'
import { shapiroWilk } from './prada.ts'
import { attackLines, type ExtractionReport, hardeningLines, honestLines, textReport } from './report.ts'
import { ATTACKS, HONEST, honest, type Service } from './streams.ts'

test('W of the weights in the paper that made it (Shapiro & Wilk 1965, §4) is 0.79; of a straight line it is high', () => {
  const weights = [148, 154, 158, 160, 161, 162, 166, 170, 182, 195, 236]
  assert.ok(Math.abs(shapiroWilk(weights) - 0.79) < 0.005, String(shapiroWilk(weights)))
  const r = random(1)
  assert.ok(shapiroWilk(Array.from({ length: 500 }, () => r.normal())) > 0.99)
  assert.ok(shapiroWilk(Array.from({ length: 500 }, () => (r.chance(0.5) ? 0 : 1))) < 0.8)
})

test('the gradient is the slope', () => {
  const r = random(2)
  const net = newMlp(12, 8, 3, r)
  const x = Float64Array.from({ length: 12 }, () => r.next())
  const slope = gradient(net, x, 1)
  for (let i = 0; i < 12; i++) {
    const at = (step: number) => Math.log(predict(net, x.with(i, (x[i] ?? 0) + step))[1] ?? 0)
    assert.ok(Math.abs((at(1e-6) - at(-1e-6)) / 2e-6 - (slope[i] ?? 0)) < 1e-5)
  }
})

test('training learns what can be learned', () => {
  const r = random(3)
  const samples = Array.from({ length: 400 }, () => {
    const x = Float64Array.from({ length: 4 }, () => r.next())
    return { x, y: Float64Array.from((x[0] ?? 0) > 0.5 ? [0, 1] : [1, 0]) }
  })
  const net = newMlp(4, 16, 2, r)
  train(net, samples, 30, 0.1, r)
  const right = samples.filter(({ x, y }) => (predict(net, x)[1] ?? 0) > 0.5 === (y[1] === 1)).length
  assert.ok(right > 380, String(right))
})

test('streams are as long as asked, stay in range, and are the same for the same seed', () => {
  const r = random(4)
  const pool = Array.from(
    { length: 300 },
    (_, i): Digit => ({
      x: Float64Array.from({ length: SIZE }, () => (r.chance(0.2) ? r.next() : 0)),
      label: i % 10,
    }),
  )
  const net = newMlp(SIZE, 8, 10, r)
  const service: Service = (x) => predict(net, x)
  for (const kind of HONEST)
    assert.deepEqual(honest(kind, 40, pool, random(5)), honest(kind, 40, pool, random(5)))
  for (const { name, steps } of ATTACKS) {
    const made = steps(pool, service, 150, random(6))
    assert.ok(made.length >= 150, name)
    assert.ok(
      made.every(({ x }) => x.every((value) => value >= 0 && value <= 1)),
      name,
    )
  }
  const [jbda] = ATTACKS
  assert.deepEqual(jbda?.steps(pool, service, 130, random(7)), jbda?.steps(pool, service, 130, random(7)))
})

function seedOf(seed: number, ours: number | null, alarms: number): SeedResult {
  const attack = { name: 'a', tuned: false, goal: 150, alone: null, prada: null, queries: 2500, copy: 0.8 }
  return {
    seed,
    accuracy: 0.93,
    honest: [{ kind: 'natural', streams: 4, queries: 4000, ours: alarms, prada: 1, highest: seed }],
    attacks: [{ ...attack, ours }],
    hardening: [{ arm: 'nothing', queries: 2500, copy: 0.9 + seed / 100, honest: 0.93 }],
    microsPerQuery: 1,
    stateBytes: 1,
  }
}

test('report: intervals draw seeds; what was never found has none; no alarm in few streams proves little', () => {
  const report = (seeds: readonly SeedResult[]): ExtractionReport => ({
    bench: 'extraction',
    data: 'mnist 1.1.0',
    machine: machine(),
    seeds,
  })
  const whole = report([seedOf(1, 100, 0), seedOf(2, 110, 0), seedOf(3, 120, 0)])
  const [line] = attackLines(whole)
  assert.ok(line !== undefined && line.mean === 110 && line.meanInterval !== null)
  assert.ok(line.meanInterval[0] >= 100 && line.meanInterval[0] < 110 && line.meanInterval[1] <= 120)
  const [missed] = attackLines(report([seedOf(1, 100, 0), seedOf(2, null, 0)]))
  assert.ok(missed !== undefined && missed.mean === null && missed.meanInterval === null)
  const [quiet] = honestLines(whole)
  assert.ok(quiet !== undefined && quiet.streams === 12 && quiet.ours === 0)
  assert.deepEqual(quiet.oursInterval, [0, 0.265])
  assert.deepEqual(honestLines(report([seedOf(1, 100, 4)]))[0]?.oursInterval, [0.398, 1])
  const [plain] = hardeningLines(whole)
  assert.ok(
    plain?.copyInterval != null && plain.copyInterval[0] <= plain.copy && plain.copy <= plain.copyInterval[1],
  )
  assert.match(textReport(whole), /0 of 12 \[0\.00, 0\.27\]/)
})
