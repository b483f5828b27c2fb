/**
 * All repositories over one session. Nothing here knows which engine is below.
 * @module
 */
import type { Repositories } from '@safeconduct/engine'
import { COLLECTIONS } from '../records.ts'
import { sqlBlobs } from './blobs.ts'
import { sqlCollection } from './collection.ts'
import { sqlEpochs } from './epochs.ts'
import { sqlOAuth } from './oauth.ts'
import { sqlOutbox } from './outbox.ts'
import { sqlRelations } from './relations.ts'
import { sqlReplay } from './replay.ts'
import type { Session } from './session.ts'

export function sqlRepositories(session: Session): Repositories {
  return {
    users: sqlCollection(session, 'users', COLLECTIONS.users),
    agents: sqlCollection(session, 'agents', COLLECTIONS.agents),
    servers: sqlCollection(session, 'servers', COLLECTIONS.servers),
    tools: sqlCollection(session, 'tools', COLLECTIONS.tools),
    tasks: sqlCollection(session, 'tasks', COLLECTIONS.tasks),
    delegations: sqlCollection(session, 'delegations', COLLECTIONS.delegations),
    approvals: sqlCollection(session, 'approvals', COLLECTIONS.approvals),
    policies: sqlCollection(session, 'policies', COLLECTIONS.policies),
    elevations: sqlCollection(session, 'elevations', COLLECTIONS.elevations),
    ownerRequests: sqlCollection(session, 'ownerRequests', COLLECTIONS.ownerRequests),
    decisions: sqlCollection(session, 'decisions', COLLECTIONS.decisions),
    enforcers: sqlCollection(session, 'enforcers', COLLECTIONS.enforcers),
    policyStores: sqlCollection(session, 'policyStores', COLLECTIONS.policyStores),
    relationSpaces: sqlCollection(session, 'relationSpaces', COLLECTIONS.relationSpaces),
    relationModels: sqlCollection(session, 'relationModels', COLLECTIONS.relationModels),
    relations: sqlRelations(session),
    epochs: sqlEpochs(session),
    oauth: sqlOAuth(session),
    replay: sqlReplay(session),
    blobs: sqlBlobs(session),
    outbox: sqlOutbox(session),
  }
}
