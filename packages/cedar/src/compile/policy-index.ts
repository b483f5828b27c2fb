/**
 * Which policies can apply to an action and a type of resource.
 *
 * Only actions and types that some policy names have rows of their own; all others share one. So the index is
 * bounded by the policies, whatever requests ask for.
 *
 * @module
 */

import type { CompiledPolicy } from './policy.ts'

export class PolicyIndex {
  readonly #policies: readonly CompiledPolicy[]
  readonly #actions = new Set<string>()
  readonly #types = new Set<string>()
  readonly #rows = new Map<string, Map<string, readonly CompiledPolicy[]>>()

  constructor(policies: readonly CompiledPolicy[]) {
    this.#policies = policies
    for (const { tree } of policies) {
      if (tree.action.kind === 'equal') this.#actions.add(tree.action.target.key)
      const type = resourceType(tree)
      if (type !== undefined) this.#types.add(type)
    }
  }

  /** In source order. */
  candidates(actionKey: string, type: string): readonly CompiledPolicy[] {
    const action = this.#actions.has(actionKey) ? actionKey : ''
    let row = this.#rows.get(action)
    if (row === undefined) {
      row = new Map()
      this.#rows.set(action, row)
    }
    const known = row.get(type)
    if (known !== undefined) return known
    const resource = this.#types.has(type) ? type : ''
    let found = row.get(resource)
    if (found === undefined) {
      found = this.#policies.filter(({ tree }) => {
        const wanted = resourceType(tree)
        const actionFits = tree.action.kind !== 'equal' || tree.action.target.key === action
        return actionFits && (wanted === undefined || wanted === resource)
      })
      row.set(resource, found)
    }
    return found
  }
}

/** The one type a policy's resource can have, if its scope says so. */
function resourceType({ resource }: CompiledPolicy['tree']): string | undefined {
  if (resource.kind === 'is') return resource.type
  return resource.kind === 'equal' && typeof resource.target !== 'string' ? resource.target.type : undefined
}
