import assert from 'node:assert/strict'
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryDirectory } from '../testing/temporary.ts'
import { loadRootKey } from './root-key.ts'

test('is made once, random, for this user alone, with nothing left beside it', () => {
  const directory = temporaryDirectory()
  const key = loadRootKey(directory)
  assert.equal(key.length, 32)
  assert.notDeepEqual(key, new Uint8Array(32))
  assert.deepEqual(loadRootKey(directory), key)
  assert.equal(statSync(join(directory, 'keys')).mode & 0o777, 0o700)
  assert.equal(statSync(join(directory, 'keys', 'root.key')).mode & 0o777, 0o600)
  assert.deepEqual(readdirSync(join(directory, 'keys')), ['root.key'])
  assert.notDeepEqual(loadRootKey(temporaryDirectory()), key)
})

test('is refused, never repaired, when its mode, size, owner or kind is wrong', () => {
  const directory = temporaryDirectory()
  loadRootKey(directory)
  const file = join(directory, 'keys', 'root.key')
  const refused = (why: RegExp) =>
    assert.throws(() => loadRootKey(directory), { code: 'invalid_request', message: why })
  for (const mode of [0o644, 0o640, 0o604, 0o660, 0o700, 0o601]) {
    chmodSync(file, mode)
    refused(/must have mode 600/)
    assert.equal(statSync(file).mode & 0o777, mode)
  }
  chmodSync(file, 0o600)
  for (const length of [0, 31, 33, 64]) {
    writeFileSync(file, new Uint8Array(length))
    refused(/must hold exactly 32 bytes/)
    assert.equal(statSync(file).size, length)
  }
  if (process.getuid?.() === 0) {
    chownSync(file, 65_534, 65_534)
    refused(/belongs to another user/)
  }
  rmSync(file)
  mkdirSync(file)
  refused(/is not a plain file/)
  rmSync(file, { recursive: true })
  writeFileSync(join(directory, 'elsewhere'), new Uint8Array(32), { mode: 0o600 })
  symlinkSync(join(directory, 'elsewhere'), file)
  refused(/cannot be read/)
})

test('its directory must be private, too', () => {
  const directory = temporaryDirectory()
  mkdirSync(join(directory, 'keys'))
  chmodSync(join(directory, 'keys'), 0o755)
  assert.throws(() => loadRootKey(directory), {
    code: 'invalid_request',
    message: /can be reached by others/,
  })
})

test('a key may be made read-only', () => {
  const directory = temporaryDirectory()
  const key = loadRootKey(directory)
  chmodSync(join(directory, 'keys', 'root.key'), 0o400)
  assert.deepEqual(loadRootKey(directory), key)
})
