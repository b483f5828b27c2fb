/**
 * The watch over our own compiler: a sample of live evaluations is asked again of cedar-wasm, after the fact. The live
 * answer never waits and never changes; a difference is a defect of ours and is told.
 * @module
 */
import {
  type Authorization,
  type AuthorizationRequest,
  type CompiledPolicySet,
  type ShadowCounts,
  shadow,
} from '@safeconduct/cedar'
import type { Layer } from './engine.ts'

export interface OracleOptions {
  /** Share of evaluations to ask again, from 0 (none) to 1. */
  readonly rate: number
  readonly onDifference: (difference: OracleDifference) => void
  /** Runs a job later. Default `setImmediate`. */
  readonly schedule?: (job: () => void) => void
}

/** Ids of policies and the two decisions; nothing of the request. */
export interface OracleDifference {
  readonly layer: Layer
  readonly live: Pick<Authorization, 'decision' | 'reasons'>
  readonly oracle: Pick<Authorization, 'decision' | 'reasons'>
}

export interface Oracle {
  /** The same answers as the set's own. */
  watch(layer: Layer, set: CompiledPolicySet): (request: AuthorizationRequest) => Authorization
  readonly counts: Readonly<ShadowCounts>
}

export function createOracle({ rate, onDifference, schedule }: OracleOptions): Oracle {
  const watched: Readonly<ShadowCounts>[] = []
  return {
    watch(layer, set) {
      const shadowed = shadow(set, {
        rate,
        ...(schedule === undefined ? {} : { schedule }),
        onDifference: ({ live, oracle }) =>
          onDifference({ layer, live: briefly(live), oracle: briefly(oracle) }),
      })
      watched.push(shadowed.counts)
      return shadowed.authorize
    },
    get counts() {
      const total: ShadowCounts = { decisions: 0, compared: 0, differences: 0, skipped: 0, dropped: 0 }
      for (const each of watched) {
        for (const name of Object.keys(total) as (keyof ShadowCounts)[]) total[name] += each[name]
      }
      return total
    },
  }
}

function briefly({ decision, reasons }: Authorization): Pick<Authorization, 'decision' | 'reasons'> {
  return { decision, reasons }
}
