/**
 * A store that forgets everything, for tests. Same semantics as a store on disk, the conformance suite says so:
 * deep copies, versions, tenants apart, transactions one after another and rolled back on throw.
 * @module
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Repositories, Store } from '@safeconduct/engine'
import { SafeconductError } from '@safeconduct/protocol'
import { COLLECTIONS } from '../records.ts'
import { memoryCollection, type Turn } from './collection.ts'
import { createJournal, type Journal } from './journal.ts'
import { memoryBlobs, memoryEpochs, memoryOAuth, memoryOutbox, memoryReplay } from './others.ts'
import { memoryRelations } from './relations.ts'

export interface MemoryStoreOptions {
  /** Milliseconds, for the expiry of authorization-server records. Default: the wall clock. */
  readonly now?: () => number
}

export function createMemoryStore(options: MemoryStoreOptions = {}): Store {
  const journal = createJournal()
  const repositories = memoryRepositories(journal, options.now ?? Date.now)
  const turns = new AsyncLocalStorage<{ open: boolean }>()
  let last: Promise<unknown> = Promise.resolve()
  let closed = false

  function refuseMisuse(): void {
    if (closed) throw new SafeconductError('shutting_down', { message: 'The store is closed.' })
    if (turns.getStore()?.open !== true) return
    throw new SafeconductError('internal', {
      cause: new Error(
        'the store was used inside its own transaction: use the repositories given to the work',
      ),
    })
  }

  /** One after another, in the order of the calls. */
  async function queued<T>(work: () => Promise<T> | T): Promise<T> {
    const mine = last.then(work)
    last = mine.catch(() => undefined)
    return mine
  }

  const outer: Turn = async (work) => {
    refuseMisuse()
    return queued(work)
  }

  async function transaction<T>(work: (t: Repositories) => Promise<T>): Promise<T> {
    const turn = { open: true }
    const inner: Turn = async (operation) => {
      if (turn.open) return operation()
      throw new SafeconductError('internal', { cause: new Error('the transaction has ended') })
    }
    journal.begin()
    try {
      const result = await turns.run(turn, () => work(repositories(inner)))
      journal.commit()
      return result
    } catch (error) {
      journal.rollback()
      throw error
    } finally {
      turn.open = false
    }
  }

  return {
    ...repositories(outer),
    tx: async (work) => {
      refuseMisuse()
      return queued(() => transaction(work))
    },
    close: async () => {
      if (closed) return
      refuseMisuse()
      closed = true
      await last
    },
  }
}

function memoryRepositories(journal: Journal, now: () => number): (turn: Turn) => Repositories {
  const users = memoryCollection(journal, COLLECTIONS.users)
  const agents = memoryCollection(journal, COLLECTIONS.agents)
  const servers = memoryCollection(journal, COLLECTIONS.servers)
  const tools = memoryCollection(journal, COLLECTIONS.tools)
  const tasks = memoryCollection(journal, COLLECTIONS.tasks)
  const delegations = memoryCollection(journal, COLLECTIONS.delegations)
  const approvals = memoryCollection(journal, COLLECTIONS.approvals)
  const policies = memoryCollection(journal, COLLECTIONS.policies)
  const elevations = memoryCollection(journal, COLLECTIONS.elevations)
  const ownerRequests = memoryCollection(journal, COLLECTIONS.ownerRequests)
  const decisions = memoryCollection(journal, COLLECTIONS.decisions)
  const enforcers = memoryCollection(journal, COLLECTIONS.enforcers)
  const policyStores = memoryCollection(journal, COLLECTIONS.policyStores)
  const relationSpaces = memoryCollection(journal, COLLECTIONS.relationSpaces)
  const relationModels = memoryCollection(journal, COLLECTIONS.relationModels)
  const relations = memoryRelations(journal)
  const epochs = memoryEpochs(journal, now)
  const oauth = memoryOAuth(journal, now)
  const replay = memoryReplay(journal)
  const blobs = memoryBlobs(journal)
  const outbox = memoryOutbox(journal)
  return (turn) => ({
    users: users(turn),
    agents: agents(turn),
    servers: servers(turn),
    tools: tools(turn),
    tasks: tasks(turn),
    delegations: delegations(turn),
    approvals: approvals(turn),
    policies: policies(turn),
    elevations: elevations(turn),
    ownerRequests: ownerRequests(turn),
    decisions: decisions(turn),
    enforcers: enforcers(turn),
    policyStores: policyStores(turn),
    relationSpaces: relationSpaces(turn),
    relationModels: relationModels(turn),
    relations: relations(turn),
    epochs: epochs(turn),
    oauth: oauth(turn),
    replay: replay(turn),
    blobs: blobs(turn),
    outbox: outbox(turn),
  })
}
