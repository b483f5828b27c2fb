/**
 * One store: tuples, model versions, questions.
 *
 * Owns its graph, its change log and the results it keeps between pages; opens nothing that would need closing. Every
 * write is atomic and raises the revision; a question sees all writes that were answered before it was asked.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'
import { RelationsError } from '../errors.ts'
import { Graph } from '../graph/graph.ts'
import { DEFAULT_LIMITS, HIGHEST_DEPTH, type Limits, NOW_BOUNDS, SLICE } from '../limits.ts'
import { type BoundModel, bindModel } from '../model/bind.ts'
import { compileModel } from '../model/compile.ts'
import type { Context } from '../model/condition.ts'
import { parseModel } from '../model/parse.ts'
import { objectOrThrow } from '../names.ts'
import { Edges } from '../query/edges.ts'
import { atOneRevision, type Pace } from '../query/pace.ts'
import { type Proven, prove } from '../query/prove.ts'
import { type Asker, type Bounds, Resolver } from '../query/resolver.ts'
import { newMemory, Scratch } from '../query/scratch.ts'
import { View } from '../query/view.ts'
import { walkObjects } from '../query/walk-objects.ts'
import { walkUsers } from '../query/walk-users.ts'
import { type Change, ChangeLog } from './changes.ts'
import { childrenOf, keepCandidates } from './children.ts'
import { bindingOf } from './cursor.ts'
import { type ExpandNode, expandRelation } from './expand.ts'
import { HeldListings } from './held.ts'
import { type ListingHost, pageOf } from './listing.ts'
import { type ReadFilter, readRows } from './read.ts'
import { addTuple, applyChanges } from './replica.ts'
import {
  askerOf,
  type CheckRequest,
  type Circumstances,
  knownUser,
  LISTED,
  type ListObjectsRequest,
  type ListUsersRequest,
  NAMED,
  type Page,
  type Paging,
  pageSizeOf,
  questionOf,
  relationOrThrow,
} from './request.ts'
import { type Bytes, corrupt, expectKnown, readSnapshot, writeSnapshot } from './snapshot.ts'
import { parseTuple, plainContext, type Tuple, type TupleKey, tupleIn } from './tuple.ts'
import {
  type Changed,
  carryOut,
  changesOf,
  expiredRows,
  type Plan,
  planWrite,
  type WriteOptions,
} from './write.ts'

export interface StoreOptions {
  /** Part of cursors and consistency tokens; random when left out. */
  readonly id?: string
  readonly limits?: Partial<Limits>
  /** Milliseconds since 1970; decides when tuples end. */
  readonly now?: () => number
}

export interface RestoreOptions extends StoreOptions {
  /** Every model version that the host knows; the snapshot may have fewer, and none other. */
  readonly models?: readonly ModelVersion[]
}

export interface RestoredStore {
  readonly store: RelationStore
  /** What was given to `snapshot`. */
  readonly mark: string
}

export interface ModelVersion {
  readonly id: string
  readonly dsl: string
}

/** A kept version that is not accepted any more: nothing can be asked of it, and why. */
export interface QuarantinedModel extends ModelVersion {
  readonly why: RelationsError
}

export interface CheckResult {
  readonly allowed: boolean
  readonly revision: string
}

/** `tuples` are those of the proof and those that lift bans in its way, each once. */
export type Why = Proven<Tuple>

/** A question in numbers of its view. */
interface Asked {
  readonly edges: Edges
  readonly asker: Asker
  readonly object: number
  readonly relation: number
}

export type BatchResult = { readonly allowed: boolean } | { readonly error: RelationsError }

export class RelationStore {
  readonly id: string
  readonly limits: Limits
  readonly #now: () => number
  readonly #graph = new Graph()
  readonly #scratch = new Scratch()
  readonly #models = new Map<string, BoundModel | QuarantinedModel>()
  readonly #changes: ChangeLog
  readonly #held: HeldListings
  #latest: BoundModel | QuarantinedModel | undefined
  #sealed: RelationsError | undefined
  #revision = 0
  /** Counts what changes the graph or the models, loading included. */
  #stamp = 0

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
   * @param options.checked a store took this very text before, on another thread perhaps: validating takes long, and is
   *   left out.
   * @throws RelationsError `model_syntax`, `model_invalid` (positions and hints in `problems`), `limit_exceeded`.
   */
  writeModel(dsl: string, options: { readonly id?: string; readonly checked?: boolean } = {}): ModelVersion {
    const model = this.#addModel(options.id ?? randomUUID(), dsl, options.checked)
    this.#revision++
    this.#moved()
    return { id: model.id, dsl }
  }

