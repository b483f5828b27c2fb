/**
 * @module signing-state
 * The size and root that the log may sign next, persisted and synced before each signature. After a crash it is the
 * floor that the journal must reach, with exactly this root: so no size is ever signed with two roots.
 */
import * as path from 'node:path'
import { LedgerError } from './errors.ts'
import { type Files, replaceFile } from './files.ts'
import { HASH_BYTES } from './merkle/hash.ts'
import { decodeBase64 } from './note.ts'

export interface SigningState {
  origin: string
  size: number
  root: Buffer
}

const NAME = 'signing'
const MAX_BYTES = 8192

export async function writeSigningState(files: Files, directory: string, state: SigningState): Promise<void> {
  const json = { version: 1, origin: state.origin, size: state.size, root: state.root.toString('base64') }
  await replaceFile(files, path.join(directory, NAME), Buffer.from(`${JSON.stringify(json)}\n`))
}

/** Undefined when there is none. @throws LedgerError `corrupt_state` */
export async function readSigningState(files: Files, directory: string): Promise<SigningState | undefined> {
  const file = path.join(directory, NAME)
  const bytes = await files.read(file, MAX_BYTES)
  if (bytes === undefined) return undefined
  const state = parse(bytes.toString())
  if (state === undefined)
    throw new LedgerError('corrupt_state', `${file} is not a signing state of version 1`)
  return state
}

function parse(text: string): SigningState | undefined {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof json !== 'object' || json === null) return undefined
  const { version, origin, size, root }: Partial<Record<string, unknown>> = { ...json }
  if (version !== 1 || typeof origin !== 'string' || typeof root !== 'string') return undefined
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) return undefined
  const hash = decodeBase64(root)
  return hash?.length === HASH_BYTES ? { origin, size, root: hash } : undefined
}
