import assert from 'node:assert/strict'
import * as fs from 'node:fs'
import * as path from 'node:path'
import { after, before, describe, it } from 'node:test'
import fc from 'fast-check'
import { signCheckpoint } from './checkpoint.ts'
import { openLog } from './log.ts'
import { noteSigner } from './note.ts'
import type { Receipt } from './receipt.ts'
import { entryOf, newKey, ORIGIN, SMALL } from './testing/fixtures.ts'
import { temporaryDirectory } from './testing/temporary.ts'
import { describeVerdict, runVerifier, verifyDirectory, verifyReceipt } from './verify.ts'

const key = newKey()
const temporary = temporaryDirectory()
const directory = path.join(temporary.path, 'log')
let receipt: Receipt
let olderNote: string
let vkey: string

before(async () => {
  const log = await openLog({ directory, origin: ORIGIN, key, ...SMALL })
  await Promise.all(
    Array.from({ length: 300 }, (_, i) => log.append(entryOf(i, 200), { attachment: entryOf(i, 20) })),
  )
  olderNote = (await log.publish()).note
  await Promise.all(Array.from({ length: 300 }, (_, i) => log.append(entryOf(300 + i, 200))))
  receipt = await log.receipts([5, 599])
  vkey = log.vkey
  await log.close()
})
after(() => temporary[Symbol.dispose]())

/** Runs `check` on a copy of the log in which one file was changed. */
function tampered<T>(name: string, change: (content: Buffer) => Buffer, check: (copy: string) => T): T {
  using copy = temporaryDirectory()
  fs.cpSync(directory, copy.path, { recursive: true })
  const file = path.join(copy.path, name)
  fs.writeFileSync(file, change(fs.readFileSync(file)))
  return check(copy.path)
}

const flip = (bit: number) => (content: Buffer) => {
  const at = Math.floor(bit / 8)
  content.writeUInt8(content.readUInt8(at) ^ (1 << (bit % 8)), at)
  return content
}

const code = (result: { ok: true } | { ok: false; code: string }) => (result.ok ? 'ok' : result.code)

describe('verifyReceipt', () => {
  it('accepts what the log gave out, as text or parsed', () => {
    for (const form of [receipt, JSON.stringify(receipt), JSON.stringify(receipt, undefined, 2)]) {
      const result = verifyReceipt(form, { vkey })
      assert.ok(result.ok)
      assert.equal(result.keyFrom, 'given')
      assert.equal(result.size, 600)
      assert.deepEqual(result.entries, [
        { index: 5, entry: entryOf(5, 200) },
        { index: 599, entry: entryOf(599, 200) },
      ])
    }
  })

  it('says whose key it used', () => {
    const result = verifyReceipt(receipt)
    assert.ok(result.ok && result.keyFrom === 'receipt')
    assert.match(describeVerdict(result), /CAUTION.*the key was taken from the receipt itself/)
    assert.doesNotMatch(describeVerdict(verifyReceipt(receipt, { vkey })), /CAUTION/)
  })

  it('fails for any flipped bit, with the key given or not', () => {
    const good = Buffer.from(JSON.stringify({ ...receipt, entries: receipt.entries.slice(0, 1) }))
    assert.ok(verifyReceipt(good.toString(), { vkey }).ok)
    for (let bit = 0; bit < good.length * 8; bit++) {
      const text = flip(bit)(Buffer.from(good)).toString()
      assert.equal(verifyReceipt(text, { vkey }).ok, false, `bit ${bit}`)
      assert.equal(verifyReceipt(text).ok, false, `bit ${bit}, own key`)
    }
  })

  it('names the reason', () => {
    const entry = receipt.entries[0] ?? assert.fail('no entry')
    const stranger = noteSigner(ORIGIN, newKey())
    const forged = signCheckpoint({ origin: ORIGIN, size: 600, root: Buffer.alloc(32) }, stranger)
    const with1 = (change: object) => ({ ...receipt, entries: [{ ...entry, ...change }] })
    const cases: [unknown, string][] = [
      ['', 'malformed'],
      ['['.repeat(100_000), 'malformed'],
      [null, 'malformed'],
      [[receipt], 'malformed'],
      [{ ...receipt, version: 2 }, 'malformed'],
      [{ ...receipt, extra: 1 }, 'malformed'],
      [{ ...receipt, entries: [] }, 'malformed'],
      [{ ...receipt, entries: Array.from({ length: 257 }, () => entry) }, 'malformed'],
      [{ ...receipt, entries: {} }, 'malformed'],
      [{ ...receipt, origin: 'other.example' }, 'wrong_origin'],
      [{ ...receipt, origin: 7 }, 'malformed'],
      [{ ...receipt, checkpoint: 'hello\n' }, 'malformed'],
      [{ ...receipt, checkpoint: forged }, 'bad_signature'],
      [{ ...receipt, checkpoint: olderNote }, 'bad_proof'],
      [with1({ index: 6 }), 'bad_proof'],
      [with1({ index: 600 }), 'bad_proof'],
      [with1({ index: -1 }), 'malformed'],
      [with1({ index: '5' }), 'malformed'],
      [with1({ index: 2 ** 53 }), 'malformed'],
      [with1({ entry: entryOf(6, 200).toString('base64') }), 'bad_proof'],
      [with1({ entry: `${entry.entry}\n` }), 'malformed'],
      [with1({ proof: entry.proof.slice(1) }), 'bad_proof'],
      [with1({ proof: [...entry.proof, entry.proof[0]] }), 'bad_proof'],
      [with1({ proof: entry.proof.toReversed() }), 'bad_proof'],
      [with1({ proof: Array.from({ length: 65 }, () => entry.proof[0]) }), 'malformed'],
      [with1({ proof: ['AAAA'] }), 'malformed'],
      [with1({ extra: true }), 'malformed'],
      [{ ...receipt, vkey: stranger.vkey }, 'bad_key'],
    ]
    for (const [input, expected] of cases) {
      assert.equal(code(verifyReceipt(input, { vkey })), expected, JSON.stringify(input)?.slice(0, 200))
    }
    assert.equal(code(verifyReceipt(receipt, { vkey: stranger.vkey })), 'bad_key')
    assert.equal(code(verifyReceipt(receipt, { vkey: 'nonsense' })), 'bad_key')
  })

  it('never throws', () => {
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), fc.string(), fc.anything()), (input) => {
        assert.equal(verifyReceipt(input).ok, false)
      }),
    )
    const member = fc.constantFrom('version', 'origin', 'vkey', 'checkpoint', 'entries')
    fc.assert(
      fc.property(member, fc.jsonValue(), (name, value) => {
        const result = verifyReceipt({ ...receipt, [name]: value })
        assert.equal(result.ok, JSON.stringify(value) === JSON.stringify({ ...receipt }[name]))
      }),
    )
  })
})

