import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { LedgerError, type LedgerErrorCode } from './errors.ts'
import { decodeBase64, isKeyName, noteSigner, openNote, parseNote, parseVkey, signNote } from './note.ts'
import { newKey } from './testing/fixtures.ts'

const refused = (code: LedgerErrorCode, check: () => unknown) =>
  assert.throws(check, (error) => error instanceof LedgerError && error.code === code)

const alice = noteSigner('alice.example/log', newKey())
const bob = noteSigner('bob.example/witness', newKey())
const TEXT = 'one\n\ntwo\n'

/** The documented example of golang.org/x/mod/sumdb/note. */
const NEUMANN = {
  vkey: 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW',
  note:
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n" +
    '— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n',
}

describe('verifier keys', () => {
  it('round trip', () => {
    const parsed = parseVkey(alice.vkey)
    assert.equal(parsed.name, 'alice.example/log')
    assert.equal(parsed.id, alice.id)
    assert.equal(parsed.vkey, alice.vkey)
  })

  it('refuse every malformed form', () => {
    const [name, hash, key] = alice.vkey.split('+')
    const ecdsa = Buffer.from(decodeBase64(key ?? '') ?? [])
    ecdsa[0] = 2
    const bad = [
      '',
      'name',
      `${name}+${hash}`,
      `+${hash}+${key}`,
      `${name}+${hash?.toUpperCase()}x+${key}`,
      `${name}+00000000+${key}`,
      `${name}+${hash}+`,
      `${name}+${hash}+@@@@`,
      `other+${hash}+${key}`,
      `${name}+${hash}+${key?.slice(0, -4)}`,
      `${name}+${hash}+${ecdsa.toString('base64')}`,
      `na me+${hash}+${key}`,
    ]
    for (const vkey of bad) refused('bad_key', () => parseVkey(vkey))
  })

  it('sign only with Ed25519 private keys and proper names', () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    refused('bad_key', () => noteSigner('a', privateKey))
    refused('bad_key', () => noteSigner('a', alice.publicKey))
    for (const name of ['', 'a b', 'a+b', 'a\u00a0b', 'a\nb', 'a\u0000b', 'a\u2028b', 'a\u0085b']) {
      assert.equal(isKeyName(name), false, JSON.stringify(name))
      refused('bad_key', () => noteSigner(name, newKey()))
    }
  })
})

describe('signed notes', () => {
  it('open the documented example, and not with one letter changed', () => {
    const key = parseVkey(NEUMANN.vkey)
    assert.match(openNote(NEUMANN.note, [key]).text, /^If you think/)
    refused('bad_signature', () => openNote(NEUMANN.note.replace('answer', 'Answer'), [key]))
  })

  it('keep empty lines in the text: the last one separates', () => {
    const note = signNote(TEXT, alice)
    assert.equal(openNote(note, [alice]).text, TEXT)
  })

  it('ignore unknown keys, even with the name or the id of a known one', () => {
    const sameName = noteSigner(alice.name, newKey())
    const { signatures } = parseNote(signNote(TEXT, sameName))
    const sameId = { name: 'mallory', id: alice.id, signature: Buffer.alloc(64) }
    const note = signNote(TEXT, alice, [...signatures, sameId])
    assert.equal(openNote(note, [alice]).signatures.length, 3)
    refused('bad_signature', () => openNote(note, [bob]))
    refused('bad_signature', () => openNote(note, []))
  })

  it('reject the whole note when a known key fails, though another one verifies', () => {
    const forged = { name: bob.name, id: bob.id, signature: Buffer.alloc(64, 1) }
    const note = signNote(TEXT, alice, [forged])
    assert.equal(openNote(note, [alice]).text, TEXT)
    refused('bad_signature', () => openNote(note, [alice, bob]))
  })

  it('accept at least 16 signatures and refuse a flood', () => {
    const witnesses = (n: number) =>
      Array.from({ length: n }, (_, i) => ({ name: `w${i}`, id: i, signature: Buffer.alloc(4627, i) }))
    assert.equal(openNote(signNote(TEXT, alice, witnesses(40)), [alice]).signatures.length, 41)
    refused('bad_note', () => openNote(signNote(TEXT, alice, witnesses(64)), [alice]))
    refused('bad_note', () => parseNote(Buffer.alloc(2 ** 20 + 1, 0x61)))
  })

  it('refuse malformed notes', () => {
    const good = signNote('text\n', alice)
    const line = good.split('\n')[2] ?? ''
    const bad = [
      '',
      'text\n',
      'text\n\n',
      '\n\n',
      `text\n${line}\n`,
      good.slice(0, -1),
      `${good}\n`,
      `${good}x\n`,
      good.replace('—', '-'),
      good.replace('— ', '—  '),
      good.replace(/=*\n$/, '\n'),
      good.replace('\n— ', '\n—\u00a0'),
      `text\r\n\n${line}\n`,
      `te\u0000xt\n\n${line}\n`,
      `text\n\n— a+b AAAAAAA=\n`,
      'text\n\n— a AAAAAA==\n',
      'text\n\n— a\n',
      'text\n\n— a A B\n',
      `${good}${line} \n`,
    ]
    for (const note of bad) refused('bad_note', () => parseNote(note))
    refused('bad_note', () => parseNote(Buffer.concat([Buffer.from([0xff]), Buffer.from(good)])))
    refused('bad_note', () => signNote('no newline', alice))
    refused('bad_note', () => signNote('tab\there\n', alice))
  })

  it('fail on any flipped bit: never another text', () => {
    const good = Buffer.from(signNote(TEXT, alice))
    for (let bit = 0; bit < good.length * 8; bit++) {
      const note = Buffer.from(good)
      const at = Math.floor(bit / 8)
      note.writeUInt8(note.readUInt8(at) ^ (1 << (bit % 8)), at)
      assert.throws(() => openNote(note, [alice]), LedgerError, `bit ${bit}`)
    }
  })

  it('never fail with anything but a LedgerError', () => {
    const pieces = fc.array(fc.oneof(fc.constantFrom('—', ' ', '\n', '\n\n', 'AAAAAAA=', 'a'), fc.string()))
    const input = fc.oneof(
      pieces.map((list) => Buffer.from(list.join(''))),
      fc.uint8Array().map((b) => Buffer.from(b)),
    )
    fc.assert(
      fc.property(input, (bytes) => {
        try {
          const { text, signatures } = parseNote(bytes)
          assert.ok(text.endsWith('\n') && signatures.length > 0)
        } catch (error) {
          assert.ok(error instanceof LedgerError && error.code === 'bad_note', String(error))
        }
      }),
      { numRuns: 500 },
    )
  })
})
