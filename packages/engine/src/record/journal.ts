/**
 * Writes to the ledger what turns have done. Every method builds and seals its record and hands it to the ledger before
 * it returns, so the order of entries is the order of turns; the promise is kept once the entry is durable.
 * @module
 */
import type { CallRequest, CallResult, Decision, ErrorCode, JsonObject } from '@safeconduct/protocol'
import type { EngineEvent } from '../events.ts'
import type { KeptQuestion } from '../policy/try/question.ts'
import type { Keyring, LedgerPort } from '../ports.ts'
import type { TenantState } from '../state.ts'
import { type Attachment, encodeAttachment, keptRequest, slim } from './attachment.ts'
import {
  bytesDigest,
  type Chain,
  controlEntry,
  intentEntry,
  outcomeEntry,
  type PolicyFacts,
  refusalsEntry,
} from './entry.ts'
import { agentSubject, type Pseudonyms, TENANT_SUBJECT, userSubject } from './pseudonyms.ts'
import type { Flood } from './refusals.ts'
import { createSalts } from './salts.ts'

/** Whoever is named in a call's records. */
export interface Parties {
  readonly tenant: string
  readonly agent: string
  readonly user: string | null
  readonly via: readonly string[]
}

export interface Journal {
  /** Loads every key that records about these parties need. */
  ready(parties: Parties): Promise<void>
  /** Loads the key of records that belong to no subject. */
  readyTenant(tenant: string): Promise<void>
  intent(
    tenant: TenantState,
    request: CallRequest,
    decision: Decision,
    events: readonly EngineEvent[],
    question: KeptQuestion | null,
  ): Promise<{ readonly index: number }>
  outcome(
    tenant: TenantState,
    call: { readonly id: string; readonly at: number; readonly parties: Parties },
    result: Omit<CallResult, 'text' | 'structured'>,
    events: readonly EngineEvent[],
  ): Promise<{ readonly index: number }>
  /** `event` is what the attachment says happened; `events` what it did to the live state. */
  control(
    tenant: TenantState,
    event: { readonly id: string; readonly at: number; readonly kind: string; readonly body: JsonObject },
    events: readonly EngineEvent[],
    policy?: PolicyFacts,
  ): Promise<{ readonly index: number }>
  refusals(flood: Flood, id: string, at: number): Promise<{ readonly index: number }>
}

export function partiesOf({ grant }: CallRequest): Parties {
  return { tenant: grant.tenant, agent: grant.agent, user: grant.user, via: grant.via }
}

/** Records are sealed for the user; for the agent when it acts for nobody. */
export function sealedFor({ agent, user }: Pick<Parties, 'agent' | 'user'>): string {
  return user === null ? agentSubject(agent) : userSubject(user)
}

export function createJournal(ports: {
  readonly ledger: LedgerPort
  readonly keyring: Keyring
  readonly pseudonyms: Pseudonyms
}): Journal {
  const { ledger, keyring, pseudonyms } = ports
  const nextSalt = createSalts()

  function chainOf({ tenant, agent, user, via }: Parties): Chain {
    return {
      agent: pseudonyms.of(tenant, agentSubject(agent)),
      user: user === null ? null : pseudonyms.of(tenant, userSubject(user)),
      via: via.map((id) => pseudonyms.of(tenant, agentSubject(id))),
    }
  }

  function seal(tenant: string, subject: string, attachment: Attachment): Uint8Array {
    return keyring.seal(tenant, subject, encodeAttachment(attachment))
  }

  return {
    async ready({ tenant, agent, user, via }) {
      const subjects = [agent, ...via].map(agentSubject)
      if (user !== null) subjects.push(userSubject(user))
      await pseudonyms.ready(tenant, subjects)
      await keyring.ready(tenant, sealedFor({ agent, user }))
    },

    readyTenant: (tenant) => keyring.ready(tenant, TENANT_SUBJECT),

    async intent(tenant, request, decision, events, question) {
      const parties = partiesOf(request)
      const subject = sealedFor(parties)
      const salt = nextSalt()
      const seq = ++tenant.live.seq
      const attachment = seal(parties.tenant, subject, {
        type: 'intent',
        seq,
        salt,
        request: keptRequest(request),
        decision,
        events: slim(events),
        question,
      })
      const entry = intentEntry(request, decision, {
        chain: chainOf(parties),
        salt,
        attachmentDigest: bytesDigest(attachment),
      })
      return ledger.append(entry, { attachment, class: 'ordinary' })
    },

    async outcome({ live, tenant }, { id, at, parties }, result, events) {
      const seq = ++live.seq
      const subject = sealedFor(parties)
      const salt = nextSalt()
      const attachment = seal(tenant, subject, { type: 'outcome', seq, salt, result, events })
      const chain = chainOf(parties)
      const digests = { salt, attachmentDigest: bytesDigest(attachment) }
      return ledger.append(outcomeEntry({ id, at, tenant, chain }, result, digests), {
        attachment,
        class: 'essential',
      })
    },

    async control({ live, tenant }, { id, at, kind, body }, events, policy) {
      const seq = ++live.seq
      const attachment = seal(tenant, TENANT_SUBJECT, { type: 'control', seq, event: body, events })
      const entry = controlEntry({ id, tenant, at, kind }, bytesDigest(attachment), policy)
      return ledger.append(entry, { attachment, class: 'essential' })
    },

    async refusals({ tenant, agent, since, counts }, id, at) {
      const name = agent === '' ? '' : pseudonyms.of(tenant, agentSubject(agent))
      const total: Partial<Record<ErrorCode, number>> = { ...counts }
      return ledger.append(refusalsEntry({ id, tenant, at, since, agent: name, counts: total }), {
        class: 'ordinary',
      })
    },
  }
}
