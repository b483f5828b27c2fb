/**
 * For retrieval: of what a search found, what the user and the agent may both use now. Asked by an enforcement point
 * (scope `documents`), which shows a secret; never by the agent itself.
 *
 * A search must not be trusted to respect permissions, and a filter after the search must not cost results: `topHits`
 * asks the search for more until enough of it is permitted.
 * @module
 */

/** On whose errand, and which right. */
export interface Errand {
  /** null for an agent that acts without a user. */
  readonly user: string | null
  readonly agent: string
  readonly task: string
}

export interface DocumentQuestion extends Errand {
  /** Default `document`. */
  readonly type?: string
  /** Default `viewer`. */
  readonly relation?: string
  /** Values of condition parameters. */
  readonly context?: Readonly<Record<string, unknown>>
  /** Another relation space than the one that policies ask. */
  readonly space?: string
  readonly signal?: AbortSignal
}

export interface DocumentsOptions {
  /** Origin of the Safeconduct that decides. */
  readonly issuer: string
  /** What `enforcers add` printed. */
  readonly secret: string
  readonly fetch?: typeof fetch
}

/** What the decision point refuses with. */
export class DocumentsError extends Error {
  override readonly name = 'DocumentsError'
  readonly error: string

  constructor(error: string, message: string) {
    super(message)
    this.error = error
  }
}

export interface Documents {
  /** The permitted ones, in the order given. None when the errand has ended or was revoked. @throws {DocumentsError} */
  filterDocuments(question: DocumentQuestion & { readonly ids: readonly string[] }): Promise<string[]>
  /** Everything that is permitted, as `type:id`, without an end; fetched page by page. @throws {DocumentsError} */
  authorizedIds(question: DocumentQuestion): AsyncGenerator<string, void>
  /**
   * The best `k` permitted hits of a search, in its order. `search` gives its best `count` hits, best first; fewer
   * means that there are no more.
   * @throws {DocumentsError}, and what `search` throws
   */
  topHits<Hit>(
    question: DocumentQuestion & {
      readonly k: number
      readonly search: (count: number) => Promise<readonly Hit[]> | readonly Hit[]
      readonly idOf: (hit: Hit) => string
    },
  ): Promise<Hit[]>
}

/** Ids of one request. */
const PART = 2_000
/** How many hits are asked for at first, for each one wanted; each further time four times as many. */
const FIRST = 4
const GROWTH = 4

export function createDocuments(options: DocumentsOptions): Documents {
  const send = options.fetch ?? fetch

  async function ask(what: string, body: object, signal: AbortSignal | undefined): Promise<Answer> {
    const response = await send(`${options.issuer}/api/v1/documents/${what}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${options.secret}` },
      body: JSON.stringify(body),
      ...(signal === undefined ? {} : { signal }),
    })
    return readAnswer(response.ok, await response.json().catch(() => null))
  }

  async function filterDocuments({ ids, signal, ...errand }: Parameters<Documents['filterDocuments']>[0]) {
    const kept: string[] = []
    for (let from = 0; from < ids.length; from += PART) {
      const part = ids.slice(from, from + PART)
      const answer = await ask('filter', { ...errand, ids: part }, signal)
      if (!answer.alive) return []
      // Nothing is taken for permitted that was not asked about.
      const asked = new Set(part)
      kept.push(...answer.ids.filter((id) => asked.has(id)))
    }
    return kept
  }

  return {
    filterDocuments,
    async *authorizedIds({ signal, ...errand }) {
      let cursor: string | null = null
      do {
        const page = cursor === null ? errand : { ...errand, cursor }
        const answer: Answer = await ask('authorized', page, signal)
        if (!answer.alive) return
        yield* answer.ids
        cursor = answer.cursor
      } while (cursor !== null)
    },
    async topHits({ k, search, idOf, ...question }) {
      const permitted = new Map<string, boolean>()
      for (let count = Math.max(k * FIRST, 1); ; count *= GROWTH) {
        const hits = await search(count)
        const fresh = [...new Set(hits.map(idOf))].filter((id) => !permitted.has(id))
        const open = new Set(await filterDocuments({ ...question, ids: fresh }))
        for (const id of fresh) permitted.set(id, open.has(id))
        const found = hits.filter((hit) => permitted.get(idOf(hit)) === true).slice(0, k)
        if (found.length < k && hits.length >= count) continue
        // What was permitted rounds ago may have been taken back since.
        const ids = [...new Set(found.map(idOf))]
        const still = new Set(await filterDocuments({ ...question, ids }))
        if (ids.every((id) => still.has(id))) return found
        for (const id of ids) if (!still.has(id)) permitted.set(id, false)
        count /= GROWTH
      }
    },
  }
}

interface Answer {
  readonly ids: readonly string[]
  readonly cursor: string | null
  readonly alive: boolean
}

/** Anything that is not plainly a list of ids is nothing. */
function readAnswer(ok: boolean, value: unknown): Answer {
  const given: Record<string, unknown> = Object(value)
  const text = (name: string) => (typeof given[name] === 'string' ? given[name] : null)
  if (!ok)
    throw new DocumentsError(text('error') ?? 'internal', text('message') ?? 'The answer cannot be read.')
  const { ids } = given
  if (!Array.isArray(ids) || !ids.every((id) => typeof id === 'string'))
    throw new DocumentsError('internal', 'The answer cannot be read.')
  return { ids, cursor: text('cursor'), alive: given.alive === true }
}
