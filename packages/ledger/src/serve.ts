/**
 * @module serve
 * The files of a log as HTTP resources (C2SP tlog-tiles). Only what `parseLogPath` accepts reaches the disk, so no request
 * leaves the directory or sees the journal. The caller asks for auditor rights where `kind` is `entries`.
 */
import * as path from 'node:path'
import type { Files } from './files.ts'
import { HASH_BYTES, MAX_ENTRY_BYTES } from './merkle/hash.ts'
import { MAX_NOTE_BYTES } from './note.ts'
import { parseLogPath, TILE_WIDTH, tilePath } from './tiles.ts'

export interface PublicFile {
  kind: 'checkpoint' | 'tile' | 'entries'
  contentType: string
  /** Never changes once served: may be cached for long. */
  immutable: boolean
  body: Buffer
}

const binary = { contentType: 'application/octet-stream', immutable: true } as const

/** `name` is relative to the log's prefix, such as `tile/0/000.p/5`. Undefined when it is no such resource. */
export async function readPublicFile(
  files: Files,
  directory: string,
  name: string,
): Promise<PublicFile | undefined> {
  const parsed = parseLogPath(name)
  if (parsed === undefined) return undefined
  if (parsed.kind === 'checkpoint') {
    const body = await files.read(path.join(directory, 'checkpoint'), MAX_NOTE_BYTES)
    const contentType = 'text/plain; charset=utf-8'
    return body && { kind: 'checkpoint', contentType, immutable: false, body }
  }
  const limit = TILE_WIDTH * (parsed.kind === 'tile' ? HASH_BYTES : 2 + MAX_ENTRY_BYTES)
  const body = await files.read(path.join(directory, tilePath(parsed.tile)), limit)
  return body && { kind: parsed.kind, ...binary, body }
}
