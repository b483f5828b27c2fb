/**
 * The ledger as the engine knows it: its own small error union becomes ours, receipts become JSON.
 * @module
 */
import type { LedgerPort } from '@safeconduct/engine'
import { LedgerError, type LedgerErrorCode, type Log } from '@safeconduct/ledger'
import { type ErrorCode, type JsonObject, SafeconductError } from '@safeconduct/protocol'

const CODES: Partial<Record<LedgerErrorCode, ErrorCode>> = {
  disk_full: 'disk_full',
  queue_full: 'overloaded',
  closed: 'shutting_down',
  too_large: 'too_large',
  out_of_range: 'not_found',
  corrupt_journal: 'ledger_corrupt',
  truncated: 'ledger_corrupt',
  root_mismatch: 'ledger_corrupt',
  corrupt_tile: 'ledger_corrupt',
  corrupt_state: 'ledger_corrupt',
  bad_checkpoint: 'ledger_corrupt',
  wrong_origin: 'ledger_corrupt',
}

/** Messages of the ledger name files and indexes, for an operator; an agent gets the sentence of the code. */
export function fromLedger(thrown: unknown, operator = false): unknown {
  if (!(thrown instanceof LedgerError)) return thrown
  const code = CODES[thrown.code] ?? 'ledger_unavailable'
  return new SafeconductError(code, {
    cause: thrown,
    ...(operator ? { message: `Ledger: ${thrown.message}` } : {}),
  })
}

const CANNOT_RECORD: ReadonlySet<ErrorCode> = new Set(['disk_full', 'ledger_unavailable'])

/** `onRefused` hears of every entry that was refused because nothing can be recorded at the moment. */
export function ledgerPort(
  log: Pick<Log, 'size' | 'append' | 'entries' | 'receipts'>,
  onRefused: () => void = () => undefined,
): LedgerPort {
  return {
    get size() {
      return log.size
    },
    async append(entry, options = {}) {
      try {
        return await log.append(entry, options)
      } catch (thrown) {
        const error = fromLedger(thrown)
        if (!(error instanceof SafeconductError) || CANNOT_RECORD.has(error.code)) onRefused()
        throw error
      }
    },
    async *entries(from, to) {
      for await (const { index, entry, attachment } of log.entries(from, to)) {
        yield { index, entry, attachment: attachment ?? null }
      }
    },
    async receipt(indexes) {
      try {
        // A receipt is made of strings, numbers and arrays already; this only says so to the types.
        return JSON.parse(JSON.stringify(await log.receipts(indexes))) as JsonObject
      } catch (error) {
        throw fromLedger(error)
      }
    },
  }
}
