/**
 * Directories that live as long as a test file.
 * @module
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'

/** A fresh directory (0700), removed when the tests of the calling file or suite are done. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'safeconduct-store-'))
  after(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}
