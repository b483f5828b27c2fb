/**
 * A real embedded vector index (Orama). It knows nothing of permissions and is not trusted with any.
 * @module
 */
import { create, insertMultiple, searchVector } from '@orama/orama'
import { type Chunk, DIMENSIONS } from './corpus.ts'

export interface Hit {
  readonly id: string
  readonly document: string
  readonly score: number
}

export interface VectorIndex {
  /** The best hits, best first; fewer than asked for means that there are no more. */
  search(question: Float32Array, count: number): Promise<readonly Hit[]>
}

export async function indexOf(chunks: readonly Chunk[]): Promise<VectorIndex> {
  const db = create({ schema: { document: 'string', embedding: `vector[${DIMENSIONS}]` } as const })
  // The index keeps what it is given and empties vectors of what it returns, so it gets copies.
  const rows = chunks.map(({ id, document, embedding }) => ({ id, document, embedding: [...embedding] }))
  await insertMultiple(db, rows, 5000)
  return {
    async search(question, count) {
      const { hits } = await searchVector(db, {
        mode: 'vector',
        vector: { value: [...question], property: 'embedding' },
        similarity: -1,
        limit: count,
        includeVectors: false,
      })
      return hits.map(({ id, score, document: { document } }) => ({ id: String(id), document, score }))
    },
  }
}
