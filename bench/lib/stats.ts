/**
 * The few statistics that the benches use, and CPU time of this process.
 * @module
 */

/** The upper median; NaN of nothing. */
export function median(values: readonly number[]): number {
  return quantile(
    values.toSorted((a, b) => a - b),
    0.5,
  )
}

/** `q` in 0–1 of values in ascending order; NaN of nothing. */
export function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN
}

export function perSecond(count: number, ms: number): number {
  return (count / ms) * 1000
}

/** User and system CPU of the whole process since `since`, all threads, microseconds. */
export function cpuMicros(since?: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since)
  return user + system
}

/** Microseconds of CPU that the synchronous work took. */
export function cpuOf(work: () => void): number {
  const before = process.cpuUsage()
  work()
  return cpuMicros(before)
}

export function rounded(value: number, digits = 2): number {
  return Number(value.toFixed(digits))
}