  /**
   * Adds a version that the host kept, and makes it the newest. One that is not accepted any more (limits grow narrower)
   * is quarantined: questions and writes that name it, or mean it as the newest, throw `model_quarantined`; the others go
   * on. Tuples of names that only it knew are kept from then on.
   * @returns why it is quarantined; null when it is not.
   * @throws RelationsError `write_conflict` when there is a version of this id.
   */
  adoptModel(dsl: string, options: { readonly id: string }): RelationsError | null {
    const why = this.#adopt(options.id, dsl)
    this.#revision++
    this.#moved()
    return why
  }

  #adopt(id: string, dsl: string): RelationsError | null {
    try {
      this.#addModel(id, dsl)
      return null
    } catch (cause) {
      if (this.#models.has(id)) throw cause
      const told = cause instanceof RelationsError ? cause.message : 'it cannot be read'
      const why = new RelationsError(
        'model_quarantined',
        `this model version is refused by now: ${told}`,
        [],
        cause,
      )
      this.#latest = { id, dsl, why }
      this.#models.set(id, this.#latest)
      return why
    }
  }

  /** Versions of which nothing can be asked, oldest first. */
  get quarantined(): readonly QuarantinedModel[] {
    return [...this.#models.values()].filter((one) => 'why' in one)
  }

  /** Nothing can be asked, read or written from now on: what the host kept could not be read as a whole. */
  seal(message: string): void {
    this.#sealed = new RelationsError('model_quarantined', message)
  }

  /** What it was sealed with; undefined while it is open. */
  get sealed(): RelationsError | undefined {
    return this.#sealed
  }

  /** An answer out of a part would look like the whole. */
  #requireOpen(): void {
    if (this.#sealed !== undefined) throw this.#sealed
  }

  #addModel(id: string, dsl: string, checked = false): BoundModel {
    this.#requireOpen()
    if (this.#models.has(id))
      throw new RelationsError('write_conflict', 'there is a model version of this id')
    if (this.#models.size >= this.limits.maxModels)
      throw new RelationsError(
        'limit_exceeded',
        `a store has at most ${this.limits.maxModels} model versions`,
      )
    const definition = parseModel(dsl, checked)
    const model = bindModel(id, dsl, definition, compileModel(definition), this.#graph)
    this.#models.set(id, model)
    this.#latest = model
    return model
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
    const plan = this.#plan(writes, deletes, options)
    const changes = this.#dated(changesOf(this.#graph, plan))
    carryOut(this.#graph, plan)
    return this.#record(changes)
  }

  /**
   * What `write` would do, without doing it: for a host that keeps changes before they count. Hand them to `apply`,
   * with the host's own revision if it has one.
   * @throws RelationsError as `write`.
   */
  plan(
    writes: readonly Tuple[],
    deletes: readonly TupleKey[] = [],
    options: WriteOptions & { readonly model?: string } = {},
  ): readonly Change[] {
    return this.#dated(changesOf(this.#graph, this.#plan(writes, deletes, options)))
  }

  /** What `deleteExpired` would do. */
  planExpired(): readonly Change[] {
    this.#requireOpen()
    const gone = expiredRows(this.#graph, this.#now())
    return this.#dated(changesOf(this.#graph, { gone, fresh: [] }))
  }

  /**
   * Changes that were decided before: planned here, or kept by the host. All or nothing, whatever the models allow. A
   * write replaces the tuple that is there; a delete of what is not there does nothing. Revisions may leave gaps.
   * @returns the consistency token of the last change's revision.
   * @throws RelationsError `revision_invalid` when a change is not newer than the store or they are out of order,
   *   `invalid_tuple`.
   */
  apply(changes: readonly Change[]): string {
    this.#requireOpen()
    let last = this.#revision + 1
    for (const { revision } of changes) {
      if (!Number.isSafeInteger(revision) || revision < last)
        throw new RelationsError('revision_invalid', 'a change is not newer than what the store has')
      last = revision
    }
    applyChanges(this.#graph, changes, this.quarantined.length > 0)
    return this.#record(changes)
  }

  /**
   * Adds tuples that the host kept, as they come, whatever the models allow; they are no changes and no write. The model
   * versions must be there. Meant for the start: a store that is asked meanwhile answers with what it has.
   * @param options.revision what the store has once all are in; higher than before.
   * @returns how many.
   * @throws RelationsError `invalid_tuple`, `write_conflict` (twice); those before stay.
   */
  async load(
    tuples: Iterable<Tuple> | AsyncIterable<Tuple>,
    options: { readonly revision?: number; readonly signal?: AbortSignal } = {},
  ): Promise<number> {
    this.#requireOpen()
    const { revision = this.#revision, signal } = options
    if (!Number.isSafeInteger(revision) || revision < this.#revision)
      throw new RelationsError('revision_invalid', 'a revision never goes back')
    let count = 0
    const open = this.quarantined.length > 0
    for await (const tuple of tuples) {
      addTuple(this.#graph, tuple, open)
      this.#moved()
      if (++count % SLICE !== 0) continue
      await turn()
      signal?.throwIfAborted()
    }
    this.#revision = Math.max(revision, this.#revision)
    return count
  }

  /** Deletes tuples whose end has come, as a write would. Nothing calls this by itself. @returns how many. */
  deleteExpired(): number {
    this.#requireOpen()
    const plan = { gone: expiredRows(this.#graph, this.#now()), fresh: [] }
    const changes = this.#dated(changesOf(this.#graph, plan))
    carryOut(this.#graph, plan)
    this.#record(changes)
    return changes.length
  }

  // ── Snapshots ─────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * The store at this moment (models, tuples, revision) in chunks of about 1 MiB; writes may go on while they are
   * read. What pages and watchers hold is not in it.
   * @param mark the host's own word, given back by `restore`.
   */
  snapshot(mark = ''): AsyncGenerator<Uint8Array, void> {
    this.#requireOpen()
    const header = {
      store: this.id,
      revision: this.#revision,
      position: this.position,
      mark,
      models: this.models,
    }
    return writeSnapshot(header, this.#graph.image())
  }

  /**
   * A store out of a snapshot: same id, models, revision. A version that is not accepted any more is quarantined.
   * @throws RelationsError `snapshot_corrupt` (damaged, cut off, of another format version), `snapshot_foreign` (not of
   *   the store `id`, or a model version of it is not among `models`).
   */
  static async restore(source: Bytes, options: RestoreOptions = {}): Promise<RestoredStore> {
    let store: RelationStore | undefined
    const header = await readSnapshot(source, (head) => {
      expectKnown(head, options)
      store = new RelationStore({ ...options, id: head.store })
      return store.#graph
    })
    if (store === undefined) throw corrupt('the header is missing')
    for (const { id, dsl } of header.models) store.#adopt(id, dsl)
    store.#revision = header.revision
    store.#changes.startAt(header.position)
    return { store, mark: header.mark }
  }

  /** Stored tuples as written, ended ones included. @throws RelationsError `validation`, `cursor_invalid`. */
  read(
    filter: ReadFilter = {},
    paging: Paging = {},
  ): { readonly tuples: readonly Tuple[]; readonly cursor?: string } {
    this.#requireOpen()
    const pageSize = pageSizeOf(paging, this.limits.maxPageSize)
    const { object, relation, user, type } = filter
    const binding = bindingOf(this.id, '', ['read', object, relation, user, type])
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
    this.#requireOpen()
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
    this.#requireOpen()
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
    return { allowed: this.#answer(request, this.limits), revision: this.revision }
  }

  /**
   * A check within one synchronous turn: the yes or no alone, and bounds of its own so that no turn waits long.
   * @throws RelationsError as `check`; `resolution_too_complex` at the first bound it meets.
   */
  checkNow(request: CheckRequest, bounds: Partial<Bounds> = {}): boolean {
    return this.#answer(request, { ...NOW_BOUNDS, ...bounds })
  }

  /**
   * Why a check is true: the tuples that prove it, as a tree of the model's rules and as a list. Undefined when it is not
   * true. A store with these tuples alone gives the same answer.
   * @throws RelationsError as `check`.
   */
  why(request: CheckRequest): Why | undefined {
    const { edges, asker, object, relation } = this.#asked(request)
    return prove(edges, asker, object, relation, this.limits, this.#scratch, (tuple) =>
      tupleIn(edges.view, tuple),
    )
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
      const resolver = new Resolver(at, askerOf(at.view, user), this.limits, this.#scratch, newMemory())
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
      if (parent === undefined)
        return walkObjects(at, askerOf(at.view, user), wanted, this.limits, this.#scratch, pace)
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
      walk: (at, pace) =>
        walkUsers(at, at.view.object(object), wanted, filter, this.limits, this.#scratch, pace),
      holds: (at) => {
        const relation = filter.relation === undefined ? -1 : this.#graph.relations.find(filter.relation)
        const asked = at.view.object(object)
        return (subject) =>
          new Resolver(at, { object: subject, relation }, this.limits, this.#scratch).check(
            asked,
            wanted.relation,
          )
      },
      show: (name) => (filter.relation === undefined ? name : `${name}#${filter.relation}`),
    })
  }

  /** @throws RelationsError as `check`; `limit_exceeded` when a leaf has more than `maxExpandUsers` users. */
  expand(request: Omit<TupleKey, 'user'> & Circumstances): ExpandNode {
    const model = this.#circumstances(request)
    const object = objectOrThrow(request.object)
    const relation = relationOrThrow(model, this.#graph, object.type, request.relation, NAMED)
    const edges = this.#edges(model, request)
    return expandRelation(
      edges,
      edges.view.object(object),
      relation,
      request.now ?? this.#now(),
      this.limits.maxExpandUsers,
    )
  }

  /** Counts, for metrics. `columnBytes` leaves out names, conditions and ends; `watchers` wait for changes. */
  get size(): { tuples: number; objects: number; columnBytes: number; heldIds: number; watchers: number } {
    const { tupleCount: tuples, columnBytes, objects } = this.#graph
    const [heldIds, watchers] = [this.#held.size, this.#changes.followers]
    return { tuples, objects: objects.size, columnBytes, heldIds, watchers }
  }

  // ── Inside ────────────────────────────────────────────────────────────────────────────────────────────────

  #answer(request: CheckRequest, bounds: Bounds): boolean {
    const { edges, asker, object, relation } = this.#asked(request)
    return new Resolver(edges, asker, bounds, this.#scratch).check(object, relation)
  }

  #asked(request: CheckRequest): Asked {
    const model = this.#circumstances(request)
    const { object, relation, user } = questionOf(model, this.#graph, request)
    const edges = this.#edges(model, request)
    const { view } = edges
    return {
      edges,
      asker: typeof user === 'number' ? { object: user, relation: -1 } : askerOf(view, user),
      object: typeof object === 'number' ? object : view.object(object),
      relation: relation.relation,
    }
  }

  #model(id: string | undefined): BoundModel {
    this.#requireOpen()
    const model = id === undefined ? this.#latest : this.#models.get(id)
    if (model !== undefined && 'why' in model) throw model.why
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

  #edges(model: BoundModel, { contextualTuples = [], context, now = this.#now() }: Circumstances): Edges {
    const parsed = contextualTuples.map((tuple) => parseTuple(tuple, model, this.#graph))
    const values: Context = context === undefined ? {} : plainContext(context, 'validation')
    return new Edges(new View(this.#graph, parsed), model, values, now)
  }

  #atOneRevision<T>(walk: (pace: Pace) => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    return atOneRevision(
      () => this.#stamp,
      walk,
      signal,
      () => this.#scratch.spent,
    )
  }

  #host(): ListingHost {
    return {
      held: this.#held,
      revision: () => this.#stamp,
      spent: () => this.#scratch.spent,
      token: () => this.revision,
      mayExpire: () => this.#graph.hasExtras,
    }
  }

  #plan(
    writes: readonly Tuple[],
    deletes: readonly TupleKey[],
    options: WriteOptions & { readonly model?: string },
  ): Plan {
    if (writes.length + deletes.length > this.limits.maxTuplesPerWrite)
      throw new RelationsError(
        'limit_exceeded',
        `a write has at most ${this.limits.maxTuplesPerWrite} tuples`,
      )
    const model = this.#model(options.model)
    const parsed = writes.map((tuple) => parseTuple(tuple, model, this.#graph))
    return planWrite(this.#graph, parsed, deletes, this.#now(), options)
  }

  #dated(changed: readonly Changed[]): Change[] {
    const at = this.#now()
    return changed.map((change) => ({ ...change, revision: this.#revision + 1, at }))
  }

  /** Token of the last change, which counts from here on. */
  #record(changes: readonly Change[]): string {
    const last = changes.at(-1)
    if (last !== undefined) {
      this.#revision = last.revision
      this.#moved()
      this.#changes.append(changes)
    }
    return this.revision
  }

  /** Whatever is computed from the graph must be looked at again. */
  #moved(): void {
    this.#stamp++
  }
}
