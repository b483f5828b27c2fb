/**
 * @module receipt
 * What somebody keeps as proof: entries, their inclusion proofs and one signed checkpoint, as JSON. It verifies offline
 * with `verify.ts` and nothing else.
 */
import type { NoteVerifier } from './note.ts'
import type { SignedCheckpoint } from './publisher.ts'

export const MAX_RECEIPT_ENTRIES = 256

export interface ReceiptEntry {
  index: number
  /** Base64 of the entry, the leaf's exact bytes. */
  entry: string
  /** Base64 of the hashes of the audit path, leaf side first (RFC 6962 §2.1.1). */
  proof: string[]
}

export interface Receipt {
  version: 1
  origin: string
  /** The verifier key of the log (C2SP signed-note). Proves nothing by itself: compare it with one from elsewhere. */
  vkey: string
  /** The signed note that all proofs lead to. */
  checkpoint: string
  entries: ReceiptEntry[]
}

export interface ProvenEntry {
  index: number
  entry: Uint8Array
  proof: readonly Uint8Array[]
}

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')

export function makeReceipt(
  key: NoteVerifier,
  checkpoint: SignedCheckpoint,
  entries: readonly ProvenEntry[],
): Receipt {
  return {
    version: 1,
    origin: checkpoint.origin,
    vkey: key.vkey,
    checkpoint: checkpoint.note,
    entries: entries.map(({ index, entry, proof }) => ({
      index,
      entry: base64(entry),
      proof: proof.map(base64),
    })),
  }
}
