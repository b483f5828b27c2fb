/**
 * What policies speak of, read from their syntax: paths of the context, relations, roles. So that facts which cost
 * something are only gathered for those who ask.
 * @module
 */
import { type CompiledPolicySet, EntityUid } from '@safeconduct/cedar'

export interface Speech {
  /**
   * True when a policy speaks of the path of the context, of something below it, or of something that it is part of:
   * `provenance.args` when it says `context.provenance.args.to` or `context.provenance`.
   */
  uses(path: string): boolean
  /** The paths themselves, as names below `context`; `[]` is all of it. */
  readonly chains: readonly (readonly string[])[]
  /** `context.relations.<name>`, sorted. */
  readonly relations: readonly string[]
  /** Ids of `Role::"…"`, sorted. */
  readonly roles: readonly string[]
  /** Permits whose scope names the action `elevate` itself. */
  readonly elevates: ReadonlySet<string>
}

/** Action that asks for more (`engine/elevation`). */
export const ELEVATE = 'elevate'

export function speechOf(set: CompiledPolicySet): Speech {
  const paths = new Set<string>()
  const chains: string[][] = []
  const roles = new Set<string>()
  const elevates = new Set<string>()
  for (const { id, tree } of set.parsed) {
    const waiting: unknown[] = [tree.principal, tree.resource, ...tree.conditions]
    // An array visits what is appended while it is walked: no recursion, whatever the depth.
    for (const node of waiting) {
      if (node instanceof EntityUid) {
        if (node.type === 'Role') roles.add(node.id)
        continue
      }
      const chain = contextChain(node)
      if (chain !== null) {
        paths.add(chain.join('.'))
        chains.push(chain)
      } else if (typeof node === 'object' && node !== null) {
        waiting.push(...(Symbol.iterator in node ? (node as Iterable<unknown>) : Object.values(node)))
      }
    }
    const { action } = tree
    const named = action.kind === 'equal' && action.target.id === ELEVATE
    if (named && tree.effect === 'permit') elevates.add(id)
  }
  const above = beginnings(paths)
  return {
    uses: (path) => above.has(path) || beginningsOf(path).some((beginning) => paths.has(beginning)),
    chains,
    relations: namesUnder(paths, 'relations.'),
    roles: [...roles].sort(),
    elevates,
  }
}

interface Node {
  readonly kind?: unknown
  readonly name?: unknown
  readonly of?: unknown
  readonly path?: unknown
}

/** `context.a.b` as `['a', 'b']`, bare `context` as `[]`; null for anything else. */
function contextChain(node: unknown): string[] | null {
  const names: string[] = []
  let at = node as Node | null
  for (;;) {
    if (typeof at !== 'object' || at === null) return null
    if (at.kind === 'variable') return at.name === 'context' ? names : null
    if (at.kind === 'attribute') names.unshift(String(at.name))
    else if (at.kind === 'has') names.unshift(...(at.path as string[]))
    else return null
    at = at.of as Node | null
  }
}

/** Every path that another one begins with, itself included. */
function beginnings(paths: Iterable<string>): Set<string> {
  const all = new Set<string>()
  for (const path of paths) for (const beginning of beginningsOf(path)) all.add(beginning)
  return all
}

/** `a.b` as `''`, `a`, `a.b`. */
function beginningsOf(path: string): string[] {
  const found = ['']
  for (let dot = path.indexOf('.'); dot >= 0; dot = path.indexOf('.', dot + 1)) found.push(path.slice(0, dot))
  return [...found, path]
}

function namesUnder(paths: ReadonlySet<string>, prefix: string): string[] {
  const names = new Set<string>()
  for (const path of paths) {
    if (path.startsWith(prefix)) names.add(path.slice(prefix.length).split('.')[0] ?? '')
  }
  return [...names].sort()
}
