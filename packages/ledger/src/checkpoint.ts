/**
 * @module checkpoint
 * C2SP tlog-checkpoint: the text of a signed note that states origin, tree size and root hash of a log.
 */
import { LedgerError } from './errors.ts'
import { HASH_BYTES } from './merkle/hash.ts'
import { decodeBase64, type NoteSigner, type NoteVerifier, openNote, signNote } from './note.ts'

export interface Checkpoint {
  origin: string
  size: number
  root: Buffer
}

const bad = (why: string) => new LedgerError('bad_checkpoint', `checkpoint: ${why}`)

export function formatCheckpoint({ origin, size, root }: Checkpoint): string {
  return `${origin}\n${size}\n${root.toString('base64')}\n`
}

/** Extension lines are accepted and ignored, as the specification asks. @throws LedgerError `bad_checkpoint` */
export function parseCheckpoint(text: string): Checkpoint {
  if (!text.endsWith('\n')) throw bad('the text does not end in a newline')
  const lines = text.slice(0, -1).split('\n')
  const [origin, digits, base64] = lines
  if (lines.includes('') || !origin || digits === undefined || base64 === undefined) {
    throw bad('it needs an origin, a size and a root, and no empty line')
  }
  if (!/^(0|[1-9][0-9]{0,15})$/.test(digits)) throw bad('the size is not a plain decimal number')
  const size = Number(digits)
  if (!Number.isSafeInteger(size)) throw bad('the size is too large')
  const root = decodeBase64(base64)
  if (root?.length !== HASH_BYTES) throw bad('the root is not the base64 of 32 bytes')
  return { origin, size, root }
}

export function signCheckpoint(checkpoint: Checkpoint, signer: NoteSigner): string {
  return signNote(formatCheckpoint(checkpoint), signer)
}

/**
 * Verifies note, key and origin.
 * @throws LedgerError `bad_note`, `bad_signature`, `bad_checkpoint` or `wrong_origin`
 */
export function openCheckpoint(note: Uint8Array | string, key: NoteVerifier, origin: string): Checkpoint {
  const checkpoint = parseCheckpoint(openNote(note, [key]).text)
  if (checkpoint.origin !== origin) {
    throw new LedgerError('wrong_origin', `the checkpoint is of ${checkpoint.origin}, not of ${origin}`)
  }
  return checkpoint
}
