import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isSafeconductError } from '@safeconduct/protocol'
import { checkHost, checkOrigin, originRules } from './origin.ts'

const rules = originRules('https://gate.example', 7070)
const raw = (...pairs: string[]) => ({ rawHeaders: pairs })
const refuses = (code: string, attempt: () => void) =>
  assert.throws(attempt, (error) => isSafeconductError(error) && error.code === code)

describe('Host', () => {
  for (const host of [
    'gate.example',
    'GATE.example',
    'gate.example:443',
    'localhost:7070',
    '127.0.0.1:7070',
    '[::1]:7070',
  ]) {
    it(`takes ${host}`, () => checkHost(raw('Host', host), rules))
  }
  for (const host of [
    'evil.example',
    'gate.example:7070',
    'localhost',
    'localhost:7071',
    'gate.example.evil.example',
    '',
    '0.0.0.0:7070',
  ]) {
    it(`refuses ${JSON.stringify(host)}`, () =>
      refuses('host_refused', () => checkHost(raw('Host', host), rules)))
  }
  it('refuses none and two', () => {
    refuses('host_refused', () => checkHost(raw(), rules))
    refuses('host_refused', () => checkHost(raw('Host', 'gate.example', 'host', 'evil.example'), rules))
  })
})

describe('Origin', () => {
  it('takes none: no browser', () => checkOrigin(raw('Host', 'evil.example'), rules))
  for (const origin of ['https://gate.example', 'http://localhost:7070', 'http://127.0.0.1:7070']) {
    it(`takes ${origin}`, () => checkOrigin(raw('Origin', origin), rules))
  }
  for (const origin of ['null', 'http://gate.example', 'https://localhost:7070', 'http://evil.example', '']) {
    it(`refuses ${JSON.stringify(origin)}`, () => {
      refuses('origin_refused', () => checkOrigin(raw('origin', origin), rules))
    })
  }
  it('refuses two', () => {
    refuses('origin_refused', () =>
      checkOrigin(raw('Origin', 'https://gate.example', 'Origin', 'https://gate.example'), rules),
    )
  })
})
