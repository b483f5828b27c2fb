/**
 * A library with a running Safeconduct in front: users, an agent, the relations of both, and a retrieval service that
 * is registered as an enforcement point. Keeps its own plain record of who may see what, to check the answers against.
 * @module
 */
import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { readConfig } from '@safeconduct/protocol'
import { createDocuments, type Documents, type Errand } from '@safeconduct/sdk'
import { type Daemon, startDaemon } from 'safeconduct'
import { signInOwner } from '../trading-desk/owner.ts'
import { type Chunk, corpusOf, embed, similarity } from './corpus.ts'
import { type Hit, indexOf, type VectorIndex } from './vector-index.ts'

const MODEL = `model
  schema 1.1
type user
type agent
type team
  relations
    define member: [user, agent]
type collection
  relations
    define reader: [user, agent, team#member]
type document
  relations
    define collection: [collection]
    define withheld: [user, agent]
    define viewer: reader from collection but not withheld
`

export interface Library {
  readonly chunks: readonly Chunk[]
  readonly errand: Errand
  readonly documents: Documents
  /** The best `k` chunks for the question that user and agent may both see. */
  ask(question: string, k: number, between?: () => Promise<void>): Promise<Hit[]>
  /** The same from the plain record, by looking at every chunk. */
  expected(question: string, k: number): Hit[]
  mayRead(who: 'user' | 'agent', collection: string): Promise<void>
  mayNoLongerRead(who: 'user' | 'agent', collection: string): Promise<void>
  withhold(who: 'user' | 'agent', document: string, withheld: boolean): Promise<void>
  isOpen(document: string): boolean
  revokeAgent(): Promise<void>
  close(): Promise<void>
}

export async function openLibrary(count: number, collections: number): Promise<Library> {
  const chunks = corpusOf(count, collections)
  const directory = mkdtempSync(path.join(tmpdir(), 'rag-'))
  const daemon = await startDaemon(
    readConfig({
      SAFECONDUCT_DATA: path.join(directory, 'data'),
      SAFECONDUCT_PORT: '0',
      SAFECONDUCT_LOG_LEVEL: 'error',
    }),
  )
  try {
    return await furnish(daemon, chunks, await indexOf(chunks), directory)
  } catch (error) {
    await daemon.close()
    rmSync(directory, { recursive: true, force: true })
    throw error
  }
}

async function furnish(
  daemon: Daemon,
  chunks: readonly Chunk[],
  index: VectorIndex,
  directory: string,
): Promise<Library> {
  const owner = await signInOwner(daemon.url, daemon.signInLink())
  const secret = `sce_${randomBytes(32).toString('base64url')}`
  await owner.post('/api/v1/enforcers', {
    name: 'retrieval',
    key_digest: `sha256:${createHash('sha256').update(secret).digest('hex')}`,
    scopes: ['documents'],
  })
  const agent = await owner.post<{ id: string }>('/api/v1/agents', { name: 'librarian' })
  const opened = await daemon.authorization.openTask({
    agent: agent.id,
    user: daemon.owner,
    intent: 'Answer my questions from the library.',
    implicit: false,
    details: { type: 'safeconduct_task' },
    expiresAt: Date.now() + 3_600_000,
  })
  const errand: Errand = { user: daemon.owner, agent: agent.id, task: opened.task.id }
  const nameOf = { user: `user:${errand.user}`, agent: `agent:${errand.agent}` }

  await owner.post('/api/v1/relations/model', { dsl: MODEL })
  const write = (writes: object[], deletes: object[] = []) =>
    owner.post('/api/v1/relations/write', { writes, deletes })
  const parents = new Map(chunks.map(({ document, collection }) => [document, collection]))
  const rows = [...parents].map(([document, collection]) => ({
    user: `collection:${collection}`,
    relation: 'collection',
    object: `document:${document}`,
  }))
  for (let from = 0; from < rows.length; from += 1000) await write(rows.slice(from, from + 1000))

  const readers = { user: new Set<string>(), agent: new Set<string>() }
  const withheld = { user: new Set<string>(), agent: new Set<string>() }
  const documents = createDocuments({ issuer: daemon.url, secret })
  const reader = (who: 'user' | 'agent', collection: string) => ({
    user: nameOf[who],
    relation: 'reader',
    object: `collection:${collection}`,
  })
  const isOpen = (document: string) =>
    (['user', 'agent'] as const).every(
      (who) => readers[who].has(parents.get(document) ?? '') && !withheld[who].has(document),
    )

  return {
    chunks,
    errand,
    documents,
    isOpen,
    async ask(question, k, between) {
      const vector = embed(question)
      return documents.topHits({
        ...errand,
        k,
        search: async (count) => {
          const hits = await index.search(vector, count)
          await between?.()
          return hits
        },
        idOf: (hit) => hit.document,
      })
    },
    expected(question, k) {
      const vector = embed(question)
      return chunks
        .filter(({ document }) => isOpen(document))
        .map(({ id, document, embedding }) => ({ id, document, score: similarity(vector, embedding) }))
        .sort((a, b) => b.score - a.score)
        .slice(0, k)
    },
    async mayRead(who, collection) {
      if (readers[who].has(collection)) return
      await write([reader(who, collection)])
      readers[who].add(collection)
    },
    async mayNoLongerRead(who, collection) {
      if (!readers[who].has(collection)) return
      await write([], [reader(who, collection)])
      readers[who].delete(collection)
    },
    async withhold(who, document, on) {
      if (withheld[who].has(document) === on) return
      const row = { user: nameOf[who], relation: 'withheld', object: `document:${document}` }
      await (on ? write([row]) : write([], [row]))
      if (on) withheld[who].add(document)
      else withheld[who].delete(document)
    },
    revokeAgent: async () => {
      await owner.post('/api/v1/revocations', { kind: 'agent', id: agent.id })
    },
    close: async () => {
      await daemon.close()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** Same scores and nothing that is closed; chunks of equal score may stand for each other. */
export function difference(library: Library, found: readonly Hit[], expected: readonly Hit[]): string | null {
  const leaked = found.find(({ document }) => !library.isOpen(document))
  if (leaked !== undefined) return `${leaked.id} of ${leaked.document} leaked`
  if (found.length !== expected.length) return `${found.length} found, ${expected.length} permitted`
  const off = found.findIndex(({ score }, at) => Math.abs(score - (expected[at]?.score ?? -1)) > 1e-5)
  return off < 0 ? null : `hit ${off + 1} is not the best that is permitted`
}
