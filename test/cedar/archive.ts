/**
 * Reads the shared Cedar vectors straight out of their archives (ustar, gzip).
 *
 * @module
 */

import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'

/** Text of each file by its path in the archive. Decoded on demand: the corpus is 139 MB. */
export type Archive = ReadonlyMap<string, Buffer>

const BLOCK = 512

/** The folder of shared vectors, or `undefined` when it is not beside this checkout. */
export function sharedCedarVectors(): string | undefined {
  const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..')
  const shared = process.env.SAFECONDUCT_SHARED ?? path.join(root, '..', 'shared')
  const folder = path.join(shared, 'vectors', 'cedar')
  return existsSync(folder) ? folder : undefined
}

export function readArchive(file: string): Archive {
  const bytes = gunzipSync(readFileSync(file))
  const files = new Map<string, Buffer>()
  let at = 0
  while (at + BLOCK <= bytes.length && bytes[at] !== 0) {
    const header = bytes.subarray(at, at + BLOCK)
    const name = field(header, 0, 100)
    const prefix = field(header, 345, 155)
    const size = Number.parseInt(field(header, 124, 12).trim(), 8)
    const type = String.fromCharCode(header[156] ?? 0)
    if (type === '0' || type === '\0') {
      const full = prefix === '' ? name : `${prefix}/${name}`
      files.set(full.replace(/^\.\//, ''), bytes.subarray(at + BLOCK, at + BLOCK + size))
    }
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK
  }
  return files
}

export function textOf(archive: Archive, name: string): string {
  const bytes = archive.get(name)
  if (bytes === undefined) throw new Error(`${name} is not in the archive`)
  return bytes.toString('utf8')
}

function field(header: Buffer, start: number, length: number): string {
  const bytes = header.subarray(start, start + length)
  const end = bytes.indexOf(0)
  return bytes.subarray(0, end < 0 ? length : end).toString('utf8')
}
