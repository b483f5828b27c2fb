/**
 * Paged listings of objects and of users.
 *
 * What holds: every result of a page was permitted at the revision that the page names; whatever is permitted from the
 * first page to the last is returned exactly once; what is granted meanwhile may be missing. A first page is one walk
 * at one revision; later pages come from its result, checked again when anything may have changed since.
 *
 * @module
 */
import { RelationsError } from '../errors.ts'
import type { Edges } from '../query/edges.ts'
import { atOneRevision, type Pace } from '../query/pace.ts'
import { type Binding, readCursor, writeCursor } from './cursor.ts'
import type { HeldListings } from './held.ts'
import type { Page } from './request.ts'

export interface Listing {
  readonly binding: Binding
  readonly pageSize: number
  readonly cursor: string | undefined
  readonly signal: AbortSignal | undefined
  /** A fresh look at the graph, for the present revision. */
  readonly edges: () => Edges
  /** Objects by number. */
  readonly walk: (edges: Edges, pace: Pace) => Promise<readonly number[]>
  /** Whether an object is (still) among the results. */
  readonly holds: (edges: Edges) => (object: number) => boolean
  readonly show: (name: string) => string
}

export interface ListingHost {
  readonly held: HeldListings
  readonly revision: () => number
  /** Work of checks so far. */
  readonly spent: () => number
  readonly token: () => string
  /** Whether time alone may change answers. */
  readonly mayExpire: () => boolean
}

interface Found {
  readonly key: string
  readonly ids: Int32Array
  readonly names: readonly string[]
  readonly revision: number
}

export async function pageOf(host: ListingHost, listing: Listing): Promise<Page<string>> {
  const { binding, cursor, pageSize } = listing
  const question = `${binding.model} ${binding.question}`
  const place = cursor === undefined ? { after: -1, listing: '' } : readCursor(cursor, binding)
  const held = host.held.find(place.listing, question)
  if (held === undefined && typeof place.after === 'string')
    throw new RelationsError('cursor_invalid', 'this cursor is too old: ask again from the first page')
  const found: Found = held ?? (await walkAll(host, listing, question))
  return atOneRevision(
    host.revision,
    async (pace) => {
      const edges = listing.edges()
      const fresh = found.revision === host.revision() && (held === undefined || !host.mayExpire())
      const holds = fresh ? undefined : listing.holds(edges)
      const results: string[] = []
      let after = place.after
      const size = found.ids.length + found.names.length
      let i = startOf(found, place.after)
      for (; i < size && results.length < pageSize; i++) {
        const wait = pace()
        if (wait !== undefined) await wait
        const id = found.ids[i]
        const name = id === undefined ? (found.names[i - found.ids.length] ?? '') : edges.view.nameOf(id)
        after = id ?? name
        if (holds === undefined || holds(id ?? localObject(edges, name))) results.push(listing.show(name))
      }
      const revision = host.token()
      if (i < size) return { results, cursor: writeCursor(binding, { after, listing: found.key }), revision }
      host.held.drop(found.key)
      return { results, revision }
    },
    listing.signal,
    host.spent,
  )
}

async function walkAll(host: ListingHost, listing: Listing, question: string): Promise<Found> {
  return atOneRevision(
    host.revision,
    async (pace) => {
      const edges = listing.edges()
      const objects = await listing.walk(edges, pace)
      const ids = Int32Array.from(objects.filter((object) => !edges.view.isLocal(object))).sort()
      const names = objects
        .filter((object) => edges.view.isLocal(object))
        .map((object) => edges.view.nameOf(object))
      names.sort()
      if (ids.length + names.length <= listing.pageSize)
        return { key: '', ids, names, revision: host.revision() }
      return host.held.keep(question, ids, names, host.revision())
    },
    listing.signal,
    host.spent,
  )
}

function localObject(edges: Edges, name: string): number {
  return edges.view.object({ type: name.slice(0, name.indexOf(':')), name })
}

/** Index of the first result after a place. A name that was stored meanwhile is found by its text all the same. */
function startOf({ ids, names }: Found, after: number | string): number {
  if (typeof after === 'string') {
    const index = names.findIndex((name) => name > after)
    return ids.length + (index < 0 ? names.length : index)
  }
  let low = 0
  let high = ids.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((ids[middle] ?? 0) > after) high = middle
    else low = middle + 1
  }
  return low
}
