/**
 * What relations need from outside, and what they give to routes and verbs.
 * @module
 */
import type {
  CheckRank,
  Checks,
  Clock,
  Ids,
  ModelSource,
  RelationChange,
  RelationFacts,
  Store,
} from '@safeconduct/engine'
import type { JsonObject, RelationModel, RelationSpace } from '@safeconduct/protocol'
import type { RelationStore, Tuple, TupleKey, WriteOptions } from '@safeconduct/relations'

/** Files for graphs as they are in memory, so that a start need not read every tuple. Names are ids of spaces. */
export interface GraphFiles {
  /** null when there is none. */
  read(name: string): AsyncIterable<Uint8Array> | null
  /** The whole file or nothing of it. */
  write(name: string, bytes: AsyncIterable<Uint8Array>): Promise<void>
  remove(name: string): Promise<void>
}

export interface RelationPorts {
  readonly store: Store
  readonly clock: Clock
  readonly ids: Ids
  readonly files: GraphFiles
  readonly checks: Pick<Checks, 'model' | 'as'>
  /** Facts that policies of the tenant ask from now on; null = none. */
  readonly onFacts: (tenant: string, facts: RelationFacts | null) => void
  /** Something was left in the outbox for the ledger. */
  readonly onRecorded: () => void
  readonly onError: (message: string, cause: unknown) => void
}

export interface WriteRequest {
  readonly writes: readonly Tuple[]
  readonly deletes: readonly TupleKey[]
  readonly options: WriteOptions & { readonly model?: string }
}

/** A space as it is now: its record, its models (oldest first) and its graph. Ask the graph; never write to it. */
export interface LiveSpace {
  readonly record: RelationSpace
  readonly models: readonly RelationModel[]
  readonly graph: RelationStore
}

/** Relation spaces of every tenant. A write is on disk before it counts, and then counts at once as a whole. */
export interface RelationService {
  spaces(tenant: string): readonly LiveSpace[]
  /** @throws `not_found` */
  space(tenant: string, id: string): LiveSpace
  /** The space that policies of the tenant ask; null when it has none. */
  policySpace(tenant: string): LiveSpace | null
  /** The first space of a tenant becomes the one that policies ask. @throws `conflict` at the limit of spaces */
  create(tenant: string, name: string, by: string): Promise<RelationSpace>
  /** @throws `not_found`, `conflict` for the one that policies ask while there are others */
  remove(tenant: string, id: string, by: string): Promise<void>
  /** @throws `not_found` */
  makePolicy(tenant: string, id: string, by: string): Promise<RelationSpace>
  /** @throws `not_found`; RelationsError */
  /** @param rank of the check: on whose behalf it is written */
  writeModel(
    tenant: string,
    id: string,
    source: ModelSource,
    by: string,
    rank?: CheckRank,
  ): Promise<RelationModel>
  /** @throws `not_found` for an unknown model */
  putAssertions(tenant: string, id: string, model: string, assertions: readonly JsonObject[]): Promise<void>
  /** Resolves to the consistency token once it is on disk and counts. @throws `not_found`; RelationsError */
  write(tenant: string, id: string, request: WriteRequest, by: string): Promise<string>
  /** When tuples were written, milliseconds; null for what is not there. */
  writtenAt(tenant: string, id: string, keys: readonly TupleKey[]): Promise<readonly (number | null)[]>
  changes(
    tenant: string,
    id: string,
    query: {
      readonly after: number
      readonly limit: number
      readonly type?: string
      readonly since?: number
    },
  ): Promise<readonly RelationChange[]>
  facts(tenant: string): RelationFacts | null
  /** Removes what has ended, as a write would. Also done every minute. */
  sweep(): Promise<void>
  /** Waits for writes under way and keeps the graphs for the next start. */
  close(): Promise<void>
}
