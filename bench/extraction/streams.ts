/**
 * Streams of queries: honest callers, and attacks that copy a model, re-implemented small. Perturbed inputs are held to
 * 0–1, as images are.
 *
 * JBDA: Papernot et al., "Practical black-box attacks against machine learning", AsiaCCS 2017. T-RND: Juuti et al.,
 * "PRADA", EuroS&P 2019. Natural pool: Orekondy et al., "Knockoff nets", CVPR 2019.
 * @module
 */
import type { Random } from '../login/random.ts'
import { type Digit, SIZE, shuffled } from './digits.ts'
import { gradient, label, type Mlp, newMlp, predict, type Sample, train } from './mlp.ts'

/** What the service answers to a query. */
export type Service = (x: Float64Array) => Float64Array

export interface Step {
  readonly x: Float64Array
  /** Part of the attack, not a cover for it. */
  readonly attack: boolean
  /** Which of several identities asks. */
  readonly identity: number
}

export const HONEST = ['natural', 'skewed', 'repetitive'] as const
export type Honest = (typeof HONEST)[number]

/** Skewed: three kinds of digits are nearly all there is. Repetitive: a few inputs again and again, hardly changed. */
export function honest(kind: Honest, queries: number, pool: readonly Digit[], r: Random): Float64Array[] {
  if (kind === 'natural') return taken(shuffled(pool, r), queries)
  if (kind === 'skewed') {
    const liked = shuffled([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], r).slice(0, 3)
    const own = shuffled(pool, r)
    const [most, rest] = [
      own.filter((d) => liked.includes(d.label)),
      own.filter((d) => !liked.includes(d.label)),
    ]
    return Array.from({ length: queries }, (_, i) => {
      const from = r.chance(0.95) ? most : rest
      return from[i % from.length]?.x ?? new Float64Array(SIZE)
    })
  }
  const few = taken(shuffled(pool, r), 60)
  return Array.from({ length: queries }, () => {
    const x = few[Math.floor(few.length * r.next() ** 2)] ?? new Float64Array(SIZE)
    const dice = r.next()
    if (dice < 0.4) return x
    // The same sheet scanned again: a little darker or lighter, a little noise.
    if (dice < 0.8) {
      const light = 1 + 0.05 * r.normal()
      return x.map((value) => (value === 0 ? 0 : clip(value * light + 0.02 * r.normal())))
    }
    return moved(x, r.below(3) - 1, r.below(3) - 1)
  })
}

function taken(from: readonly Digit[], n: number): Float64Array[] {
  return Array.from({ length: n }, (_, i) => from[i % from.length]?.x ?? new Float64Array(SIZE))
}

function moved(x: Float64Array, dx: number, dy: number): Float64Array {
  return x.map((_, i) => {
    const [row, column] = [Math.floor(i / 28) - dy, (i % 28) - dx]
    return row < 0 || row > 27 || column < 0 || column > 27 ? 0 : (x[row * 28 + column] ?? 0)
  })
}

function clip(value: number): number {
  return Math.min(Math.max(value, 0), 1)
}

const SEEDS_PER_CLASS = 10
const EPOCHS = 10
const RATE = 0.05

export interface Attack {
  readonly name: string
  /** The terms were chosen with this attack in view. */
  readonly tuned: boolean
  readonly goal: number | null
  readonly identities: number
  readonly steps: (pool: readonly Digit[], service: Service, queries: number, r: Random) => Step[]
}

