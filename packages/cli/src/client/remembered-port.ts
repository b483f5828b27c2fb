/**
 * The port that was taken because another program had the usual one, kept in the data directory: addresses that hosts
 * were given go on working.
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
export function rememberPort(data: string, url: unknown): void {
  const port = typeof url === 'string' && URL.canParse(url) ? new URL(url).port : ''
  if (port === '') return
  try {
    writeFileSync(path.join(path.resolve(data), FILE), `${port}\n`, { mode: 0o600 })
  } catch {
    return
  }
}
