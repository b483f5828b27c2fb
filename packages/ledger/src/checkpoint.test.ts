import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { formatCheckpoint, openCheckpoint, parseCheckpoint, signCheckpoint } from './checkpoint.ts'
import { LedgerError, type LedgerErrorCode } from './errors.ts'
import { noteSigner, signNote } from './note.ts'
import { newKey, ORIGIN } from './testing/fixtures.ts'

const refused = (code: LedgerErrorCode, check: () => unknown) =>
  assert.throws(check, (error) => error instanceof LedgerError && error.code === code)

const ROOT = 'CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I='
const signer = noteSigner(ORIGIN, newKey())

describe('checkpoints', () => {
  it('parse the example of tlog-checkpoint', () => {
    const { origin, size, root } = parseCheckpoint(`example.com/behind-the-sofa\n20852163\n${ROOT}\n`)
    assert.deepEqual(
      [origin, size, root.toString('base64')],
      ['example.com/behind-the-sofa', 20_852_163, ROOT],
    )
  })

  it('round trip, signed', () => {
    const sizes = fc.nat({ max: Number.MAX_SAFE_INTEGER })
    fc.assert(
      fc.property(sizes, fc.uint8Array({ minLength: 32, maxLength: 32 }), (size, bytes) => {
        const checkpoint = { origin: ORIGIN, size, root: Buffer.from(bytes) }
        assert.deepEqual(openCheckpoint(signCheckpoint(checkpoint, signer), signer, ORIGIN), checkpoint)
      }),
      { numRuns: 20 },
    )
  })

  it('ignore extension lines, and refuse every malformed text', () => {
    assert.equal(parseCheckpoint(`o\n1\n${ROOT}\nextension\n`).size, 1)
    const bad = [
      '',
      '\n',
      `o\n1\n${ROOT}`,
      `\n1\n${ROOT}\n`,
      `o\n01\n${ROOT}\n`,
      `o\n-1\n${ROOT}\n`,
      `o\n1.0\n${ROOT}\n`,
      `o\n99999999999999999\n${ROOT}\n`,
      `o\n9007199254740992\n${ROOT}\n`,
      'o\n1\nAAAA\n',
      `o\n1\n${ROOT}=\n`,
      `o\n1\n\n${ROOT}\n`,
      `o\n1\n${ROOT}\n\next\n`,
      'o\n1\n',
      `o\n١\n${ROOT}\n`,
    ]
    for (const text of bad) refused('bad_checkpoint', () => parseCheckpoint(text))
  })

  it('refuse another origin, another key and a note that is no checkpoint', () => {
    const root = Buffer.alloc(32)
    const other = signNote(formatCheckpoint({ origin: 'other.example', size: 1, root }), signer)
    refused('wrong_origin', () => openCheckpoint(other, signer, ORIGIN))
    const stranger = noteSigner(ORIGIN, newKey())
    refused('bad_signature', () =>
      openCheckpoint(signCheckpoint({ origin: ORIGIN, size: 1, root }, stranger), signer, ORIGIN),
    )
    refused('bad_checkpoint', () => openCheckpoint(signNote('hello\n', signer), signer, ORIGIN))
  })
})