describe('verifyDirectory', () => {
  it('re-hashes everything and reports what it saw', () => {
    const result = verifyDirectory(directory, { vkey, since: [olderNote] })
    assert.ok(result.ok, describeVerdict(result))
    assert.deepEqual([result.size, result.bundles, result.tiles, result.extends], [600, 3, 4, [300]])
    assert.deepEqual(result.journal, { segments: 2, entries: 600, attachments: 300, tornBytes: 0 })
    assert.match(describeVerdict(result), /consistent {2}with the checkpoint of size 300/)
  })

  it('takes the key beside the log, and says so; without any key it fails', () => {
    const result = verifyDirectory(directory)
    assert.ok(result.ok && result.keyFrom === 'directory')
    assert.match(describeVerdict(result), /CAUTION/)
    using copy = temporaryDirectory()
    fs.cpSync(directory, copy.path, { recursive: true })
    fs.rmSync(path.join(copy.path, 'log.vkey'))
    assert.equal(code(verifyDirectory(copy.path)), 'no_key')
    assert.equal(code(verifyDirectory(copy.path, { vkey })), 'ok')
  })

  it('accepts a published copy without journal, also when partials gave way to full tiles', () => {
    using copy = temporaryDirectory()
    fs.cpSync(directory, copy.path, { recursive: true })
    for (const name of ['journal', 'signing']) fs.rmSync(path.join(copy.path, name), { recursive: true })
    fs.writeFileSync(path.join(copy.path, 'checkpoint'), olderNote)
    const result = verifyDirectory(copy.path, { vkey })
    assert.ok(result.ok, describeVerdict(result))
    assert.equal(result.size, 300)
    assert.equal(result.journal, undefined)
  })

  it('fails for a flipped bit in any file that it checks', () => {
    const expected: Record<string, RegExp> = {
      checkpoint: /malformed|bad_signature|wrong_origin/,
      signing: /malformed|root_mismatch|missing/,
      'tile/0/000': /corrupt_tile/,
      'tile/0/002.p/88': /corrupt_tile/,
      'tile/1/000.p/2': /corrupt_tile/,
      'tile/entries/001': /corrupt_tile/,
      'tile/entries/002.p/88': /corrupt_tile/,
      'journal/0000000000000000.seg': /corrupt_journal/,
    }
    for (const [name, reason] of Object.entries(expected)) {
      const used = name.startsWith('journal') ? 60_000 : fs.statSync(path.join(directory, name)).size
      fc.assert(
        fc.property(fc.nat(used * 8 - 1), (bit) => {
          const result = tampered(name, flip(bit), (copy) => verifyDirectory(copy, { vkey }))
          assert.match(code(result), reason, `${name}, bit ${bit}`)
        }),
        { numRuns: 6 },
      )
    }
  })

  it('fails for a signing state of another version', () => {
    const other = (content: Buffer) => Buffer.from(content.toString().replace('"version":1', '"version":9'))
    assert.equal(code(tampered('signing', other, (copy) => verifyDirectory(copy, { vkey }))), 'malformed')
  })

  it('fails when a file is missing, naming it', () => {
    for (const name of [
      'checkpoint',
      'tile/0/001',
      'tile/entries/000',
      'tile/1/000.p/2',
      'journal/0000000000000000.seg',
    ]) {
      using copy = temporaryDirectory()
      fs.cpSync(directory, copy.path, { recursive: true })
      fs.rmSync(path.join(copy.path, name))
      const result = verifyDirectory(copy.path, { vkey })
      assert.ok(!result.ok)
      assert.match(result.code, /missing|corrupt_journal/)
      if (name.startsWith('tile')) assert.ok(result.message.includes(name), result.message)
    }
  })

  it('fails for a checkpoint that the log does not extend', () => {
    const fork = signCheckpoint(
      { origin: ORIGIN, size: 300, root: Buffer.alloc(32, 1) },
      noteSigner(ORIGIN, key),
    )
    assert.equal(code(verifyDirectory(directory, { vkey, since: [fork] })), 'root_mismatch')
    const later = signCheckpoint(
      { origin: ORIGIN, size: 601, root: Buffer.alloc(32, 1) },
      noteSigner(ORIGIN, key),
    )
    assert.equal(code(verifyDirectory(directory, { vkey, since: [later] })), 'missing')
    assert.equal(code(verifyDirectory(directory, { vkey, since: ['hello'] })), 'malformed')
  })

  it('reports an unfinished batch at the end and does not fail for it', () => {
    const last = fs
      .readdirSync(path.join(directory, 'journal'))
      .filter((name) => name.endsWith('.seg'))
      .sort()
      .at(-1)
    const result = tampered(
      `journal/${last}`,
      (content) => Buffer.concat([content.subarray(0, -1), Buffer.of(1)]),
      (copy) => verifyDirectory(copy, { vkey }),
    )
    assert.ok(result.ok && (result.journal?.tornBytes ?? 0) > 0)
    assert.match(describeVerdict(result), /unfinished batch/)
  })
})

