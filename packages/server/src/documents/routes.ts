/**
 * For retrieval: which of the hits an errand may use, and everything that it may use.
 * @module
 */
import { isJsonObject, type JsonObject, SafeconductError } from '@safeconduct/protocol'
import { RelationsError } from '@safeconduct/relations'
import * as z from 'zod'
import type { AdminPorts } from '../admin/ports.ts'
import type { LiveSpace, RelationService } from '../fga/ports.ts'
import { type Caller, type Route, route } from '../http/route.ts'
import { authorizedPage, filterIds, subjectsOf, type Wanted } from './authorized.ts'
import { type Parties, partiesOf } from './errand.ts'

export interface DocumentPorts extends AdminPorts {
  readonly relations: RelationService
}

const MAX_IDS = 10_000
const name = z.string().min(1).max(254)
const context = z.custom<JsonObject>(isJsonObject as (value: unknown) => boolean, 'must be an object')
const errand = {
  /** null for an agent that acts without a user. */
  user: z.string().min(1).max(256).nullable(),
  agent: z.string().min(1).max(256),
  task: z.string().min(1).max(256),
}
const wanted = {
  type: name.default('document'),
  relation: name.default('viewer'),
  context: context.optional(),
  /** Another relation space than the one that policies ask. */
  space: z.string().max(64).optional(),
}
const filterBody = z.strictObject({ ...errand, ...wanted, ids: z.array(z.string().max(512)).max(MAX_IDS) })
const pageBody = z.strictObject({
  ...errand,
  ...wanted,
  limit: z.int().min(1).max(1000).default(1000),
  cursor: z.string().max(8192).optional(),
})

export function documentRoutes(ports: DocumentPorts): Route[] {
  /** null = the errand is dead, and nothing is open to it. */
  async function ask(
    caller: Caller,
    tenant: string,
    body: z.infer<typeof pageBody> | z.infer<typeof filterBody>,
  ): Promise<{ readonly space: LiveSpace; readonly parties: Parties | null }> {
    requireScope(caller)
    const space =
      body.space === undefined
        ? ports.relations.policySpace(tenant)
        : ports.relations.space(tenant, body.space)
    if (space === null || space.models.length === 0)
      throw new SafeconductError('not_found', { message: 'There is no relation space with a model to ask.' })
    const parties = await partiesOf(ports, tenant, body)
    if (parties !== null) await requireKnown(space, parties, body)
    return { space, parties }
  }

  return [
    route({
      method: 'POST',
      path: '/api/v1/documents/filter',
      who: 'asker',
      lean: true,
      summary:
        'Of these documents those that user and agent may both use now; none when the errand was revoked.',
      body: filterBody,
      handle: async ({ caller, tenant, body }) => {
        const { space, parties } = await ask(caller, tenant, body)
        if (parties === null) return { ids: [], alive: false, revision: space.graph.revision }
        const ids = await filterIds(space.graph, parties, body, body.ids)
        // Revoked meanwhile counts, too: what is returned now is used from now on.
        const still = (await partiesOf(ports, tenant, body)) !== null
        return { ids: still ? ids : [], alive: still, revision: space.graph.revision }
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/documents/authorized',
      who: 'asker',
      lean: true,
      summary: 'Everything that user and agent may both use, page by page; a page may be short.',
      body: pageBody,
      handle: async ({ caller, tenant, body, signal }) => {
        const { space, parties } = await ask(caller, tenant, body)
        const { revision } = space.graph
        if (parties === null) return { ids: [], cursor: null, alive: false, revision }
        try {
          const { limit, cursor } = body
          const page = await authorizedPage(space.graph, parties, body, { limit, cursor, signal })
          const still = (await partiesOf(ports, tenant, body)) !== null
          return still
            ? { ...page, alive: true, revision: space.graph.revision }
            : { ids: [], cursor: null, alive: false, revision }
        } catch (error) {
          if (error instanceof RelationsError)
            throw new SafeconductError('invalid_params', { message: error.message, cause: error })
          throw error
        }
      },
    }),
  ]
}

/**
 * What the model does not know is open to nobody; whoever asks for it is told, rather than given nothing for ever.
 * @throws `invalid_params`
 */
async function requireKnown(
  { graph }: LiveSpace,
  parties: Parties,
  { type, relation }: Wanted,
): Promise<void> {
  try {
    for (const user of subjectsOf(parties)) await graph.listObjects({ type, relation, user, candidates: [] })
  } catch (error) {
    if (!(error instanceof RelationsError)) throw error
    throw new SafeconductError('invalid_params', { message: error.message, cause: error })
  }
}

/** @throws `insufficient_scope`, `forbidden` */
function requireScope(caller: Caller): void {
  if (caller.kind === 'owner' || caller.kind === 'local') return
  if (caller.kind !== 'enforcer')
    throw new SafeconductError('forbidden', { message: 'Only a registered enforcement point may.' })
  if (!caller.enforcer.scopes.includes('documents'))
    throw new SafeconductError('insufficient_scope', { message: 'This needs the scope documents.' })
}
