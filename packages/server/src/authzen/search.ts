/**
 * Searches, in pages that together are complete. A page looks at so many candidates at most and lets others in between.
 * @module
 */
import { hash } from 'node:crypto'
import { type PreparedSearch, prepareSearch, type StoreAnswer, type StoreSearch } from '@safeconduct/engine'
import {
  canonicalize,
  type JsonObject,
  type JsonValue,
  parseJson,
  SafeconductError,
} from '@safeconduct/protocol'
import { everyPage } from '../every-page.ts'
import { pacer } from '../http/pace.ts'
import { type Actor, askCall } from './agent-call.ts'
import { methodsFor } from './coaz/methods.ts'
import type { PdpPorts } from './ports.ts'
import type { Page } from './schema.ts'

export interface Found {
  readonly results: readonly JsonObject[]
  readonly page: { readonly next_token: string; readonly count: number }
}

/** Results of one page, whatever more is asked for: the token says that there are more. */
const MAX_RESULTS = 1000
/** Candidates looked at for one page. */
const PAGE_WORK = 20_000
/** Time spent on one page, milliseconds: what one candidate costs depends on what is asked. At least one is looked at. */
const PAGE_TIME = 2000

export async function searchStore(
  store: { readonly digest: string; readonly compiled: Parameters<typeof prepareSearch>[0] },
  search: StoreSearch,
  page: Page,
  fits: (answer: StoreAnswer) => boolean,
): Promise<Found> {
  const prepared = prepareSearch(store.compiled, search)
  const binding = bindingOf(store.digest, search)
  const ask = (candidate: string) => {
    const answer = prepared.ask(candidate)
    return answer !== null && fits(answer)
  }
  const { names, next } = await collect(prepared.candidates, ask, binding, page)
  const results = names.map(
    (name): JsonObject => (search.kind === 'action' ? { name } : { type: search.type, id: name }),
  )
  return { results, page: { next_token: next, count: results.length } }
}

/** What an agent may ask for of its own calls: tools and prompts are asked without arguments. */
export async function searchCalls(
  ports: PdpPorts,
  actor: Actor,
  search: StoreSearch,
  page: Page,
): Promise<Found> {
  const candidates = await callCandidates(ports, actor, search)
  const binding = bindingOf(actor.grant.id, search)
  const ask = (candidate: string) => mayCall(ports, actor, search, candidate)
  const { names, next } = await collect(candidates, ask, binding, page)
  const results = names.map(
    (name): JsonObject => (search.kind === 'action' ? { name } : { type: search.type, id: name }),
  )
  return { results, page: { next_token: next, count: results.length } }
}

async function callCandidates(
  ports: PdpPorts,
  { grant, servers }: Actor,
  search: StoreSearch,
): Promise<string[]> {
  switch (search.kind) {
    case 'subject':
      return search.type === 'identity' ? [grant.user ?? grant.agent] : []
    case 'action':
      return methodsFor(search.resource.type)
    case 'resource': {
      if (search.type === 'mcp_server') return grant.audience.slice().sort()
      const [server, ...more] = servers
      if (search.type !== 'tool' || server === undefined || more.length > 0) return []
      const tools = await everyPage((page) => ports.store.tools.find(grant.tenant, 'server', server, page))
      return tools.map(({ name }) => name).sort()
    }
  }
}

async function mayCall(
  ports: PdpPorts,
  actor: Actor,
  search: StoreSearch,
  candidate: string,
): Promise<boolean> {
  const question =
    search.kind === 'subject'
      ? { ...search, subject: { type: search.type, id: candidate } }
      : search.kind === 'resource'
        ? { ...search, resource: { type: search.type, id: candidate } }
        : { ...search, action: { name: candidate } }
  try {
    return (await askCall(ports, actor, question)).decision.outcome === 'allow'
  } catch (error) {
    if (error instanceof SafeconductError && error.code !== 'internal') return false
    throw error
  }
}

async function collect(
  candidates: PreparedSearch['candidates'],
  ask: (candidate: string) => boolean | Promise<boolean>,
  binding: string,
  page: Page,
): Promise<{ readonly names: readonly string[]; readonly next: string }> {
  const limit = Math.min(page?.limit ?? MAX_RESULTS, MAX_RESULTS)
  const names: string[] = []
  let at = startOf(candidates, page?.token, binding)
  const end = Math.min(candidates.length, at + PAGE_WORK)
  const rest = pacer()
  for (; at < end && names.length < limit && rest.spent() < PAGE_TIME; at++) {
    const candidate = candidates[at]
    if (candidate !== undefined && (await ask(candidate))) names.push(candidate)
    await rest.due()
  }
  return { names, next: at < candidates.length ? tokenOf(binding, candidates[at - 1] ?? '') : '' }
}

/** A token names the search, the version of the data, and the last candidate looked at (empty before the first). */
function tokenOf(binding: string, last: string): string {
  return Buffer.from(JSON.stringify([binding, last])).toString('base64url')
}

function bindingOf(revision: string, search: StoreSearch): string {
  const plain: JsonValue = JSON.parse(JSON.stringify(search))
  return hash('sha256', canonicalize([revision, plain])).slice(0, 32)
}

/** @throws `invalid_request` for a token of another search, or of data that has changed since */
function startOf(candidates: readonly string[], token: string | undefined, binding: string): number {
  if (token === undefined || token === '') return 0
  const [of, last] = readToken(token)
  if (of !== binding || last === undefined)
    throw new SafeconductError('invalid_request', {
      message: 'page.token: it belongs to another search, or the data has changed; begin again.',
    })
  let low = 0
  let high = candidates.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((candidates[middle] ?? '') <= last) low = middle + 1
    else high = middle
  }
  return low
}

function readToken(token: string): readonly string[] {
  try {
    const value = parseJson(Buffer.from(token, 'base64url'), { maxLength: 4096, maxDepth: 2 })
    return Array.isArray(value) ? value.map(String) : []
  } catch {
    return []
  }
}
