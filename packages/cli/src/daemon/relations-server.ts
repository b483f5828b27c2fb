/**
 * The deployment's own relations server, when its configuration names one.
 * @module
 */
import type { RelationFacts, RelationQuestion } from '@safeconduct/engine'
import { type Config, SafeconductError } from '@safeconduct/protocol'
import {
  createGuardedFetch,
  createOpenFgaDriver,
  createSpiceDbDriver,
  fetchFacts,
  type RelationDriver,
} from '@safeconduct/server'

export interface RelationsServer {
  /** Never rejects: what cannot be had is missing, and whoever asks denies. */
  fetch(tenant: string, questions: readonly RelationQuestion[]): Promise<RelationFacts>
  close(): Promise<void>
}

const MAX_ANSWER = 8 * 1024 * 1024
/** The call waits for it. */
const TIMEOUT_MS = 2_000

/** null = relations live here. @throws {SafeconductError} `invalid_request` for a configuration that is not whole */
export function openRelationsServer(
  config: Config,
  now: () => number,
  warn: (text: string) => void,
): RelationsServer | null {
  const kind = config.SAFECONDUCT_RELATIONS
  if (kind === 'local') return null
  const url = config.SAFECONDUCT_RELATIONS_URL
  const store = config.SAFECONDUCT_RELATIONS_STORE
  if (url === undefined || (kind === 'openfga' && store === undefined))
    throw new SafeconductError('invalid_request', {
      message: `SAFECONDUCT_RELATIONS=${kind} needs SAFECONDUCT_RELATIONS_URL${kind === 'openfga' ? ' and SAFECONDUCT_RELATIONS_STORE' : ''}.`,
    })
  // The operator names this server, and it is mostly a private one.
  const fetch = createGuardedFetch({ allowPrivate: true, maxBytes: MAX_ANSWER, timeout: TIMEOUT_MS })
  const remote = { fetch, url: url.replace(/\/+$/, ''), token: config.SAFECONDUCT_RELATIONS_TOKEN ?? null }
  const driver: RelationDriver =
    kind === 'spicedb' ? createSpiceDbDriver(remote) : createOpenFgaDriver({ ...remote, store: store ?? '' })
  return {
    async fetch(_tenant, questions) {
      try {
        return await fetchFacts(driver, questions, `${kind}@${now()}`)
      } catch (error) {
        warn(`Relations could not be fetched: ${error instanceof Error ? error.message : 'unknown'}`)
        return fetchFacts(driver, [], `${kind}-unavailable`)
      }
    },
    close: () => fetch.close(),
  }
}
