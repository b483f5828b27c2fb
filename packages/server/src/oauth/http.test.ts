import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { describe, it } from 'node:test'
import { OAuthError } from './errors.ts'
import { formOf, fromOurPage, parseForm, readBody, readCookie } from './http.ts'

const withHeaders = (headers: Record<string, string>) => ({ headers }) as unknown as IncomingMessage
const refused = (error: unknown) => error instanceof OAuthError && error.error === 'invalid_request'

describe('forms', () => {
  it('give a parameter once, an empty one not at all', () => {
    const form = formOf(new URLSearchParams('a=1&b=&c=1&c=2'))
    assert.equal(form.one('a'), '1')
    assert.equal(form.one('b'), null)
    assert.equal(form.one('missing'), null)
    assert.deepEqual(form.all('c'), ['1', '2'])
    assert.throws(() => form.one('c'), refused)
  })

  it('are forms, whatever the letters of their type', () => {
    const type = (value: string) => () =>
      parseForm(withHeaders({ 'content-type': value }), Buffer.from('a=1'))
    assert.equal(type('Application/X-WWW-Form-Urlencoded; charset=utf-8')().one('a'), '1')
    for (const bad of ['application/json', '', 'text/plain']) assert.throws(type(bad), refused)
  })

  it('have a bounded number of parameters', () => {
    const many = new URLSearchParams(Array.from({ length: 65 }, (_, at): [string, string] => [`p${at}`, '1']))
    assert.throws(() => formOf(many), refused)
  })
})

describe('readBody', () => {
  const body = (...parts: string[]) =>
    Readable.from(parts.map((part) => Buffer.from(part))) as unknown as IncomingMessage

  it('joins what came and stops at the limit', async () => {
    assert.equal((await readBody(body('a', 'b'))).toString(), 'ab')
    await assert.rejects(readBody(body('x'.repeat(40_000), 'y'.repeat(40_000))), refused)
  })

  it('says so when the client goes away', async () => {
    const cut = new Readable({ read: () => undefined })
    setImmediate(() => cut.destroy())
    await assert.rejects(readBody(cut as unknown as IncomingMessage), refused)
  })
})

describe('readCookie', () => {
  it('finds one, and none when two disagree', () => {
    const cookie = (text: string) => readCookie(withHeaders({ cookie: text }), 'a')
    assert.equal(cookie('a=1'), '1')
    assert.equal(cookie('b=2; a=1=2 ; c'), '1=2')
    assert.equal(cookie('aa=1; ba=2'), null)
    assert.equal(cookie('a=1; a=1'), '1')
    assert.equal(cookie('a=1; a=2'), null)
    assert.equal(readCookie({ headers: {} } as IncomingMessage, 'a'), null)
  })
})

describe('fromOurPage', () => {
  const issuer = 'http://localhost:7070'
  const yes: Record<string, string>[] = [
    { origin: issuer },
    {},
    { 'sec-fetch-site': 'same-origin' },
    { 'sec-fetch-site': 'none' },
    { origin: issuer, 'sec-fetch-site': 'same-origin' },
  ]
  const no: Record<string, string>[] = [
    { origin: 'null' },
    { origin: '' },
    { origin: 'http://localhost' },
    { origin: 'http://localhost:7071' },
    { origin: 'https://localhost:7070' },
    { origin: `${issuer}.evil.example` },
    { origin: 'http://evil.example', 'sec-fetch-site': 'same-origin' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'cross-site' },
  ]
  it('is strict about what a browser says', () => {
    for (const headers of yes)
      assert.equal(fromOurPage(withHeaders(headers), issuer), true, JSON.stringify(headers))
    for (const headers of no)
      assert.equal(fromOurPage(withHeaders(headers), issuer), false, JSON.stringify(headers))
  })
})
