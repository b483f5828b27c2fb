/**
 * The port of the last start, kept in the data directory: addresses that hosts were given go on working, whether
 * somebody chose it or it was a free one.
 * @module
 */
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'

const FILE = 'port'

/** null when none is remembered, or what is there is no port. */
export function rememberedPort(data: string): string | null {
  try {
    const text = readFileSync(path.join(path.resolve(data), FILE), 'utf8').trim()
    return /^[1-9]\d{0,4}$/.test(text) && Number(text) <= 65_535 ? text : null
  } catch {
    return null
  }
}

/** It is a convenience: where it cannot be written, the next start chooses anew. */
export function rememberPort(data: string, port: number): void {
  try {
    writeFileSync(path.join(path.resolve(data), FILE), `${port}\n`, { mode: 0o600 })
  } catch {
    return
  }
}
