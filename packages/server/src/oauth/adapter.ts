/**
 * Storage of the authorization-server library over our own store. What must not be stolen from a disk (codes, refresh
 * tokens, request URIs) is kept under its hash; what may be used once is claimed atomically; agents are its clients.
 * @module
 */
import { hash } from 'node:crypto'
import type { JsonObject } from '@safeconduct/protocol'
import { type Adapter, type AdapterPayload, errors } from 'oidc-provider'
import { agentMetadata, MAX_CLIENT_ID } from './clients.ts'
import { delegationOf, dropLineage } from './lineage.ts'
import type { Context } from './options.ts'
import { claimOnce } from './replay.ts'
import { revoke } from './revoke.ts'
import { createTransient, type Transient } from './transient.ts'

/** Found by a value that is the credential itself. */
const SECRET_IDS = new Set(['AuthorizationCode', 'RefreshToken', 'PushedAuthorizationRequest'])
const IN_MEMORY = new Set(['Session', 'Interaction'])
/** Longest life of a proof or assertion that the library accepts, and then some; milliseconds. */
const REPLAY_MEMORY = 20 * 60_000
/** A client that registered itself and that nobody consented to is forgotten after this, milliseconds. */
const UNUSED_CLIENT_LIFETIME = 24 * 60 * 60_000

/** The library asks for one adapter per model. */
export function createAdapterFactory(context: Context): (model: string) => Adapter {
  return (model) => {
    if (IN_MEMORY.has(model)) return memoryAdapter(context, createTransient())
    if (model === 'Client') return clientAdapter(context)
    if (model === 'ReplayDetection') return replayAdapter(context)
    return recordAdapter(context, model)
  }
}

function toPayload(record: JsonObject): AdapterPayload {
  return record as unknown as AdapterPayload
}

function toRecord(payload: AdapterPayload): JsonObject {
  return JSON.parse(JSON.stringify(payload)) as JsonObject
}

async function nothing(): Promise<undefined> {
  return undefined
}

const UNUSED = { findByUserCode: nothing, findByUid: nothing, consume: nothing, revokeByGrantId: nothing }

function recordAdapter(context: Context, model: string): Adapter {
  const { oauth } = context.store
  const secret = SECRET_IDS.has(model)
  const keyOf = (id: string) => (secret ? hash('sha256', `${model}:${id}`, 'base64url') : id)
  return {
    async upsert(id, payload, expiresIn) {
      const { jti: _credential, ...rest } = payload
      const record = toRecord(secret ? rest : payload)
      const expiresAt = expiresIn === undefined ? null : context.clock.now() + expiresIn * 1000
      await oauth.upsert(model, keyOf(id), record, expiresAt)
    },
    async find(id) {
      const record = await oauth.find(model, keyOf(id))
      return record === null ? undefined : toPayload(secret ? { ...record, jti: id } : record)
    },
    findByUid: nothing,
    findByUserCode: nothing,
    async consume(id) {
      // The library reads, checks and then consumes; two at once would both pass the check. Only one passes here.
      const record = await oauth.find(model, keyOf(id))
      const now = context.clock.now()
      const end = Math.max(now, typeof record?.exp === 'number' ? record.exp * 1000 : 0) + REPLAY_MEMORY
      if (!(await claimOnce(context, `consume:${model}:${keyOf(id)}`, end))) {
        throw new errors.InvalidGrant('it was used already')
      }
      await oauth.consume(model, keyOf(id), now)
    },
    async destroy(id) {
      await oauth.destroy(model, keyOf(id))
      if (model === 'Grant') await grantGone(context, id)
    },
    async revokeByGrantId(grantId) {
      await oauth.revokeByGrantId(model, grantId)
    },
  }
}

/**
 * The library destroys a grant when its refresh token is revoked, or a code or refresh token is used twice. Tokens
 * issued under it are not stored anywhere, so their delegation is revoked.
 */
async function grantGone(context: Context, grantId: string): Promise<void> {
  const delegation = await delegationOf(context, grantId)
  if (delegation === null) return
  await revoke(context, { tenant: context.tenant, kind: 'delegation', id: delegation, by: 'oauth' })
  await dropLineage(context, grantId)
}

function memoryAdapter(context: Context, kept: Transient): Adapter {
  const found = (record: JsonObject | null) => (record === null ? undefined : toPayload(record))
  return {
    ...UNUSED,
    async upsert(id, payload, expiresIn = 600) {
      kept.set(id, toRecord(payload), context.clock.now() + expiresIn * 1000)
    },
    find: async (id) => found(kept.get(id, context.clock.now())),
    findByUid: async (uid) => found(kept.find('uid', uid, context.clock.now())),
    destroy: async (id) => kept.delete(id),
  }
}

/** The library looks and then writes; looking is made the claim, so that only one of two lookers finds nothing. */
function replayAdapter(context: Context): Adapter {
  return {
    ...UNUSED,
    upsert: nothing,
    destroy: nothing,
    async find(id) {
      const expiresAt = context.clock.now() + REPLAY_MEMORY
      if (await claimOnce(context, id, expiresAt)) return undefined
      return { jti: id, kind: 'ReplayDetection', exp: Math.floor(expiresAt / 1000) }
    },
  }
}

function clientAdapter(context: Context): Adapter {
  const { agents, oauth } = context.store
  return {
    ...UNUSED,
    async find(id) {
      if (id.length > MAX_CLIENT_ID) return undefined
      const agent = await agents.get(context.tenant, id)
      if (agent?.status === 'disabled') return undefined
      // A metadata document is fetched anew by the library; what is stored of it is what the person saw.
      if (agent?.registration === 'cimd') return undefined
      if (agent !== null && agent.registration !== 'dcr') {
        const metadata = agentMetadata(agent)
        return metadata === null ? undefined : toPayload(metadata)
      }
      const record = await oauth.find('Client', id)
      return record === null ? undefined : toPayload(record)
    },
    async upsert(id, payload) {
      const expiresAt = context.clock.now() + UNUSED_CLIENT_LIFETIME
      await oauth.upsert('Client', id, toRecord(payload), expiresAt)
    },
    destroy: (id) => oauth.destroy('Client', id),
  }
}

/** After consent the registration of a client stays. */
export async function keepClient(oauth: Context['store']['oauth'], id: string): Promise<void> {
  const record = await oauth.find('Client', id)
  if (record !== null) await oauth.upsert('Client', id, record, null)
}
