/**
 * Queries to a model that are made to copy it: inputs that differ from earlier ones as no honest caller's do, found by a
 * bet that pays when they do (`extraction/stream.ts`). What nobody can tell by its inputs (real ones, asked one after the
 * other) is for caps and for answers without their fine print.
 * @module
 */
import { clip, type Detector } from '../detector.ts'
import {
  emptyStream,
  FOUND,
  found,
  keepQuery,
  keepStream,
  type QueryStream,
  stakesAfter,
} from '../extraction/stream.ts'

export interface ExtractionState {
  /** By model. Members are replaced, never changed in place. */
  readonly models: Map<string, QueryStream>
}

const KEPT_MODELS = 3
const CAP = 6
/** log2 of a stake below which nothing is said: a thousand queries on average without cause. */
const WORTH_SAYING = 10

export const extraction: Detector<ExtractionState> = {
  name: 'extraction',
  about: 'behaviour',
  cap: CAP,
  halfLife: 60 * 60_000,
  grows: 'level',
  empty: () => ({ models: new Map() }),
  score({ models }, { asked }) {
    if (asked === undefined) return null
    const own = found(stakesAfter(streamTo(models, asked.model), asked.own.gains))
    const { gains, stakes } = asked.linked
    // What other agents of the owner ask is held only against who asks such a thing, too.
    const linked = Math.max(gains.flat, gains.even, gains.far) > 0 ? found(stakesAfter({ stakes }, gains)) : 0
    const bits = Math.max(own, linked)
    if (bits < WORTH_SAYING) return null
    return {
      bits: clip((CAP * bits) / FOUND, 0, CAP),
      reason:
        own >= linked
          ? 'The inputs that the agent gives to this model differ from each other as made-up ones do: by steps or noise.'
          : 'The inputs that agents of this owner give to this model, taken together, differ as made-up ones do.',
      confidence: clip(bits / FOUND, 0, 0.95),
      technique: 'AML.T0024.002',
    }
  },
  attempt({ models }, { asked }) {
    if (asked === undefined) return
    const after = keepQuery(streamTo(models, asked.model), asked.query, asked.own.look, asked.own.gains)
    keepStream(models, asked.model, after, KEPT_MODELS)
  },
}

/** An agent's queries so far, by model. */
export function queriesOf(risk: { readonly detectors: ReadonlyMap<string, unknown> } | undefined) {
  const state = risk?.detectors.get(extraction.name) as ExtractionState | undefined
  const models = state?.models ?? new Map<string, QueryStream>()
  return (model: string): QueryStream => streamTo(models, model)
}

function streamTo(models: ReadonlyMap<string, QueryStream>, model: string): QueryStream {
  return models.get(model) ?? emptyStream()
}
