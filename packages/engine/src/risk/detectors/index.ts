/**
 * The detectors, in the order in which their evidence is listed.
 * @module
 */
import type { Detector } from '../detector.ts'
import { arrival } from './arrival.ts'
import { breadth } from './breadth.ts'
import { client } from './client.ts'
import { counterparty } from './counterparty.ts'
import { credentials } from './credentials.ts'
import { delegation } from './delegation.ts'
import { denials } from './denials.ts'
import { errand } from './errand.ts'
import { extraction } from './extraction.ts'
import { hours } from './hours.ts'
import { intelligence } from './intelligence.ts'
import { places } from './places.ts'
import { rareReads } from './rare-reads.ts'
import { rate } from './rate.ts'
import { sequence } from './sequence.ts'
import { shape } from './shape.ts'
import { size } from './size.ts'
import { steering } from './steering.ts'
import { synthetic } from './synthetic.ts'
import { unused } from './unused.ts'
import { velocity } from './velocity.ts'
import { zone } from './zone.ts'

/** State types differ by detector; `score.ts` keeps each with its own, keyed by name, and never mixes them. */
export const DETECTORS: readonly Detector<unknown>[] = [
  erase(velocity),
  erase(denials),
  erase(unused),
  erase(zone),
  erase(shape),
  erase(size),
  erase(sequence),
  erase(rate),
  erase(rareReads),
  erase(breadth),
  erase(errand),
  erase(counterparty),
  erase(places),
  erase(arrival),
  erase(client),
  erase(hours),
  erase(credentials),
  erase(synthetic),
  erase(steering),
  erase(extraction),
  erase(intelligence),
  erase(delegation),
]

/** The state handed back to a detector is the one that its own `empty` made. */
function erase<S>(detector: Detector<S>): Detector<unknown> {
  return detector as Detector<unknown>
}
