/**
 * What a measurement was made on. Every bench reports it, so that no number travels without its machine.
 * @module
 */
import os from 'node:os'

export interface Machine {
  readonly cpu: string
  readonly cores: number
  /** Load averages over 1, 5 and 15 minutes, when asked. */
  readonly load: readonly number[]
  readonly node: string
  readonly platform: string
}

export function machine(): Machine {
  const cpus = os.cpus()
  return {
    cpu: cpus[0]?.model.trim() ?? 'unknown',
    cores: cpus.length,
    load: load(),
    node: process.version,
    platform: `${os.platform()} ${os.release()}`,
  }
}

export function load(): number[] {
  return os.loadavg().map((average) => Number(average.toFixed(2)))
}
