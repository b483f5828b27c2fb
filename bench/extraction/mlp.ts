/**
 * One hidden layer of rectifiers and a softmax, trained by plain stochastic gradient descent. The target of the bench, and
 * what an attacker trains as a copy.
 * @module
 */
import type { Random } from '../login/random.ts'

export interface Mlp {
  readonly inputs: number
  readonly hidden: number
  readonly classes: number
  readonly w1: Float64Array
  readonly b1: Float64Array
  readonly w2: Float64Array
  readonly b2: Float64Array
}

export interface Sample {
  readonly x: Float64Array
  /** Probabilities. */
  readonly y: Float64Array
}

export function newMlp(inputs: number, hidden: number, classes: number, r: Random): Mlp {
  const normal = (n: number, scale: number) => Float64Array.from({ length: n }, () => scale * r.normal())
  return {
    inputs,
    hidden,
    classes,
    w1: normal(inputs * hidden, Math.sqrt(2 / inputs)),
    b1: new Float64Array(hidden),
    w2: normal(hidden * classes, Math.sqrt(2 / hidden)),
    b2: new Float64Array(classes),
  }
}

interface Pass {
  readonly h: Float64Array
  readonly p: Float64Array
}

function forward(net: Mlp, x: Float64Array): Pass {
  const h = net.b1.slice()
  for (let i = 0; i < net.inputs; i++) {
    const value = x[i] ?? 0
    if (value === 0) continue
    const row = i * net.hidden
    for (let j = 0; j < net.hidden; j++) h[j] = (h[j] ?? 0) + value * (net.w1[row + j] ?? 0)
  }
  for (let j = 0; j < net.hidden; j++) if ((h[j] ?? 0) < 0) h[j] = 0
  const p = net.b2.slice()
  for (let j = 0; j < net.hidden; j++) {
    const value = h[j] ?? 0
    if (value !== 0)
      for (let k = 0; k < net.classes; k++) p[k] = (p[k] ?? 0) + value * (net.w2[j * net.classes + k] ?? 0)
  }
  const top = Math.max(...p)
  let sum = 0
  for (let k = 0; k < net.classes; k++) {
    p[k] = Math.exp((p[k] ?? 0) - top)
    sum += p[k] ?? 0
  }
  for (let k = 0; k < net.classes; k++) p[k] = (p[k] ?? 0) / sum
  return { h, p }
}

export function predict(net: Mlp, x: Float64Array): Float64Array {
  return forward(net, x).p
}

export function label(p: Float64Array): number {
  return p.indexOf(Math.max(...p))
}

export function train(net: Mlp, samples: readonly Sample[], epochs: number, rate: number, r: Random): void {
  const order = samples.map((_, i) => i)
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (let i = order.length - 1; i > 0; i--) {
      const j = r.below(i + 1)
      const [a, b] = [order[i] ?? 0, order[j] ?? 0]
      order[i] = b
      order[j] = a
    }
    const step = rate / (1 + 0.3 * epoch)
    for (const index of order) {
      const sample = samples[index]
      if (sample !== undefined) descend(net, sample, step)
    }
  }
}

function descend(net: Mlp, { x, y }: Sample, step: number): void {
  const { h, p } = forward(net, x)
  const error = p.map((value, k) => value - (y[k] ?? 0))
  const back = new Float64Array(net.hidden)
  for (let j = 0; j < net.hidden; j++) {
    const value = h[j] ?? 0
    if (value === 0) continue
    for (let k = 0; k < net.classes; k++) {
      const at = j * net.classes + k
      back[j] = (back[j] ?? 0) + (error[k] ?? 0) * (net.w2[at] ?? 0)
      net.w2[at] = (net.w2[at] ?? 0) - step * (error[k] ?? 0) * value
    }
    net.b1[j] = (net.b1[j] ?? 0) - step * (back[j] ?? 0)
  }
  for (let k = 0; k < net.classes; k++) net.b2[k] = (net.b2[k] ?? 0) - step * (error[k] ?? 0)
  for (let i = 0; i < net.inputs; i++) {
    const value = x[i] ?? 0
    if (value === 0) continue
    const row = i * net.hidden
    for (let j = 0; j < net.hidden; j++) {
      const slope = back[j] ?? 0
      if (slope !== 0) net.w1[row + j] = (net.w1[row + j] ?? 0) - step * slope * value
    }
  }
}

/** Gradient of log p(class) by the input. */
export function gradient(net: Mlp, x: Float64Array, wanted: number): Float64Array {
  const { h, p } = forward(net, x)
  const back = new Float64Array(net.hidden)
  for (let j = 0; j < net.hidden; j++) {
    if ((h[j] ?? 0) === 0) continue
    for (let k = 0; k < net.classes; k++)
      back[j] = (back[j] ?? 0) + ((k === wanted ? 1 : 0) - (p[k] ?? 0)) * (net.w2[j * net.classes + k] ?? 0)
  }
  return Float64Array.from({ length: net.inputs }, (_, i) => {
    let sum = 0
    for (let j = 0; j < net.hidden; j++) sum += (back[j] ?? 0) * (net.w1[i * net.hidden + j] ?? 0)
    return sum
  })
}
