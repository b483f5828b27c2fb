/**
 * Text that nobody wrote: chunks of documents in collections, made from a seed, and embeddings that are cheap and the
 * same everywhere (words hashed into a vector). Good enough to rank; nothing here is about quality of answers.
 * @module
 */
export const DIMENSIONS = 32
/** Chunks of one document. */
const CHUNKS = 20

export interface Chunk {
  readonly id: string
  readonly document: string
  readonly collection: string
  readonly text: string
  readonly embedding: Float32Array
}

const WORDS = (
  'margin fee hedge swap repo bond equity future option ledger audit clause notice lease tenant claim premium carbon ' +
  'freight vessel cargo tariff quota patent licence royalty merger escrow covenant default rating tranche coupon yield ' +
  'desk client mandate limit breach report quarter budget forecast payroll pension grant donor trial dose cohort'
).split(' ')

/** mulberry32: small, fast and the same on every machine. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

const pick = <T>(from: readonly T[], random: () => number): T => {
  const found = from[Math.floor(random() * from.length)]
  if (found === undefined) throw new RangeError('there is nothing to pick from')
  return found
}

/** Of unit length; the products of two of them are between 0 and 1. */
export function embed(text: string): Float32Array {
  const vector = new Float32Array(DIMENSIONS)
  for (const word of text.split(' ')) {
    let hash = 2_166_136_261
    for (let at = 0; at < word.length; at++) hash = Math.imul(hash ^ word.charCodeAt(at), 16_777_619)
    const first = (hash >>> 0) % DIMENSIONS
    const second = (hash >>> 9) % DIMENSIONS
    vector[first] = (vector[first] ?? 0) + 1
    vector[second] = (vector[second] ?? 0) + 0.5 + (hash & 0xff) / 512
  }
  let sum = 0
  for (const value of vector) sum += value * value
  const length = Math.sqrt(sum)
  return vector.map((value) => value / length)
}

export function similarity(a: Float32Array, b: Float32Array): number {
  let sum = 0
  for (let at = 0; at < a.length; at++) sum += (a[at] ?? 0) * (b[at] ?? 0)
  return sum
}

export function corpusOf(count: number, collections: number, seed = 1): Chunk[] {
  const random = randomOf(seed)
  const chunks: Chunk[] = []
  for (let at = 0; at < count; at++) {
    const document = Math.floor(at / CHUNKS)
    const topic = [WORDS[document % WORDS.length], WORDS[(document * 7) % WORDS.length]]
    const words = Array.from({ length: 9 }, () =>
      random() < 0.35 ? pick(topic, random) : pick(WORDS, random),
    )
    const text = words.join(' ')
    chunks.push({
      id: `chunk-${at}`,
      document: `doc-${document}`,
      collection: `col-${document % collections}`,
      text,
      embedding: embed(text),
    })
  }
  return chunks
}

export function questionOf(random: () => number): string {
  return Array.from({ length: 3 }, () => pick(WORDS, random)).join(' ')
}
