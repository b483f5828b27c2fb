/**
 * Texts as small integers, in the order of their first appearance. Only writes intern; a query looks up.
 *
 * @module
 */
export class Interner {
  readonly #ids = new Map<string, number>()
  readonly #names: string[] = []

  intern(name: string): number {
    const known = this.#ids.get(name)
    if (known !== undefined) return known
    const id = this.#names.length
    this.#ids.set(name, id)
    this.#names.push(name)
    return id
  }

  /** Of a name that should not be there yet: false, and the interner of no use any more, when it was. */
  append(name: string): boolean {
    this.#ids.set(name, this.#names.length)
    return this.#ids.size === this.#names.push(name)
  }

  /** The id, or -1. */
  find(name: string): number {
    return this.#ids.get(name) ?? -1
  }

  name(id: number): string {
    return this.#names[id] ?? ''
  }

  names(): string[] {
    return [...this.#names]
  }

  get size(): number {
    return this.#names.length
  }
}
