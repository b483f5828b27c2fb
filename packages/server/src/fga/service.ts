/**
 * Relation spaces in memory, and the only way to change them. Writes of one space follow each other: looked at, put on
 * disk together with the event that tells of them, then applied in one turn. Whoever asks sees all of a write or nothing.
 *
 * Owns the graphs and a timer; `close` ends it.
 * @module
 */
import { hash } from 'node:crypto'
import type { RelationFacts, Repositories } from '@safeconduct/engine'
import {
  isJsonArray,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  type RelationModel,
  type RelationSpace,
  type RelationTuple,
  SafeconductError,
} from '@safeconduct/protocol'
import type { Change, RelationStore } from '@safeconduct/relations'
import { catchUp, loadSpaces, newGraph, placeOf, revisionOf } from './load.ts'
import type { RelationPorts, RelationService } from './ports.ts'
import { ulidOf } from './ulid.ts'

const MAX_SPACES = 1000
const SWEEP_MS = 60_000
/** Changes after which the graph is kept anew, so that a crash costs a bounded catching up. */
const KEEP_EVERY = 200_000

interface Space {
  record: RelationSpace
  models: RelationModel[]
  readonly graph: RelationStore
  seq: number
  /** `seq` of the graph in the file. */
  kept: number
  queue: Promise<unknown>
}

