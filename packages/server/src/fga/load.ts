/**
 * Graphs at start: from the file of the last stop and the changes since, else from every tuple in the store. A file is
 * only a short cut: one that is damaged, of other models or ahead of the store is left aside.
 * @module
 */
import type { RelationChange, RelationPlace, Store } from '@safeconduct/engine'
import type { RelationModel, RelationSpace, RelationTuple } from '@safeconduct/protocol'
import { type Change, RelationStore, type Tuple } from '@safeconduct/relations'
import { everyPage } from '../every-page.ts'
import type { GraphFiles } from './ports.ts'

/** Rows of one read from the store. */
const PAGE = 10_000
/**
 * A revision is the number of the last change and, below it, the number of models. It is the same before and after a
 * restart, and grows with either.
 */
const MODELS = 1000

export const revisionOf = (seq: number, models: number): number => seq * MODELS + models

export interface Loaded {
  readonly record: RelationSpace
  readonly models: RelationModel[]
  readonly graph: RelationStore
  /** Of the last change that is in the graph. */
  readonly seq: number
  /** Of the last change that is in the file; 0 when there is no good one. */
  readonly kept: number
}

export interface LoadPorts {
  readonly store: Store
  readonly files: GraphFiles
  readonly now: () => number
  readonly onError: (message: string, cause: unknown) => void
}

interface Known {
  readonly record: RelationSpace
  readonly models: RelationModel[]
  readonly last: number
}

export async function loadSpaces(ports: LoadPorts, tenants: readonly string[]): Promise<Loaded[]> {
  const known: Known[] = []
  for (const tenant of tenants) {
    for (const record of await spacesOf(ports.store, tenant)) {
      const models = await modelsOf(ports.store, tenant, record.id)
      known.push({ record, models, last: await ports.store.relations.last(placeOf(record)) })
    }
  }
  const restored = new Map<string, Loaded>()
  for (const one of known) {
    const found = await fromFile(ports, one)
    if (found !== null) restored.set(keyOf(placeOf(one.record)), found)
  }
  const rest = known.filter(({ record }) => !restored.has(keyOf(placeOf(record))))
  for (const loaded of await fromTuples(ports, rest)) restored.set(keyOf(placeOf(loaded.record)), loaded)
  return known.flatMap(({ record }) => restored.get(keyOf(placeOf(record))) ?? [])
}

export const placeOf = ({ tenant, id }: RelationSpace): RelationPlace => ({ tenant, space: id })
const keyOf = ({ tenant, space }: RelationPlace): string => JSON.stringify([tenant, space])

export function newGraph(id: string, now: () => number): RelationStore {
  return new RelationStore({ id, now })
}

async function fromFile(ports: LoadPorts, { record, models, last }: Known): Promise<Loaded | null> {
  const bytes = ports.files.read(record.id)
  if (bytes === null) return null
  try {
    const versions = models.map(({ id, dsl }) => ({ id, dsl }))
    const { store: graph, mark } = await RelationStore.restore(bytes, {
      id: record.id,
      now: ports.now,
      models: versions,
    })
    const from = Number(mark)
    if (!Number.isSafeInteger(from) || from > last) throw new Error('it is ahead of the store')
    const has = new Set(graph.models.map(({ id }) => id))
    for (const { id, dsl } of models) if (!has.has(id)) graph.adoptModel(dsl, { id })
    const seq = await catchUp(ports.store, record, models.length, graph, from)
    await graph.load([], { revision: revisionOf(seq, models.length) })
    return { record, models, graph, seq, kept: from }
  } catch (cause) {
    ports.onError(`The graph of the relation space ${record.id} is read from the store instead.`, cause)
    return null
  }
}

/** Applies what the store has and the graph has not; resolves to the number of the last change. */
export async function catchUp(
  store: Store,
  record: RelationSpace,
  models: number,
  graph: RelationStore,
  from: number,
): Promise<number> {
  let seq = from
  for (;;) {
    const page = await store.relations.changes(placeOf(record), { after: seq, limit: PAGE })
    graph.apply(page.map((change) => toChange(change, models)))
    seq = page.at(-1)?.seq ?? seq
    if (page.length < PAGE) return seq
  }
}

export const toChange = ({ seq, at, operation, tuple }: RelationChange, models: number): Change => ({
  operation,
  at,
  revision: revisionOf(seq, models),
  tuple: toTuple(tuple),
})

export function toTuple({ object, relation, user, condition, expiresAt }: RelationTuple): Tuple {
  return {
    object,
    relation,
    user,
    ...(condition === null ? {} : { condition }),
    ...(expiresAt === null ? {} : { expiresAt }),
  }
}

/** One pass over the tuples of every space. */
async function fromTuples(ports: LoadPorts, wanted: readonly Known[]): Promise<Loaded[]> {
  if (wanted.length === 0) return []
  const graphs = new Map<string, RelationStore>()
  for (const { record, models } of wanted) {
    const graph = newGraph(record.id, ports.now)
    for (const { id, dsl } of models) graph.adoptModel(dsl, { id })
    graphs.set(keyOf(placeOf(record)), graph)
  }
  const broken = new Map<RelationStore, unknown>()
  let after = 0
  for (;;) {
    const rows = await ports.store.relations.tuples(after, PAGE)
    const parts = new Map<RelationStore, Tuple[]>()
    let last: { tenant: string; space: string; part: Tuple[] | null } | null = null
    for (const { tenant, space, tuple } of rows) {
      if (last === null || last.space !== space || last.tenant !== tenant) {
        const graph = graphs.get(keyOf({ tenant, space }))
        const part = graph === undefined ? null : (parts.get(graph) ?? [])
        if (graph !== undefined && part !== null) parts.set(graph, part)
        last = { tenant, space, part }
      }
      last.part?.push(toTuple(tuple))
    }
    for (const [graph, part] of parts) {
      if (broken.has(graph)) continue
      await graph.load(part).catch((cause: unknown) => void broken.set(graph, cause))
    }
    after = rows.at(-1)?.row ?? after
    if (rows.length < PAGE) break
  }
  const loaded: Loaded[] = []
  for (const { record, models, last } of wanted) {
    const graph = graphs.get(keyOf(placeOf(record)))
    if (graph === undefined) continue
    if (broken.has(graph)) {
      loaded.push({ record, models, graph: sealed(ports, record, broken.get(graph)), seq: last, kept: last })
      continue
    }
    await graph.load([], { revision: revisionOf(last, models.length) })
    loaded.push({ record, models, graph, seq: last, kept: 0 })
  }
  return loaded
}

/** A part of its tuples would answer wrongly, so nothing of the space answers; the others do. */
function sealed(ports: LoadPorts, { id }: RelationSpace, cause: unknown): RelationStore {
  ports.onError(`The relation space ${id} cannot be read; whatever asks it is refused.`, cause)
  const graph = newGraph(id, ports.now)
  graph.seal('the tuples of this relation space cannot be read')
  return graph
}

async function spacesOf(store: Store, tenant: string): Promise<RelationSpace[]> {
  return everyPage((page) => store.relationSpaces.list(tenant, page))
}

async function modelsOf(store: Store, tenant: string, space: string): Promise<RelationModel[]> {
  return everyPage((page) => store.relationModels.find(tenant, 'space', space, page))
}
