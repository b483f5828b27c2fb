/**
 * A query to a model as one turn sees it: how it differs from the agent's own earlier queries, and from those of all agents
 * of the same owner, over whom an attack may be spread. Worked out once, with the decision; `apply` only keeps it.
 * @module
 */
import type { JsonValue } from '@safeconduct/protocol'
import { learnPeer, type Peers } from '../behaviour/peers.ts'
import { short } from '../behaviour/sequence.ts'
import { othersAt, symbolsOf } from './background.ts'
import {
  emptyStream,
  type Gains,
  gainsOf,
  keepQuery,
  keepStream,
  lookAt,
  type QueryLook,
  type QueryStream,
} from './stream.ts'
import { type Folded, foldVector, vectorIn } from './vector.ts'

interface Compared {
  readonly look: QueryLook
  readonly gains: Gains
}

export interface Asked {
  /** The tool, and how many numbers it is given. */
  readonly model: string
  readonly query: Folded
  readonly own: Compared
  /** With the agents of one owner as one. */
  readonly linked: Compared & {
    readonly key: string
    /** Before this query. */
    readonly stakes: Gains
  }
}

/** What is kept of queries for a whole tenant. */
export interface QueriesLive {
  /** Settled differences in groups, as peers. */
  readonly queries: Peers
  /** By owner and model. Members are replaced, never changed in place. */
  readonly streams: Map<string, QueryStream>
}

/** Streams of a tenant. */
const KEPT_STREAMS = 64

export interface Asking {
  readonly tool: string
  readonly args: JsonValue
  readonly owner: string
  /** Of the agent among its peers. */
  readonly group: number
  /** The agent's own queries to a model so far. */
  readonly streamTo: (model: string) => QueryStream
}

/** @returns null when the arguments hold no list of numbers long enough */
export function askedOf(asking: Asking, { queries, streams }: QueriesLive): Asked | null {
  const values = vectorIn(asking.args)
  const query = values === null ? null : foldVector(values)
  if (query === null) return null
  const model = `${short(asking.tool)} ${query.size}`
  const others = othersAt(queries, model, asking.group)
  const compare = (stream: QueryStream): Compared => {
    const look = lookAt(stream, query)
    return { look, gains: gainsOf(stream, look, others) }
  }
  const key = `${asking.owner} ${model}`
  const linked = streams.get(key) ?? emptyStream()
  return {
    model,
    query,
    own: compare(asking.streamTo(model)),
    linked: { ...compare(linked), key, stakes: linked.stakes },
  }
}

/** The owner's stream after the query. */
export function linkQuery({ streams }: QueriesLive, { query, linked }: Asked): void {
  const stream = streams.get(linked.key) ?? emptyStream()
  keepStream(streams, linked.key, keepQuery(stream, query, linked.look, linked.gains), KEPT_STREAMS)
}

/** A settled query tells what is usual. */
export function learnQuery({ queries }: QueriesLive, group: number, { model, own }: Lookup): void {
  for (const symbol of symbolsOf(model, own.look)) learnPeer(queries, group, symbol, 1)
}

/** What is kept of a query while its call is under way: no number of it. */
export type Lookup = Pick<Asked, 'model'> & { readonly own: Pick<Compared, 'look'> }

export function lookupOf({ model, own }: Asked): Lookup {
  return { model, own: { look: own.look } }
}
