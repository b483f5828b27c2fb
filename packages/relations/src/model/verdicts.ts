/**
 * What one model says of each shape of tuple, found out once.
 *
 * @module
 */
import type { Shapes } from '../graph/shapes.ts'
import type { BoundRelations } from './bind.ts'

/** `look`: allowed, but it has a condition or an end. */
export type Verdict = 'counts' | 'look' | 'never'

export class Verdicts {
  readonly #relations: BoundRelations
  readonly #known: Verdict[] = []

  constructor(relations: BoundRelations) {
    this.#relations = relations
  }

  of(shapes: Shapes, number: number): Verdict {
    return this.#known[number] ?? this.#judge(shapes, number)
  }

  #judge(shapes: Shapes, number: number): Verdict {
    const shape = shapes.get(number)
    if (shape === undefined) return 'never'
    const allowed = this.#relations[shape.type]?.[shape.relation]?.allowed.get(shape.subject)
    const verdict = allowed?.has(shape.condition) !== true ? 'never' : shape.more ? 'look' : 'counts'
    this.#known[number] = verdict
    return verdict
  }
}
