/**
 * The recorded decisions of a window, one after the other, opened with the keys of their subjects. Holds one record at a
 * time.
 * @module
 */
import { isJsonObject, parseJson } from '@safeconduct/protocol'
import type { Keyring, LedgerPort, Store } from '../../ports.ts'
import { type Attachment, decodeAttachment } from '../../record/attachment.ts'
import { type ReadEntry, readEntry } from '../../record/entry.ts'
import { agentSubject, type Pseudonyms } from '../../record/pseudonyms.ts'
import { checkAttachment, subjectOf, subjectsOf } from '../../record/replay.ts'
import { type ReplayWindow, spanOf } from './window.ts'

export interface RecordPorts {
  readonly store: Store
  readonly ledger: LedgerPort
  readonly keyring: Keyring
  readonly pseudonyms: Pseudonyms
}

export type IntentRecord = Extract<Attachment, { readonly type: 'intent' }>

export type Found =
  | { readonly type: 'decision'; readonly index: number; readonly record: IntentRecord }
  /** A decision whose record nobody can open any more. */
  | { readonly type: 'erased' }
  /** A decision whose record is of no format known here. */
  | { readonly type: 'unknown' }
  /** Refusals beyond an agent's quota: counted together, without records of their own. */
  | { readonly type: 'coalesced'; readonly count: number }
  /** Something else, or none of the window. */
  | { readonly type: 'passed'; readonly index: number }

/** @throws {SafeconductError} `ledger_corrupt` when a record is not the one its entry names */
export async function* recordsOf(
  ports: RecordPorts,
  tenant: string,
  window: ReplayWindow,
): AsyncGenerator<Found> {
  const { ledger, pseudonyms, keyring } = ports
  const names = await subjectsOf(ports, tenant)
  let caller: string | null = null
  if (window.agent !== undefined) {
    await pseudonyms.ready(tenant, [agentSubject(window.agent)])
    caller = pseudonyms.of(tenant, agentSubject(window.agent))
  }
  const span = await spanOf(ports, tenant, window)
  if (span.first >= span.end) return
  for await (const { index, entry, attachment } of ledger.entries(span.first, span.end)) {
    if (!concerns(entry)) {
      yield { type: 'passed', index }
      continue
    }
    const read = readEntry(entry)
    if (read === null || read.tenant !== tenant) continue
    if (span.isPast(read)) return
    if (read.type === 'refusals' && span.includes(read)) {
      const flood = floodOf(entry)
      if (caller === null || flood.agent === caller) yield { type: 'coalesced', count: flood.count }
    } else if (!isWanted(read) || !span.includes(read)) yield { type: 'passed', index }
    else {
      checkAttachment(read, attachment)
      const subject = subjectOf(read, names)
      const sealed = subject === null ? null : attachment
      const opened = sealed === null || subject === null ? null : await keyring.open(tenant, subject, sealed)
      const record = opened === null ? null : decodeAttachment(opened)
      if (opened === null) yield { type: 'erased' }
      else if (record?.type !== 'intent') yield { type: 'unknown' }
      else yield { type: 'decision', index, record }
    }
  }

  function isWanted({ type, chain }: ReadEntry): boolean {
    return type === 'intent' && (caller === null || chain?.agent === caller)
  }
}

const KINDS = ['intent', 'refusals'].map((type) => Buffer.from(`"type":"${type}"`))

/** Half of a ledger is outcomes: they are told by their bytes. A quote inside a value is escaped, so no value looks so. */
function concerns(entry: Uint8Array): boolean {
  const bytes = Buffer.from(entry.buffer, entry.byteOffset, entry.byteLength)
  return KINDS.some((kind) => bytes.includes(kind))
}

function floodOf(entry: Uint8Array): { readonly agent: string | null; readonly count: number } {
  const value = parseJson(entry)
  if (!isJsonObject(value) || !isJsonObject(value.counts)) return { agent: null, count: 0 }
  let count = 0
  for (const each of Object.values(value.counts)) if (typeof each === 'number') count += each
  return { agent: typeof value.agent === 'string' ? value.agent : null, count }
}