describe('runVerifier', () => {
  const file = (name: string, content: string) => {
    const where = path.join(temporary.path, name)
    fs.writeFileSync(where, content)
    return where
  }

  it('verifies receipts and directories, in words and as JSON', () => {
    const good = file('receipt.json', JSON.stringify(receipt))
    const keyFile = file('key', `${vkey}\n`)
    const older = file('older', olderNote)
    assert.deepEqual(runVerifier([good, '--vkey', vkey]).exitCode, 0)
    assert.match(
      runVerifier([good, '--vkey', keyFile]).output,
      /^VERIFIED receipt of log log\.example\/test\n/,
    )
    const json = JSON.parse(runVerifier([good, '--json']).output)
    assert.equal(json.ok, true)
    assert.equal(json.entries[0].entry, entryOf(5, 200).toString('base64'))
    const whole = runVerifier([directory, '--vkey', vkey, '--since', older, '--since', good])
    assert.equal(whole.exitCode, 0)
    assert.match(whole.output, /size 300\n.*size 600/)
  })

  it('exits with 1 and the reason when something does not hold', () => {
    const bad = file('bad.json', JSON.stringify({ ...receipt, origin: 'evil\u001b[2J\u202e' }))
    const { exitCode, output } = runVerifier([bad])
    assert.equal(exitCode, 1)
    assert.match(output, /^FAILED \(wrong_origin\)/)
    assert.deepEqual(JSON.parse(runVerifier([bad, '--json']).output).code, 'wrong_origin')
    assert.equal(runVerifier([path.join(temporary.path, 'none')]).exitCode, 1)
    assert.equal(runVerifier([directory, '--since', path.join(temporary.path, 'none')]).exitCode, 1)
  })

  it('prints nothing that could steer a terminal', () => {
    const name = 'evil\u001b[2Jé'
    const result = describeVerdict({ ok: false, code: 'missing', message: name })
    assert.equal(result, 'FAILED (missing): evil\\u001b[2J\\u00e9\n')
  })

  it('exits with 2 and its usage when the arguments make no sense', () => {
    for (const argv of [[], ['a', 'b'], ['--vkey'], ['a', '--since'], ['a', '--what'], ['--json']]) {
      assert.deepEqual(runVerifier(argv).exitCode, 2, argv.join(' '))
    }
  })
})
