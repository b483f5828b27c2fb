/**
 * The control arm: distances of each query to the nearest earlier one that the target labelled the same, tested for
 * normality (Shapiro–Wilk). Juuti et al., "PRADA: protecting against DNN model stealing attacks", EuroS&P 2019. W after
 * Royston, "Remark AS R94", Applied Statistics 44, 1995.
 * @module
 */

export interface Prada {
  readonly byLabel: Map<number, Float64Array[]>
  readonly distances: number[]
  queries: number
  least: number
}

const ENOUGH = 100
const EVERY = 10
/** The test is made for at most so many values; of more, the latest are taken. */
const MOST = 2000

export function newPrada(): Prada {
  return { byLabel: new Map(), distances: [], queries: 0, least: 1 }
}

/** @returns W when it was looked at after this query */
export function pradaQuery(state: Prada, x: Float64Array, labelled: number): number | null {
  const same = state.byLabel.get(labelled) ?? []
  state.byLabel.set(labelled, same)
  if (same.length > 0) state.distances.push(Math.min(...same.map((other) => distance(other, x))))
  same.push(x)
  state.queries++
  if (state.distances.length <= ENOUGH || state.queries % EVERY !== 0) return null
  const taken = state.distances.slice(-MOST)
  const mean = taken.reduce((sum, d) => sum + d, 0) / taken.length
  const sd = Math.sqrt(taken.reduce((sum, d) => sum + (d - mean) ** 2, 0) / (taken.length - 1))
  const w = shapiroWilk(taken.filter((d) => Math.abs(d - mean) <= 3 * sd))
  state.least = Math.min(state.least, w)
  return w
}

function distance(a: Float64Array, b: Float64Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += ((a[i] ?? 0) - (b[i] ?? 0)) ** 2
  return Math.sqrt(sum)
}

/** W of 12 and more values; 1 when they are all the same. */
export function shapiroWilk(values: readonly number[]): number {
  const n = values.length
  const x = values.toSorted((a, b) => a - b)
  const m = x.map((_, i) => normalQuantile((i + 1 - 0.375) / (n + 0.25)))
  const mm = m.reduce((sum, value) => sum + value * value, 0)
  const u = 1 / Math.sqrt(n)
  const poly = (c: readonly number[]) => c.reduceRight((sum, each) => sum * u + each, 0)
  const [last = 0, before = 0] = [m.at(-1), m.at(-2)]
  const a1 = poly([last / Math.sqrt(mm), 0.221157, -0.147981, -2.07119, 4.434685, -2.706056])
  const a2 = poly([before / Math.sqrt(mm), 0.042981, -0.293762, -1.752461, 5.682633, -3.582633])
  const phi = (mm - 2 * last ** 2 - 2 * before ** 2) / (1 - 2 * a1 ** 2 - 2 * a2 ** 2)
  const a = m.map((value, i) => {
    if (i === 0) return -a1
    if (i === 1) return -a2
    if (i === n - 1) return a1
    return i === n - 2 ? a2 : value / Math.sqrt(phi)
  })
  const mean = x.reduce((sum, value) => sum + value, 0) / n
  const spread = x.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  if (spread === 0) return 1
  return a.reduce((sum, each, i) => sum + each * (x[i] ?? 0), 0) ** 2 / spread
}

/** Acklam's rational approximation, relative error below 1.2e-9. */
function normalQuantile(p: number): number {
  const a = [
    -39.69683028665376, 220.9460984245205, -275.9285104469687, 138.357751867269, -30.66479806614716,
    2.506628277459239,
  ]
  const b = [
    -54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572, 1,
  ]
  const c = [
    -0.007784894002430293, -0.3223964580411365, -2.400758277161838, -2.549732539343734, 4.374664141464968,
    2.938163982698783,
  ]
  const d = [0.007784695709041462, 0.3224671290700398, 2.445134137142996, 3.754408661907416, 1]
  const horner = (k: readonly number[], x: number) => k.reduce((sum, each) => sum * x + each, 0)
  if (p < 0.02425 || p > 0.97575) {
    const q = Math.sqrt(-2 * Math.log(Math.min(p, 1 - p)))
    return (horner(c, q) / horner(d, q)) * (p < 0.5 ? 1 : -1)
  }
  const q = p - 0.5
  return (horner(a, q * q) * q) / horner(b, q * q)
}