/** What is kept and not accepted any more is quarantined and told. @throws what the store throws */
export async function openRelations(
  ports: RelationPorts,
  tenants: readonly string[],
): Promise<RelationService> {
  const { store, clock, ids, files } = ports
  const now = () => clock.now()
  const spaces = new Map<string, Space>()
  const keyOf = (tenant: string, id: string) => JSON.stringify([tenant, id])
  for (const loaded of await loadSpaces({ ...ports, now }, tenants)) {
    const { tenant, id } = loaded.record
    spaces.set(keyOf(tenant, id), { ...loaded, queue: Promise.resolve() })
    for (const model of loaded.graph.quarantined)
      ports.onError(
        `The model ${model.id} of the relation space ${id} is quarantined: ${model.why.message}.`,
        model.why,
      )
  }
  let closing = false

  const ofTenant = (tenant: string) => [...spaces.values()].filter(({ record }) => record.tenant === tenant)
  const policyOf = (tenant: string) => ofTenant(tenant).find(({ record }) => record.role === 'policy') ?? null

  function find(tenant: string, id: string): Space {
    const space = spaces.get(keyOf(tenant, id))
    if (space === undefined)
      throw new SafeconductError('not_found', { message: 'There is no such relation space.' })
    return space
  }

  /** One after another; what fails holds up nobody. */
  function inTurn<T>(space: Space, work: () => Promise<T>): Promise<T> {
    if (closing) return Promise.reject(new SafeconductError('shutting_down'))
    const mine = space.queue.then(work)
    space.queue = mine.catch(() => undefined)
    return mine
  }

  async function recorded<T>(event: JsonObject, tenant: string, work: (t: Repositories) => Promise<T>) {
    const result = await store.tx(async (t) => {
      const done = await work(t)
      await t.outbox.add(tenant, ids.next(), { ...event, at: clock.now() })
      return done
    })
    ports.onRecorded()
    return result
  }

  function factsOf(tenant: string): RelationFacts | null {
    const space = policyOf(tenant)
    if (space === null || space.models.length === 0) return null
    const { graph } = space
    return {
      get revision() {
        return graph.revision
      },
      check: (user, relation, object) => graph.checkNow({ user, relation, object }),
      relationsOf: (type) => relationsOf(space.models.at(-1), type),
      types: () => typesOf(space.models.at(-1)).map(({ type }) => String(type)),
    }
  }

  const tell = (tenant: string) => ports.onFacts(tenant, factsOf(tenant))

  /** Planned against the graph, then on disk, then in the graph. Nothing else changes the graph meanwhile. */
  async function carry(space: Space, planned: readonly Change[], by: string): Promise<string> {
    if (planned.length === 0) return space.graph.revision
    const { tenant, id } = space.record
    const deletes = planned.filter(({ operation }) => operation === 'delete').map(({ tuple }) => tuple)
    const writes = planned.filter(({ operation }) => operation === 'write').map(({ tuple }) => toRow(tuple))
    const event = {
      event: 'relations.written',
      space: id,
      writes: writes.length,
      deletes: deletes.length,
      digest: digestOf(planned),
      by,
    }
    try {
      const seq = await recorded(event, tenant, (t) =>
        t.relations.write(placeOf(space.record), { writes, deletes, at: clock.now() }),
      )
      const revision = revisionOf(seq, space.models.length)
      space.graph.apply(planned.map((change) => ({ ...change, revision })))
      space.seq = seq
    } catch (error) {
      // A failure need not mean that nothing was kept: the store is asked what it has.
      space.seq = await catchUp(store, space.record, space.models.length, space.graph, space.seq)
      throw error
    }
    if (space.seq - space.kept > KEEP_EVERY) await keep(space)
    return space.graph.revision
  }

  async function keep(space: Space): Promise<void> {
    try {
      await files.write(space.record.id, space.graph.snapshot(String(space.seq)))
      space.kept = space.seq
    } catch (cause) {
      ports.onError(`The graph of the relation space ${space.record.id} could not be kept.`, cause)
    }
  }

  async function sweep(): Promise<void> {
    for (const space of spaces.values()) {
      if (space.graph.sealed !== undefined) continue
      await inTurn(space, () => carry(space, space.graph.planExpired(), 'expiry')).catch((cause: unknown) => {
        if (!closing) ports.onError('Ended relations could not be removed.', cause)
      })
    }
  }

  async function shut(): Promise<void> {
    closing = true
    clearInterval(timer)
    for (const space of spaces.values()) {
      await space.queue
      if (space.graph.size.tuples > 0 && space.kept !== space.seq) await keep(space)
    }
  }

  const timer = setInterval(() => void sweep(), SWEEP_MS)
  timer.unref()
  let closed: Promise<void> | null = null
  for (const tenant of tenants) tell(tenant)

  return {
    spaces: (tenant) => ofTenant(tenant).sort((a, b) => (a.record.id < b.record.id ? -1 : 1)),
    space: find,
    policySpace: policyOf,
    async create(tenant, name, by) {
      if (ofTenant(tenant).length >= MAX_SPACES)
        throw new SafeconductError('conflict', {
          message: `There are ${MAX_SPACES} relation spaces already.`,
        })
      const id = ulidOf(ids.next())
      const at = clock.now()
      const role = policyOf(tenant) === null ? 'policy' : 'other'
      const record: RelationSpace = { tenant, id, version: 1, name, role, createdAt: at, updatedAt: at }
      const space: Space = {
        record,
        models: [],
        graph: newGraph(id, now),
        seq: 0,
        kept: 0,
        queue: Promise.resolve(),
      }
      // Taken at once: two first spaces cannot both be the one that policies ask.
      spaces.set(keyOf(tenant, id), space)
      try {
        await recorded({ event: 'relations.space.created', space: id, role, by }, tenant, (t) =>
          t.relationSpaces.insert(record),
        )
      } catch (error) {
        spaces.delete(keyOf(tenant, id))
        throw error
      }
      tell(tenant)
      return record
    },
    async remove(tenant, id, by) {
      const space = find(tenant, id)
      await inTurn(space, async () => {
        if (space.record.role === 'policy' && ofTenant(tenant).length > 1)
          throw new SafeconductError('conflict', {
            message: 'Policies ask this relation space; make another one the policy space first.',
          })
        await recorded({ event: 'relations.space.removed', space: id, by }, tenant, async (t) => {
          for (const model of space.models) await t.relationModels.remove(tenant, model.id)
          await t.relations.remove(placeOf(space.record))
          await t.relationSpaces.remove(tenant, id)
        })
        spaces.delete(keyOf(tenant, id))
        tell(tenant)
        await files.remove(id)
      })
    },
    async makePolicy(tenant, id, by) {
      const space = find(tenant, id)
      const before = policyOf(tenant)
      if (before === space) return space.record
      const next = (one: Space, role: RelationSpace['role']): RelationSpace => ({
        ...one.record,
        role,
        version: one.record.version + 1,
      })
      const record = next(space, 'policy')
      const retired = before === null ? null : next(before, 'other')
      await recorded({ event: 'relations.policy-space', space: id, by }, tenant, async (t) => {
        if (retired !== null) await t.relationSpaces.replace(retired)
        await t.relationSpaces.replace(record)
      })
      space.record = record
      if (before !== null && retired !== null) before.record = retired
      tell(tenant)
      return record
    },
    async writeModel(tenant, id, source, by, rank = 'check') {
      const space = find(tenant, id)
      const { dsl, definition } = await ports.checks.as(rank).model(source)
      return inTurn(space, async () => {
        if (space.graph.sealed !== undefined) throw space.graph.sealed
        const version = ulidOf(ids.next())
        if (space.models.length >= space.graph.limits.maxModels)
          throw new SafeconductError('conflict', {
            message: `A relation space has at most ${space.graph.limits.maxModels} model versions.`,
          })
        const at = clock.now()
        const model: RelationModel = {
          tenant,
          id: version,
          version: 1,
          space: id,
          definition,
          dsl,
          createdAt: at,
          assertions: [],
        }
        const record = { ...space.record, version: space.record.version + 1, updatedAt: at }
        const digest = `sha256:${hash('sha256', dsl, 'hex')}`
        await recorded(
          { event: 'relations.model', space: id, model: version, digest, by },
          tenant,
          async (t) => {
            await t.relationModels.insert(model)
            await t.relationSpaces.replace(record)
          },
        )
        space.graph.writeModel(dsl, { id: version, checked: true })
        space.models = [...space.models, model]
        space.record = record
        if (record.role === 'policy') tell(tenant)
        return model
      })
    },
    async putAssertions(tenant, id, model, assertions) {
      const space = find(tenant, id)
      await inTurn(space, async () => {
        const known = space.models.find((one) => one.id === model)
        if (known === undefined)
          throw new SafeconductError('not_found', { message: 'There is no such model version.' })
        const changed = { ...known, version: known.version + 1, assertions }
        await store.relationModels.replace(changed)
        space.models = space.models.map((one) => (one.id === model ? changed : one))
      })
    },
    write(tenant, id, { writes, deletes, options }, by) {
      const space = find(tenant, id)
      return inTurn(space, () => carry(space, space.graph.plan(writes, deletes, options), by))
    },
    writtenAt: (tenant, id, keys) => store.relations.writtenAt(placeOf(find(tenant, id).record), keys),
    changes: (tenant, id, query) => store.relations.changes(placeOf(find(tenant, id).record), query),
    facts: factsOf,
    sweep,
    close() {
      closed ??= shut()
      return closed
    },
  }
}

/** null when the model has no such type. */
function relationsOf(model: RelationModel | undefined, type: string): readonly string[] | null {
  const found = typesOf(model).find((one) => one.type === type)
  if (found === undefined) return null
  return Object.keys(isJsonObject(found.relations) ? found.relations : {})
}

function typesOf(model: RelationModel | undefined): JsonObject[] {
  const types = model?.definition.type_definitions
  return isJsonArray(types ?? null) ? (types as JsonValue[]).filter(isJsonObject) : []
}

function toRow({ object, relation, user, condition, expiresAt }: Change['tuple']): RelationTuple {
  return {
    object,
    relation,
    user,
    condition:
      condition === undefined
        ? null
        : { name: condition.name, context: JSON.parse(JSON.stringify(condition.context ?? {})) },
    expiresAt: expiresAt ?? null,
  }
}

function digestOf(changes: readonly Change[]): string {
  const lines = changes.map(({ operation, tuple }) => JSON.stringify([operation, toRow(tuple)]))
  return `sha256:${hash('sha256', lines.join('\n'), 'hex')}`
}