export const ATTACKS: readonly Attack[] = [
  augmenting('JBDA, ε 0.25', true, 0.25, 'jacobian'),
  augmenting('T-RND, ε 0.25', true, 0.25, 'target'),
  {
    name: 'uniform noise',
    tuned: true,
    goal: 50,
    identities: 1,
    steps: (_pool, _service, queries, r) =>
      Array.from({ length: queries }, () => step(Float64Array.from({ length: SIZE }, () => r.next()))),
  },
  augmenting('JBDA, ε 0.1', false, 0.1, 'jacobian'),
  augmenting('random sign, ε 0.25', false, 0.25, 'random'),
  augmenting('JBDA, ε 0.25, the steepest tenth of the pixels', true, 0.25, 'sparse'),
  augmenting('JBDA, ε 0.25, steps of every size up to twice that', false, 0.25, 'uneven'),
  {
    ...augmenting('JBDA, ε 0.25, half of it covered by real digits', false, 0.25, 'jacobian'),
    goal: 500,
    steps(pool, service, queries, r) {
      const half = jbda(
        pool.slice(0, Math.floor(pool.length / 2)),
        service,
        Math.ceil(queries / 2),
        0.25,
        'jacobian',
        r,
      )
      const cover = shuffled(pool.slice(Math.floor(pool.length / 2)), r)
      return half.flatMap((x, i) => [step(x), { ...step(cover[i % cover.length]?.x ?? x), attack: false }])
    },
  },
  {
    ...augmenting('JBDA, ε 0.25, by ten identities', false, 0.25, 'jacobian'),
    goal: 50,
    identities: 10,
    steps: (pool, service, queries, r) =>
      jbda(pool, service, queries, 0.25, 'jacobian', r).map((x, i) => ({ ...step(x), identity: i % 10 })),
  },
  {
    name: 'natural pool',
    tuned: false,
    goal: null,
    identities: 1,
    steps: (pool, _service, queries, r) => taken(shuffled(pool, r), queries).map(step),
  },
]

function step(x: Float64Array): Step {
  return { x, attack: true, identity: 0 }
}

type Direction = 'jacobian' | 'target' | 'random' | 'sparse' | 'uneven'

function augmenting(name: string, tuned: boolean, epsilon: number, direction: Direction): Attack {
  return {
    name,
    tuned,
    goal: 150,
    identities: 1,
    steps: (pool, service, queries, r) => jbda(pool, service, queries, epsilon, direction, r).map(step),
  }
}

/** Ten real digits of each class; then, round by round, a copy is trained and every input moved along its gradient. */
function jbda(
  pool: readonly Digit[],
  service: Service,
  queries: number,
  epsilon: number,
  direction: Direction,
  r: Random,
): Float64Array[] {
  const asked: Sample[] = []
  const ask = (x: Float64Array) => asked.push({ x, y: service(x) })
  for (let k = 0; k < 10; k++)
    for (const digit of pool.filter((each) => each.label === k).slice(0, SEEDS_PER_CLASS)) ask(digit.x)
  while (asked.length < queries) {
    const copy = newMlp(SIZE, 64, 10, r)
    if (direction !== 'random') train(copy, asked, EPOCHS, RATE, r)
    for (const { x, y } of shuffled([...asked], r)) {
      if (asked.length >= queries) break
      ask(perturbed(copy, x, label(y), epsilon, direction, r))
    }
  }
  return asked.map(({ x }) => x)
}

function perturbed(
  copy: Mlp,
  x: Float64Array,
  labelled: number,
  epsilon: number,
  direction: Direction,
  r: Random,
): Float64Array {
  if (direction === 'random') return x.map((value) => clip(value + (r.chance(0.5) ? epsilon : -epsilon)))
  const wanted = direction === 'target' ? (labelled + 1 + r.below(9)) % 10 : labelled
  const slope = gradient(copy, x, wanted)
  // Made to get past a test of how flat or even differences are: few pixels move by as much, or each by something else.
  const steep = slope.map(Math.abs).sort()[Math.floor(0.9 * SIZE)] ?? 0
  return x.map((value, i) => {
    const at = slope[i] ?? 0
    if (direction === 'sparse' && Math.abs(at) < steep) return value
    const step = direction === 'uneven' ? 2 * epsilon * r.next() : epsilon
    return clip(value + step * Math.sign(at))
  })
}

/** A copy trained on what the service answered, and on what share of digits it says what the service means. */
export function agreement(
  queries: readonly Float64Array[],
  answer: Service,
  truth: Service,
  test: readonly Digit[],
  r: Random,
): number {
  const samples = queries.map((x): Sample => ({ x, y: answer(x) }))
  const copy = newMlp(SIZE, 64, 10, r)
  train(copy, samples, samples.length < 500 ? 40 : 12, RATE, r)
  const same = test.filter(({ x }) => label(predict(copy, x)) === label(truth(x))).length
  return same / test.length
}
