/**
 * What a model has to know of a tuple to say whether it counts: type and relation of its target, kind of its subject,
 * name of its condition. There are few of them, so each has a number and each model judges it once.
 *
 * @module
 */
import { relationKey } from '../model/subject-class.ts'

export interface Shape {
  readonly type: number
  readonly relation: number
  /** See `subjectClass`. */
  readonly subject: number
  /** Name of the condition, '' without one. */
  readonly condition: string
  /** Whether the tuple has more to look at than this: a condition or an end. */
  readonly more: boolean
}

export class Shapes {
  readonly #shapes: Shape[] = []
  readonly #numbers = new Map<number, Map<number, Map<string, number>>>()
  #last = -1

  intern(type: number, relation: number, subject: number, condition: string, more: boolean): number {
    const last = this.#shapes[this.#last]
    if (
      last !== undefined &&
      last.type === type &&
      last.relation === relation &&
      last.subject === subject &&
      last.condition === condition &&
      last.more === more
    )
      return this.#last
    const bySubject = getOr(
      this.#numbers,
      relationKey(type, relation),
      () => new Map<number, Map<string, number>>(),
    )
    const byCondition = getOr(bySubject, subject, () => new Map<string, number>())
    const number = getOr(byCondition, more ? `+${condition}` : '', () => {
      this.#shapes.push({ type, relation, subject, condition, more })
      return this.#shapes.length - 1
    })
    this.#last = number
    return number
  }

  get(shape: number): Shape | undefined {
    return this.#shapes[shape]
  }
}

function getOr<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make()
  map.set(key, made)
  return made
}
