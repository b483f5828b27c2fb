/**
 * @module testing/temporary
 * A directory on the real disk that goes away with the test.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import * as path from 'node:path'

/** Disposable: `using directory = temporaryDirectory()`. */
export function temporaryDirectory(): Disposable & { path: string } {
  const directory = mkdtempSync(path.join(tmpdir(), 'safeconduct-ledger-'))
  return {
    path: directory,
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  }
}
