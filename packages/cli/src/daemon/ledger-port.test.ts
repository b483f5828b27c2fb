import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LedgerError, type LedgerErrorCode } from '@safeconduct/ledger'
import { fromLedger, ledgerPort } from './ledger-port.ts'

function failing(error: unknown) {
  let refused = 0
  const nothing = () => Promise.reject(error)
  const log = { size: 0, append: nothing, receipts: nothing, entries: () => assert.fail() }
  const port = ledgerPort(log, () => {
    refused += 1
  })
  return { port, refused: () => refused }
}

describe('the ledger as the engine sees it', () => {
  it('has errors of our own, without the names of files', async () => {
    const error = new LedgerError('corrupt_journal', '/home/ada/data/journal.1: byte 12')
    const { port } = failing(error)
    for (const work of [port.append(new Uint8Array()), port.receipt([0])]) {
      await assert.rejects(work, (thrown) => {
        assert.doesNotMatch(JSON.stringify(thrown), /ada/)
        return Object(thrown).code === 'ledger_corrupt'
      })
    }
    assert.match(Object(fromLedger(error, true)).message, /byte 12/, 'an operator is told where')
  })

  it('tells when nothing can be recorded, and not when one entry or one moment is at fault', async () => {
    const cases: [LedgerErrorCode, number][] = [
      ['disk_full', 1],
      ['poisoned', 1],
      ['io_error', 1],
      ['queue_full', 0],
      ['too_large', 0],
      ['closed', 0],
    ]
    for (const [code, times] of cases) {
      const { port, refused } = failing(new LedgerError(code, 'x'))
      await assert.rejects(port.append(new Uint8Array()))
      assert.equal(refused(), times, code)
    }
  })
})
