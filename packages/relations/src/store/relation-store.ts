/**
 * One store: tuples, model versions, questions.
 *
 * Owns its graph, its change log and the results it keeps between pages; opens nothing that would need closing. Every
 * write is atomic and raises the revision; a question sees all writes that were answered before it was asked.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import { RelationsError } from '../errors.ts'
import { Graph } from '../graph/graph.ts'
import { DEFAULT_LIMITS, HIGHEST_DEPTH, type Limits } from '../limits.ts'
import { type BoundModel, bindModel } from '../model/bind.ts'
import { compileModel } from '../model/compile.ts'
import type { Context } from '../model/condition.ts'
import { parseModel } from '../model/parse.ts'
import { objectOrThrow } from '../names.ts'
import { Edges } from '../query/edges.ts'
import { atOneRevision, type Pace } from '../query/pace.ts'
import { Resolver } from '../query/resolver.ts'
import { View } from '../query/view.ts'
import { walkObjects } from '../query/walk-objects.ts'
import { subjectOf, walkUsers } from '../query/walk-users.ts'
import { type Change, ChangeLog } from './changes.ts'
import { childrenOf, keepCandidates } from './children.ts'
import { bindingOf } from './cursor.ts'
import { type ExpandNode, expandRelation } from './expand.ts'
import { HeldListings } from './held.ts'
import { type ListingHost, pageOf } from './listing.ts'
import { type ReadFilter, readRows } from './read.ts'
import {
  type CheckRequest,
  type Circumstances,
  knownUser,
  type ListObjectsRequest,
  type ListUsersRequest,
  type Page,
  type Paging,
  pageSizeOf,
  relationOrThrow,
} from './request.ts'
import { parseTuple, plainContext, type Tuple, type TupleKey, tupleOf } from './tuple.ts'
import { applyWrite, expiredRows, type WriteOptions } from './write.ts'

export interface StoreOptions {
  /** Part of cursors and consistency tokens; random when left out. */
  readonly id?: string
  readonly limits?: Partial<Limits>
  /** Milliseconds since 1970; decides when tuples end. */
  readonly now?: () => number
}

export interface ModelVersion {
  readonly id: string
  readonly dsl: string
}

export interface CheckResult {
  readonly allowed: boolean
  readonly revision: string
}

export type BatchResult = { readonly allowed: boolean } | { readonly error: RelationsError }

const NAMED = { type: 'validation', relation: 'validation' } as const
const LISTED = { type: 'type_not_found', relation: 'relation_not_found' } as const

export class RelationStore {
  readonly id: string
  readonly limits: Limits
  readonly #now: () => number
  readonly #graph = new Graph()
  readonly #models = new Map<string, BoundModel>()
  readonly #changes: ChangeLog
  readonly #held: HeldListings
  #latest: BoundModel | undefined
  #revision = 0

  constructor(options: StoreOptions = {}) {
    this.id = options.id ?? randomUUID()
    this.limits = { ...DEFAULT_LIMITS, ...options.limits }
    for (const [name, value] of Object.entries(this.limits))
      if (!Number.isSafeInteger(value) || value < 1)
        throw new RelationsError('validation', `the limit ${name} must be a whole number above 0`)
    if (this.limits.maxDepth > HIGHEST_DEPTH)
      throw new RelationsError('validation', `maxDepth is at most ${HIGHEST_DEPTH}`)
    this.#now = options.now ?? Date.now
    this.#changes = new ChangeLog(this.limits.maxChanges)
    this.#held = new HeldListings(this.limits.maxHeldIds)
  }

  // ── Models ────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Adds a version and makes it the newest. Tuples that a version does not allow stay and do not count in it.
   * @throws RelationsError `model_syntax`, `model_invalid` (positions and hints in `problems`), `limit_exceeded`.
   */
  writeModel(dsl: string): ModelVersion {
    if (this.#models.size >= this.limits.maxModels)
      throw new RelationsError(
        'limit_exceeded',
        `a store has at most ${this.limits.maxModels} model versions`,
      )
    const definition = parseModel(dsl)
    const model = bindModel(randomUUID(), dsl, definition, compileModel(definition), this.#graph)
    this.#models.set(model.id, model)
    this.#latest = model
    this.#revision++
    return { id: model.id, dsl }
  }

  /** Oldest first. */
  get models(): readonly ModelVersion[] {
    return [...this.#models.values()].map(({ id, dsl }) => ({ id, dsl }))
  }

  // ── Tuples ────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * All or nothing; deletes first.
   * @returns the consistency token of the new revision.
   * @throws RelationsError `invalid_tuple`, `write_conflict` (there already, or not there, or named twice),
   *   `limit_exceeded`, `model_not_found`.
   */
  write(
    writes: readonly Tuple[],
    deletes: readonly TupleKey[] = [],
    options: WriteOptions & { readonly model?: string } = {},
  ): string {
    if (writes.length + deletes.length > this.limits.maxTuplesPerWrite)
      throw new RelationsError(
        'limit_exceeded',
        `a write has at most ${this.limits.maxTuplesPerWrite} tuples`,
      )
    const model = this.#model(options.model)
    const parsed = writes.map((tuple) => parseTuple(tuple, model, this.#graph))
    const changed = applyWrite(this.#graph, parsed, deletes, this.#now(), options)
    this.#record(changed)
    return this.revision
  }

  /** Deletes tuples whose end has come, as a write would. Nothing calls this by itself. @returns how many. */
  deleteExpired(): number {
    const rows = expiredRows(this.#graph, this.#now())
    const changed = rows.map((row) => ({ operation: 'delete' as const, tuple: tupleOf(this.#graph, row) }))
    for (const row of rows) this.#graph.remove(row)
    this.#record(changed)
    return rows.length
  }

  /** Stored tuples as written, ended ones included. @throws RelationsError `validation`, `cursor_invalid`. */
  read(
    filter: ReadFilter = {},
    paging: Paging = {},
  ): { readonly tuples: readonly Tuple[]; readonly cursor?: string } {
    const pageSize = pageSizeOf(paging, this.limits.maxPageSize)
    const { object, relation, user } = filter
    const binding = bindingOf(this.id, '', ['read', object, relation, user])
    return readRows(this.#graph, filter, binding, pageSize, paging.cursor)
  }

  /** Consistency token of the present revision: give it as `atLeast` to read what was written. */
  get revision(): string {
    return `${this.id}.${this.#revision}`
  }

  /**
   * Changes from a position on, oldest first, and the position after them. Positions start at 0.
   * @throws RelationsError `revision_invalid` when the position is no longer kept.
   */
  readChanges(from: number, count = 1000): { readonly changes: readonly Change[]; readonly next: number } {
    if (!Number.isSafeInteger(count) || count < 1 || count > this.limits.maxPageSize)
      throw new RelationsError('limit_exceeded', `count is 1 to ${this.limits.maxPageSize}`)
    const changes = this.#changes.read(from, count)
    return { changes, next: from + changes.length }
  }

  /** Position of the next change. */
  get position(): number {
    return this.#changes.end
  }

  /**
   * Changes as they come, from a position (now, when left out) until the signal is aborted.
   * @throws RelationsError `revision_invalid`; `limit_exceeded` when the reader falls too far behind.
   */
  watch(
    options: { readonly from?: number; readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<Change, void> {
    const from = options.from ?? this.#changes.end
    this.#changes.read(from, 1)
    return this.#changes.follow(from, this.limits.maxWatchBacklog, options.signal)
  }

  // ── Questions ─────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * @throws RelationsError `validation` (ids, names, a condition that cannot be evaluated and decides),
   *   `invalid_tuple` (contextual), `resolution_too_complex`, `model_not_found`, `revision_invalid`.
   */
  check(request: CheckRequest): CheckResult {
    const model = this.#circumstances(request)
    const object = objectOrThrow(request.object)
    const relation = relationOrThrow(model, this.#graph, object.type, request.relation, NAMED)
    const user = knownUser(request.user, model)
    const edges = this.#edges(model, request)
    const allowed = new Resolver(edges, user, this.limits).check(edges.view.object(object), relation.relation)
    return { allowed, revision: this.revision }
  }

  /** Many checks at one revision, answers in the order of the questions. @throws RelationsError `limit_exceeded`. */
  async batchCheck(requests: readonly CheckRequest[], signal?: AbortSignal): Promise<readonly BatchResult[]> {
    if (requests.length > this.limits.maxChecksPerBatch)
      throw new RelationsError(
        'limit_exceeded',
        `a batch has at most ${this.limits.maxChecksPerBatch} checks`,
      )
    return this.#atOneRevision(async (pace) => {
      const results: BatchResult[] = []
      for (const request of requests) {
        const wait = pace()
        if (wait !== undefined) await wait
        try {
          results.push({ allowed: this.check(request).allowed })
        } catch (error) {
          if (!(error instanceof RelationsError)) throw error
          results.push({ error })
        }
      }
      return results
    }, signal)
  }

  /**
   * Every object of a type that the user has the relation to, page by page; see `listing.ts` for what holds.
   * @throws RelationsError as `check` (for a result that cannot be decided), `type_not_found`, `relation_not_found`,
   *   `cursor_invalid`, `limit_exceeded`.
   */
  async listObjects(request: ListObjectsRequest): Promise<Page<string>> {
    const model = this.#circumstances(request)
    const { type, candidates, parent, contextualTuples, context } = request
    const wanted = relationOrThrow(model, this.#graph, type, request.relation, LISTED)
    const user = knownUser(request.user, model)
    const edges = () => this.#edges(model, request)
    const holds = (at: Edges) => {
      const inParent = parent === undefined ? undefined : childrenOf(at, parent, model, type)
      const resolver = new Resolver(at, user, this.limits)
      return (object: number) =>
        (inParent === undefined || inParent.has(object)) && resolver.check(object, wanted.relation)
    }
    edges()
    if (candidates !== undefined) {
      if (candidates.length > this.limits.maxCandidates)
        throw new RelationsError('limit_exceeded', `at most ${this.limits.maxCandidates} candidates`)
      if (request.cursor !== undefined)
        throw new RelationsError('cursor_invalid', 'candidates come back in one page')
      return this.#atOneRevision(async (pace) => {
        const at = edges()
        const results = await keepCandidates(at, candidates, type, holds(at), pace)
        return { results, revision: this.revision }
      }, request.signal)
    }
    const walk = async (at: Edges, pace: Pace): Promise<readonly number[]> => {
      if (parent === undefined) return walkObjects(at, user, wanted, this.limits, pace)
      const keep = holds(at)
      const kept: number[] = []
      for (const object of childrenOf(at, parent, model, type)) {
        const wait = pace()
        if (wait !== undefined) await wait
        if (keep(object)) kept.push(object)
      }
      return kept
    }
    const question = ['objects', type, wanted.name, request.user, parent, contextualTuples, context]
    return pageOf(this.#host(), {
      binding: bindingOf(this.id, model.id, question),
      pageSize: pageSizeOf(request, this.limits.maxPageSize),
      cursor: request.cursor,
      signal: request.signal,
      edges,
      walk,
      holds,
      show: (name) => name,
    })
  }

  /**
   * Every subject of a kind (`user`, `group#member`) that some tuple names and that has the relation; `type:*` stands
   * for everybody of the type. Paged like `listObjects`.
   * @throws RelationsError as `listObjects`; `validation` when any condition on the way cannot be evaluated.
   */
  async listUsers(request: ListUsersRequest): Promise<Page<string>> {
    const model = this.#circumstances(request)
    const { filter, contextualTuples, context } = request
    const object = objectOrThrow(request.object)
    const wanted = relationOrThrow(model, this.#graph, object.type, request.relation, LISTED)
    if (filter.relation !== undefined)
      relationOrThrow(model, this.#graph, filter.type, filter.relation, LISTED)
    else if (!model.definition.types.has(filter.type))
      throw new RelationsError('type_not_found', `type ${filter.type} is not in the model`)
    const edges = () => this.#edges(model, request)
    edges()
    const question = [
      'users',
      object.name,
      wanted.name,
      filter.type,
      filter.relation,
      contextualTuples,
      context,
    ]
    return pageOf(this.#host(), {
      binding: bindingOf(this.id, model.id, question),
      pageSize: pageSizeOf(request, this.limits.maxPageSize),
      cursor: request.cursor,
      signal: request.signal,
      edges,
      walk: (at, pace) => walkUsers(at, at.view.object(object), wanted, filter, this.limits, pace),
      holds: (at) => (subject) =>
        new Resolver(at, subjectOf(at, subject, filter), this.limits).check(
          at.view.object(object),
          wanted.relation,
        ),
      show: (name) => (filter.relation === undefined ? name : `${name}#${filter.relation}`),
    })
  }

  /** @throws RelationsError as `check`; `limit_exceeded` when a leaf has more than `maxExpandUsers` users. */
  expand(request: Omit<TupleKey, 'user'> & Circumstances): ExpandNode {
    const model = this.#circumstances(request)
    const object = objectOrThrow(request.object)
    const relation = relationOrThrow(model, this.#graph, object.type, request.relation, NAMED)
    const edges = this.#edges(model, request)
    return expandRelation(edges, edges.view.object(object), relation, this.#now(), this.limits.maxExpandUsers)
  }

  /** Counts, for metrics. `columnBytes` leaves out names, conditions and ends. */
  get size(): { tuples: number; objects: number; columnBytes: number; heldIds: number } {
    const graph = this.#graph
    const { tupleCount: tuples, columnBytes } = graph
    return { tuples, objects: graph.objects.size, columnBytes, heldIds: this.#held.size }
  }

  // ── Inside ────────────────────────────────────────────────────────────────────────────────────────────────

  #model(id: string | undefined): BoundModel {
    const model = id === undefined ? this.#latest : this.#models.get(id)
    if (model === undefined)
      throw new RelationsError('model_not_found', 'the store has no such model version')
    return model
  }

  #circumstances({ model, atLeast, contextualTuples = [] }: Circumstances): BoundModel {
    if (contextualTuples.length > this.limits.maxContextualTuples)
      throw new RelationsError(
        'limit_exceeded',
        `at most ${this.limits.maxContextualTuples} contextual tuples`,
      )
    if (atLeast !== undefined) {
      const dot = atLeast.lastIndexOf('.')
      const revision = /^\d{1,15}$/.test(atLeast.slice(dot + 1)) ? Number(atLeast.slice(dot + 1)) : -1
      if (atLeast.slice(0, dot) !== this.id || revision < 0 || revision > this.#revision)
        throw new RelationsError('revision_invalid', 'this consistency token is not one of this store')
    }
    return this.#model(model)
  }

  #edges(model: BoundModel, { contextualTuples = [], context }: Circumstances): Edges {
    const parsed = contextualTuples.map((tuple) => parseTuple(tuple, model, this.#graph))
    const values: Context = context === undefined ? {} : plainContext(context, 'validation')
    return new Edges(new View(this.#graph, parsed), model, values, this.#now())
  }

  #atOneRevision<T>(walk: (pace: Pace) => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    return atOneRevision(() => this.#revision, walk, signal)
  }

  #host(): ListingHost {
    return {
      held: this.#held,
      revision: () => this.#revision,
      token: () => this.revision,
      mayExpire: () => this.#graph.hasExtras,
    }
  }

  #record(changed: readonly Pick<Change, 'operation' | 'tuple'>[]): void {
    if (changed.length === 0) return
    const revision = ++this.#revision
    const at = this.#now()
    this.#changes.append(changed.map((change) => ({ ...change, revision, at })))
  }
}
